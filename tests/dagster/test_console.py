"""What a run started from the command line prints."""

import dagster as dg
import pytest

from beha2vec_dagster.lib.console import console


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
