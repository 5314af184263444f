"""Bars are for terminals: a child process writes one to a pseudo-terminal, or to a file. Logs get lines."""

import logging
import os
import pty
import subprocess
import sys

import pytest

from beha2vec_core import progress
from beha2vec_core.progress import ProgressBar, with_progress

# as in a run: standard error goes to a file while a step runs
STEP = """
import os
from beha2vec_core.progress import ProgressBar, keep_terminal, with_progress
keep_terminal()
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
beside_other_lines = ProgressBar(title="dbt", unit="model", total=2, has_bar=False)
beside_other_lines.update()
for _ in with_progress(range(3), title="reading", unit="file"):
    pass
"""


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_is_shown_on_the_terminal_of_the_run_and_nowhere_else(terminal: bool) -> None:
    reader, writer = pty.openpty() if terminal else os.pipe()
    try:
        subprocess.run([sys.executable, "-c", STEP], stderr=writer, check=True)
        os.close(writer)
        with os.fdopen(reader, "rb", closefd=False) as stream:
            try:
                shown = stream.read1(10_000)
            except OSError:  # the other end of a pseudo-terminal is closed
                shown = b""
    finally:
        os.close(reader)
    assert (b"reading" in shown and b"3/3" in shown) == terminal and bool(shown) == terminal
    assert b"dbt" not in shown


def test_the_log_of_long_work_has_the_time_left(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 50.0)
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    bar = ProgressBar(title="training", unit="update", total=1000)
    bar.begin_at(400)
    for seconds in (40.0, 100.0, 140.0, 300.0):
        now = seconds
        bar.update(100, about="epoch 3")
    bar.close()
    assert caplog.messages == [
        "training: 600 of 1,000 updates (epoch 3), 3 min left", "training: 800 of 1,000 updates (epoch 3), 2 min left",
    ]  # fmt: skip
    assert caplog.records[0].levelno == logging.INFO


def test_short_work_and_work_that_is_not_shown_log_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(with_progress(range(3), title="reading", unit="file"))
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    list(with_progress(range(3), title="reading", unit="file", shown=False))
    assert caplog.messages == []
