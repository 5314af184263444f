"""How fast an export is ingested: python tests/benchmarks/ingest_speed.py <file, folder or glob> [--threads 1].

Reads all days that file names promise, into a temporary folder that is removed afterwards.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from joblib.externals.loky import get_reusable_executor

from beha2vec_core.estimate import memory_bytes
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.source_files import source_days
from beha2vec_core.ga4.sources import find_source_files


def main(source: str, threads: int) -> None:
    files = find_source_files(source, "ga4")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        raw = Path(folder) / "raw_ga4_events"
        report = ingest_days(files, source_days(files), raw, memory_bytes=memory_bytes("80%"), threads=threads)
        seconds = time.perf_counter() - start
    get_reusable_executor().shutdown(wait=True)  # processes are counted when they have ended
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(
        f"{len(files):,} files, {len(report.days):,} days: {report.accepted:,} events accepted, "
        f"{report.quarantined:,} quarantined in {seconds:.1f} s ({report.rows_in / seconds:,.0f} rows/s), "
        f"{sum(of.ru_utime + of.ru_stime for of in used):.1f} CPU s, "
        f"{max(of.ru_maxrss for of in used) / 1024:,.0f} MB at most in a process"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="file, folder or glob")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: %(default)s")
    main(**vars(parser.parse_args()))
