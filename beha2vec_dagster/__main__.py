"""A run from the command line: ``python -m beha2vec_dagster --help``. Ctrl-C cancels it and says how to go on."""

import os
import signal
import sys
from contextlib import suppress


def main() -> int:
    """The exit code of `materialize`; 130, as shells have it, if it was interrupted.

    The run has a process group of its own: Ctrl-C goes to all processes of the terminal's group, and Dagster's, which
    show the output of a step, answer with a traceback. A byte in the pipe cancels the run. If the pipe is closed
    without one, this process was killed, and Dagster records a failure, as it does after SIGTERM.
    """
    reading, writing = os.pipe()
    run = os.fork()
    if run == 0:
        os.close(writing)
        os.setpgid(0, 0)
        return _run(reading)
    os.setpgid(run, run)  # here too: whichever of the two is first
    signal.signal(signal.SIGTERM, lambda *_: _send(run, signal.SIGTERM))
    signal.signal(signal.SIGTSTP, lambda *_: _pause(run))
    is_asked_to_end = False
    while True:
        try:
            _, status = os.waitpid(run, 0)
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        except KeyboardInterrupt:
            if is_asked_to_end:
                _send(run, signal.SIGINT)
            else:
                os.write(writing, b"x")
            is_asked_to_end = True


def _send(run: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(run, number)


def _pause(run: int) -> None:
    """Stop the run and this process, until the terminal's `fg` or `bg`."""
    os.killpg(run, signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGSTOP)
    os.killpg(run, signal.SIGCONT)


def _run(starter: int) -> int:
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        from beha2vec_dagster import materialize  # which takes seconds

        return materialize.main(starter=starter)
    except KeyboardInterrupt:
        print("\nThe run was stopped. Finished parts are kept: run the same command again to go on.", file=sys.stderr)
        return 130
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # it ends anyway


if __name__ == "__main__":
    sys.exit(main())
