"""How fast an export is ingested: python tests/benchmarks/ingest_speed.py <file, folder or glob>.

Reads all days that file names promise, into a temporary folder that is removed afterwards.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.source_files import source_days
from beha2vec_core.ga4.sources import find_source_files


def main(source: str) -> None:
    files = find_source_files(source, "ga4")
    with tempfile.TemporaryDirectory() as folder:
        start, used = time.perf_counter(), time.process_time()
        report = ingest_days(files, source_days(files), Path(folder) / "raw_ga4_events")
        seconds, used = time.perf_counter() - start, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(files):,} files, {len(report.days):,} days: {report.accepted:,} events accepted, "
        f"{report.quarantined:,} quarantined in {seconds:.1f} s ({report.rows_in / seconds:,.0f} rows/s), "
        f"{used:.1f} CPU s, "
        f"{peak:,.0f} MB at most"
    )


if __name__ == "__main__":
    main(sys.argv[1])
