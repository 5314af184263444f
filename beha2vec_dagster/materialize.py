"""Run assets from the command line, without a daemon: ``python -m beha2vec_dagster --help``.

The run is an ordinary one: it is kept in DAGSTER_HOME and shows in the UI. A run whose process was killed is found by
the next one, marked failed (or canceled, if that was asked for), and gives its place in the pools back.
"""

import argparse
import json
import logging
import os
import re
import signal
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from threading import Event, Thread, current_thread, main_thread

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, RunsFilter
from filelock import FileLock, Timeout

from beha2vec_core.progress import PROGRESS_LOGGER, ProgressBar, keep_terminal
from beha2vec_core.words import counted
from beha2vec_dagster.lib.console import is_interruption

# hidden in the UI, as Dagster hides its own by this prefix
PROCESS_TAG = ".dagster/beha2vec_process"
_SHOWN_CAUSES = 3
# Dagster reads `name+` as its former syntax did, one step; with `key:"name"+`, as its documentation has it, all steps
_PLAIN = re.compile(r"^(\d*\+|)([\w/]+)(\+\d*|)$")
_GOING_ON = [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]
_UNFINISHED = [*_GOING_ON, DagsterRunStatus.CANCELING]


def main(
    arguments: list[str] | None = None, instance: DagsterInstance | None = None, starter: int | None = None
) -> int:
    """Run a job, or a selection of assets, for a range of days in one run; 0 if every step succeeded.

    The run is recorded in an instance, by default that of DAGSTER_HOME. A byte in the pipe ``starter``
    cancels it; it fails when the pipe's other end is closed.

    Raises:
        KeyboardInterrupt: the run was interrupted.
    """
    parser = argparse.ArgumentParser(
        prog="python -m beha2vec_dagster",
        description="Run a job, or a selection of assets, for a range of days in one run; 0 if every step succeeded.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--select", default="*", help="assets, in Dagster's selection syntax")
    what.add_argument("--job", help="one of Dagster's jobs instead")
    parser.add_argument("--start", required=True, help="first day, YYYY-MM-DD")
    parser.add_argument("--end", required=True, help="last day, YYYY-MM-DD")
    parser.add_argument("--config", help="run config: JSON, or the path of a JSON or YAML file")
    asked = parser.parse_args(arguments)
    keep_terminal()
    is_canceled = Event()
    # marked before the definitions are loaded, which takes seconds: `beha2vec forget` has to know that a run starts
    with nullcontext(instance) if instance else DagsterInstance.get() as records, _mark(records, is_canceled) as mark:
        if starter is not None:
            Thread(target=_end_when_asked, args=(starter, records, mark, is_canceled), daemon=True).start()
        return _run(asked, records, mark)


def _end_when_asked(starter: int, records: DagsterInstance, mark: str, is_canceled: Event) -> None:
    """End this process's run at a byte in the pipe, or when it is closed.

    After a byte the run is canceled; without this request Dagster records a failure, and alerts.
    """
    try:
        if os.read(starter, 1):
            is_canceled.set()  # it may have no run yet
            for run in records.get_runs(RunsFilter(tags={PROCESS_TAG: mark}, statuses=_GOING_ON)):
                records.report_run_canceling(run)
    finally:
        signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)


def _run(asked: argparse.Namespace, records: DagsterInstance, mark: str) -> int:
    from beha2vec_core.settings import SettingsError
    from beha2vec_dagster.definitions import defs
    from beha2vec_dagster.lib.partitions import RANGE_END, RANGE_START

    try:
        job = _job(asked.job or "materialize_everything", defs())
        keys = None if asked.job else _selected(asked.select, job)
        run_config = {"loggers": {"console": {}}} | _run_config(asked.config)
        dg.validate_run_config(job.get_subset(asset_selection=keys) if keys else job, run_config)
    except (SettingsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except dg.DagsterInvalidConfigError as error:
        for mistake in error.errors:
            print(f"--config: {mistake.message.split(' Expected: ')[0]}", file=sys.stderr)
        return 2
    days = (date.fromisoformat(asked.end) - date.fromisoformat(asked.start)).days + 1
    run_id = str(uuid.uuid4())
    # Dagster writes a record for each day, also of assets that have no days
    assets = list(keys or job.asset_layer.executable_asset_keys)
    with _held_back() as interrupted:
        records.add_event_listener(run_id, _Recording(days * len(assets), interrupted))
        result = job.execute_in_process(
            run_id=run_id,
            instance=records,
            asset_selection=sorted(keys) if keys else None,
            run_config=run_config,
            tags={RANGE_START: asked.start, RANGE_END: asked.end, PROCESS_TAG: mark},
            raise_on_error=False,
        )
        if any(map(is_interruption, result.all_events)):
            raise KeyboardInterrupt
        _close(result, records)
    return 0 if result.success else 1


@contextmanager
def _held_back() -> Iterator[Event]:
    """Interrupts set the event: an exception at any moment would break off a write to Dagster's records.

    From the first step on Dagster handles them itself.
    """
    interrupted, numbers = Event(), (signal.SIGINT, signal.SIGTERM)
    before = {}
    if current_thread() is main_thread():  # the only one that can take signals
        before = {number: signal.signal(number, lambda *_: interrupted.set()) for number in numbers}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Recording:
    """How far Dagster's records of what a run is to make are, which it writes before the first step."""

    def __init__(self, days_of_assets: int, interrupted: Event) -> None:
        self._interrupted = interrupted
        self._bar = ProgressBar(title="recording the run", unit="record", total=days_of_assets)
        self._lines = logging.StreamHandler(sys.stdout)
        logging.getLogger(PROGRESS_LOGGER).addHandler(self._lines)

    def __call__(self, event: dg.EventLogEntry) -> None:
        """Count a record; the first one of another kind ends it.

        Raises:
            KeyboardInterrupt: the process was interrupted; Dagster itself only looks from the first step on.
        """
        kind = event.dagster_event.event_type if event.dagster_event else None
        if kind is DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
            self._bar.update()
            if self._interrupted.is_set():
                raise KeyboardInterrupt
        elif kind is not DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
            self._bar.close()
            logging.getLogger(PROGRESS_LOGGER).removeHandler(self._lines)


def _close(result: dg.ExecuteInProcessResult, records: DagsterInstance) -> None:
    """The closing lines: why steps failed, failed checks, warnings, and what to do next."""
    from beha2vec_dagster.defs.operations.sensors import message_of

    failures = [event for event in result.all_events if event.is_step_failure]
    for event in failures[:_SHOWN_CAUSES]:
        cause = event.step_failure_data.error
        while cause is not None and cause.cause is not None:
            cause = cause.cause
        print(f"\n{event.step_key} failed: {cause.message.strip() if cause else 'see the UI'}", file=sys.stderr)
    for found in result.get_asset_check_evaluations():
        if not found.passed:
            message, remedy = message_of(found)
            what = f"{found.severity.value.lower()}: check {found.check_name} of {found.asset_key.to_user_string()}"
            print(f"\n{what}: {message}" + (f"\n  -> {remedy}" if remedy else ""), file=sys.stderr)
    warnings = [
        f"\nwarning: {entry.step_key}: {entry.user_message}"
        for entry in records.all_logs(result.run_id)
        if entry.level == logging.WARNING and entry.dagster_event is None
    ]
    for warning in dict.fromkeys(warnings):  # a part of the work may repeat one
        print(warning, file=sys.stderr)
    made = counted(len({event.asset_key for event in result.all_events if event.is_step_materialization}), "asset")
    if result.success:
        print(f"\nfinished: {made} materialized. Next: beha2vec summary, or beha2vec explore")
    else:
        print(
            f"\nfailed: {made} materialized, {counted(len(failures), 'step')} failed. Next: correct the cause above, "
            "and run the same command again",
            file=sys.stderr,
        )


def _job(name: str, definitions: dg.Definitions) -> dg.JobDefinition:
    """A job by its name.

    Raises:
        ValueError: there is none of this name.
    """
    jobs = {job.name: job for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")}
    if name not in jobs:
        raise ValueError(f"--job {name} is not a job: choose from {', '.join(sorted(jobs))} (docs/operations.md)")
    return jobs[name]


def _selected(text: str, job: dg.JobDefinition) -> set[dg.AssetKey]:
    """The assets that a selection names.

    Raises:
        ValueError: it names none, or is no selection.
    """
    graph = job.asset_layer.asset_graph
    keys: set[dg.AssetKey] = set()
    for part in [part.strip() for part in text.split(",") if part.strip()] or [text]:
        try:
            found = dg.AssetSelection.from_string(_PLAIN.sub(r'\1key:"\2"\3', part)).resolve(graph)
        except dg.DagsterError:
            found = set()
        if not found:
            names = [key.to_user_string() for key in graph.get_all_asset_keys()]
            near = get_close_matches(part.strip("+*"), names, n=1)
            hint = f"did you mean {near[0]}?" if near else "the assets are in the UI's catalog: beha2vec ui"
            raise ValueError(f"--select {part} selects no asset; {hint}")
        keys |= found
    return keys


def _run_config(given: str | None) -> dict[str, object]:
    """Run config from JSON or a file.

    Raises:
        ValueError: it cannot be read.
    """
    import yaml

    if given is None:
        return {}
    try:
        text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8")
        try:
            loaded = json.loads(text)
        except ValueError:  # JSON first: to YAML 1e-4 is a text
            loaded = yaml.safe_load(text) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise ValueError(f"--config: give JSON, or the path of a JSON or YAML file ({why})") from None
    if not isinstance(loaded, dict):
        raise ValueError("--config: give a mapping, such as {ops: {raw_ga4_events: {config: {max_bad_share: 0.1}}}}")
    return loaded


@contextmanager
def _mark(instance: DagsterInstance, is_canceled: Event) -> Iterator[str]:
    """A mark for this process's run: a lock that the operating system drops when the process dies.

    At the end the run is closed, if Dagster has not done so: it was interrupted before its first step.
    """
    folder = _locks(instance)
    folder.mkdir(exist_ok=True)
    close_dead_runs(instance)
    mark = uuid.uuid4().hex
    path = folder / f"{mark}.lock"
    try:
        with FileLock(path):
            try:
                yield mark
            finally:
                with _held_back():
                    for run in instance.get_runs(RunsFilter(tags={PROCESS_TAG: mark}, statuses=_UNFINISHED)):
                        _end(instance, run, "Its process was ended.", is_canceled.is_set())
    finally:
        path.unlink(missing_ok=True)


def _locks(instance: DagsterInstance) -> Path:
    return Path(instance.root_directory) / "processes"


def close_dead_runs(instance: DagsterInstance) -> None:
    """Mark runs of the command line whose process is gone as failed, or as canceled."""
    for run in instance.get_runs(RunsFilter(statuses=_UNFINISHED)):
        mark = run.tags.get(PROCESS_TAG)
        if mark is None:
            continue
        lock = _locks(instance) / f"{Path(mark).name}.lock"
        try:
            with FileLock(lock, timeout=0):
                _end(instance, run, "Its process was killed.")
        except Timeout:
            continue  # alive
        lock.unlink(missing_ok=True)


def _end(instance: DagsterInstance, run: dg.DagsterRun, why: str, is_canceled: bool = False) -> None:
    """Record that a run has ended: as canceled, if that was asked for, otherwise as failed."""
    if is_canceled or run.status is DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, why)
    else:
        instance.report_run_failed(run, why)
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def living_marks(instance: DagsterInstance) -> set[str]:
    """The marks of the command line's processes that live, also of those that have no run yet."""
    living = set()
    for path in _locks(instance).glob("*.lock"):
        try:
            with FileLock(path, timeout=0):
                pass
        except Timeout:
            living.add(path.stem)
    return living
