"""What a run started from the command line prints."""

import dagster as dg
import pytest

from beha2vec_dagster.lib.console import brief_dbt, console


def test_steps_after_a_failed_one_are_not_listed(capsys: pytest.CaptureFixture[str]) -> None:
    @dg.op
    def broken() -> int:
        raise ValueError("no export")

    @dg.op
    def after(number: int) -> int:
        return number

    @dg.job(logger_defs={"console": console}, executor_def=dg.in_process_executor)
    def graph() -> None:
        after(after(broken()))

    done = graph.execute_in_process(raise_on_error=False, run_config={"loggers": {"console": {}}})
    printed = capsys.readouterr().out
    assert not done.success
    assert "ERROR broken: " in printed
    assert "after" not in printed and "Not executing" not in printed


def test_how_dbt_is_called_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    @dg.op
    def built(context) -> None:  # type: ignore[no-untyped-def]
        context.log.info("A dbt subsetted execution is not being performed. Using the default dbt selection")
        context.log.info("Running dbt command: `beha2vec-dbt build --vars {}`.")
        context.log.info("3 models")
        with brief_dbt():
            print("Unable to do partial parsing because saved manifest not found. Starting full parse.")
            print("1 of 79 OK created sql incremental model")

    @dg.job(logger_defs={"console": console}, executor_def=dg.in_process_executor)
    def graph() -> None:
        built()

    graph.execute_in_process(run_config={"loggers": {"console": {}}})
    printed = capsys.readouterr().out
    assert "3 models" in printed and "1 of 79 OK" in printed
    assert not any(said in printed for said in ("subsetted", "Running dbt", "parsing"))
