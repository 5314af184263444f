"""Bars are for terminals: a child process writes one to a pseudo-terminal, or to a file."""

import os
import pty
import subprocess
import sys

import pytest

# as in a run: standard error goes to a file while a step runs
STEP = """
import os
from beha2vec_core.progress import keep_terminal, with_progress
keep_terminal()
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
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
