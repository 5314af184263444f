"""Sensors that send alerts for failed runs and failed checks, one message per run (see ``beha2vec_core.alerts``).

They are on from the start if an alert recipient is configured. Dagster's daemon evaluates them, for runs of the
command line too.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRun

from beha2vec_core.alerts import Alert, Problem, send
from beha2vec_core.settings import Settings
from beha2vec_core.words import counted

_FINISHED = ("SUCCEEDED", "FAILED")  # states of a check's record


def build_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """Both sensors, on from the start if the settings name a recipient."""
    status = dg.DefaultSensorStatus.RUNNING if settings.alerts.configured else dg.DefaultSensorStatus.STOPPED

    @dg.run_failure_sensor(
        default_status=status,
        monitor_all_code_locations=True,  # runs of the command line are of no code location
        description="Sends an alert for a failed run: steps, root cause, failed checks. Not for a run that is retried.",
    )
    def alert_on_failed_runs(context: dg.RunFailureSensorContext) -> None:
        """One message a failed run."""
        if context.dagster_run.tags.get("dagster/will_retry") == "true":
            return
        _send_alert(context, settings)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        default_status=status,
        monitor_all_code_locations=True,
        description="Sends an alert for checks that failed in a run that succeeded: for a warning when it begins, "
        "for an error each time.",
    )
    def alert_on_failed_checks(context: dg.RunStatusSensorContext) -> None:
        """One message a run with failed checks, none where all passed."""
        _send_alert(context, settings)

    return [alert_on_failed_runs, alert_on_failed_checks]


def _send_alert(context: dg.RunStatusSensorContext, settings: Settings) -> None:
    alert = alert_of(context.instance, context.dagster_run, settings)
    if alert is None:
        return
    if not settings.alerts.configured:
        context.log.warning(f"{alert.title}; no alert sent: no BEHA2VEC_ALERT_* setting names a recipient")
    for delivery in send(alert, settings):
        text = f"{alert.title}; {delivery.target}: {delivery.error or 'sent'}"
        context.log.log(40 if delivery.error else 20, text)


def alert_of(instance: DagsterInstance, run: DagsterRun, settings: Settings) -> Alert | None:
    """The alert of a run, if any."""
    failed = run.status == dg.DagsterRunStatus.FAILURE
    checks = list(_failed_checks(instance, run, settings))
    steps = list(_failed_steps(instance, run)) if failed else []
    if failed and not steps and not any(problem.severity == "error" for problem in checks):
        steps = [Problem("the run", _why(instance, run))]
    if not steps and not checks:
        return None
    what = "failed" if failed else counted(len(checks), "failed check")
    url = f"{settings.dagster.url}/runs/{run.run_id}" if settings.dagster.url else None
    return Alert(f"Beha2Vec: {run.job_name}: {what}", (*steps, *checks), run.job_name, run.run_id, url)


def _failed_steps(instance: DagsterInstance, run: DagsterRun) -> Iterator[Problem]:
    """Each failed step with its root cause; a blocking check's step is covered by the check."""
    for entry in instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_FAILURE):
        if entry.dagster_event is None:
            continue
        error = entry.dagster_event.step_failure_data.error
        if error is not None and error.cls_name == "DagsterAssetCheckFailedError":
            continue
        while error is not None and error.cause is not None:
            error = error.cause
        yield Problem(f"step {entry.step_key}", error.message.strip() if error else "no cause is known")


def _failed_checks(instance: DagsterInstance, run: DagsterRun, settings: Settings) -> Iterator[Problem]:
    latest = {
        evaluation.asset_check_key: evaluation
        for entry in instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
        if entry.dagster_event is not None and (evaluation := entry.dagster_event.asset_check_evaluation_data)
    }
    for key, found in latest.items():
        warns = found.severity == dg.AssetCheckSeverity.WARN
        if found.passed or (warns and (settings.alerts.severity == "error" or _failed_before(instance, run, key))):
            continue
        message, remedy = message_of(found)
        what = f"check {key.name} of {key.asset_key.to_user_string()}"
        yield Problem(what, message, "warn" if warns else "error", remedy)


def message_of(found: dg.AssetCheckEvaluation) -> tuple[str, str]:
    """The message and remedy of a failed check: one of ours, the gate of a new encoder, or a test of dbt."""
    figures: dict[str, Any] = {name: value.value for name, value in found.metadata.items()}
    rows = figures.get("dagster_dbt/failed_row_count")
    text = (
        figures.get("message")
        or "; ".join(figures.get("reasons", []))
        or (f"{rows} rows do not satisfy it" if rows else "")
        or found.description
        or "see its page in Dagster"
    )
    return str(text), str(figures.get("remedy", ""))


def _failed_before(instance: DagsterInstance, run: DagsterRun, key: dg.AssetCheckKey) -> bool:
    """Whether the check had failed already in the run before: a lasting warning is not repeated every night."""
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=50)
    of_run = [place for place, record in enumerate(history) if record.run_id == run.run_id]
    states = [record.status.value for record in history[max(of_run, default=-1) + 1 :]]
    return next((state for state in states if state in _FINISHED), None) == "FAILED"


def _why(instance: DagsterInstance, run: DagsterRun) -> str:
    """Why a run failed that has no failed step, as where its process was killed."""
    text = [entry.user_message for entry in instance.all_logs(run.run_id, of_type=DagsterEventType.RUN_FAILURE)]
    return text[-1] if text and text[-1] else "no cause is known"
