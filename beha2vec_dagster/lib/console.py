"""What a run started from the command line prints: a line a step, warnings, errors; the rest is in the UI."""

import io
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

import dagster as dg
from tqdm import tqdm

from beha2vec_core.progress import keep_terminal

_SHOWN_EVENTS = {"STEP_START", "STEP_FAILURE", "STEP_SUCCESS", "RUN_FAILURE", "RUN_SUCCESS"}

# one for each step after a failed one: the failed step says why
_SKIPPED = re.compile(r"Dependencies for step .* Not executing\.$", re.DOTALL)
# dbt's lines of a data test that passes, and of each start
_ROUTINE = re.compile(r"\d+ of \d+ (START|PASS) |Unable to do partial parsing")
# how dagster-dbt calls dbt
_HOW_DBT_IS_CALLED = ("A dbt subsetted execution is ", "Copying `", "Running dbt command", "Finished dbt command")


@contextmanager
def brief_dbt() -> Iterator[None]:
    """Leave out what dbt says of tests that pass, hundreds of lines: they are checks in the UI."""
    with redirect_stdout(_WithoutRoutine(sys.stdout)):
        yield


class _WithoutRoutine(io.TextIOBase):
    def __init__(self, shown: TextIO) -> None:
        self._shown = shown

    def write(self, text: str) -> int:
        if not _ROUTINE.search(text):
            self._shown.write(text)
        return len(text)

    def flush(self) -> None:
        self._shown.flush()


class _Brief(logging.Formatter):
    """``12:30:01  raw_ga4_events: Finished execution of step in 3.1s``."""

    def format(self, record: logging.LogRecord) -> str:
        meta = getattr(record, "dagster_meta", {})
        text = str(meta.get("orig_message") or record.getMessage())  # without a stack trace: that is in the UI
        step = meta.get("step_key")
        level = "" if record.levelno < logging.WARNING else f"{record.levelname} "
        return f"{self.formatTime(record, '%H:%M:%S')}  {level}{f'{step}: ' if step else ''}{text}"


def _is_shown(record: logging.LogRecord) -> bool:
    meta = getattr(record, "dagster_meta", {})
    message = str(meta.get("orig_message"))
    if _SKIPPED.match(message) or message.startswith(_HOW_DBT_IS_CALLED):
        return False
    event = meta.get("dagster_event")
    if event is not None:
        if is_interruption(event):  # the command says it in its own words
            return False
        return event.event_type_value in _SHOWN_EVENTS or record.levelno >= logging.WARNING
    return record.levelno >= logging.INFO


def is_interruption(event: dg.DagsterEvent) -> bool:
    """Whether the run was interrupted, as by Ctrl-C."""
    if event.is_step_failure:
        error = event.step_failure_data.error
        return error is not None and error.cls_name in ("DagsterExecutionInterruptedError", "KeyboardInterrupt")
    reason = event.job_failure_data.failure_reason if event.is_job_failure else None
    is_unexpected = reason is not None and reason.value == "UNEXPECTED_TERMINATION"
    return is_unexpected or event.event_type is dg.DagsterEventType.RUN_CANCELED


class _BesideBars(logging.StreamHandler[TextIO]):
    """Prints above a progress bar that a terminal shows."""

    def emit(self, record: logging.LogRecord) -> None:
        with tqdm.external_write_mode(self.stream):
            super().emit(record)


@dg.logger(None, description="A line a step, warnings and errors.")
def console(_: dg.InitLoggerContext) -> logging.Logger:
    """The logger of runs started from the command line."""
    log = logging.Logger("beha2vec.run", level=logging.DEBUG)
    handler = _BesideBars((sys.stdout.isatty() and keep_terminal()) or sys.stdout)
    handler.setFormatter(_Brief())
    handler.addFilter(_is_shown)
    log.addHandler(handler)
    return log


@contextmanager
def core_messages(log: logging.Logger, name: str) -> Iterator[None]:
    """What a logger of the core reports during long work is in the run's log too."""
    core = logging.getLogger(name)
    level, handler = core.level, _Forwarding(log)
    core.addHandler(handler)
    core.setLevel(logging.INFO)
    try:
        yield
    finally:
        core.removeHandler(handler)
        core.setLevel(level)


class _Forwarding(logging.Handler):
    def __init__(self, log: logging.Logger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, record.getMessage())
