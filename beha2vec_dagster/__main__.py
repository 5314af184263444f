"""A run from the command line: ``python -m beha2vec_dagster --help``. Ctrl-C says how to go on."""

import sys


def main() -> int:
    """The exit code of `materialize`; 130, as shells have it, if it was interrupted."""
    try:
        from beha2vec_dagster import materialize  # which takes seconds

        return materialize.main()
    except KeyboardInterrupt:
        print("\nThe run was stopped. Finished parts are kept: run the same command again to go on.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
