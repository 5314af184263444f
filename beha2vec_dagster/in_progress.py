"""The runs in progress, one per line: ``python -m beha2vec_dagster.in_progress``.

`beha2vec forget` asks for them: a run in progress would write back what it has read. Dagster's records have the runs of
the command line, of the UI and of the daemon, in SQLite or in PostgreSQL.
"""

import sys

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from beha2vec_dagster.materialize import PROCESS_TAG, close_dead_runs, living_marks

_IN_PROGRESS = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


def main() -> int:
    """Print the id and the job of each run in progress."""
    with DagsterInstance.get() as instance:
        close_dead_runs(instance)
        runs = instance.get_runs(RunsFilter(statuses=_IN_PROGRESS))
        for run in runs:
            print(f"{run.run_id[:8]} ({run.job_name})")
        for mark in living_marks(instance) - {run.tags.get(PROCESS_TAG) for run in runs}:
            print(f"{mark[:8]} (a run that is starting)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
