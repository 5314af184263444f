"""What ingest removes and what it leaves, on the corpus of tests/privacy/personal_data; and what it costs.

python tests/benchmarks/privacy.py [events]: recall on personal texts and innocent texts that changed, of both halves
of the corpus and of names that no list has; recall by kind beside the patterns for BigQuery; and events a second and
CPU time with and without cleaning, of a demo export with the corpus.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from collections import Counter
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from beha2vec_core.demo_shop.export import write_demo_export
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.sources import find_source_files
from beha2vec_core.privacy.columns import EventCleaner
from tests.privacy.privacy_corpus import by_patterns, gives_away, recall_by_kind, samples

START = date(2026, 1, 5)
DAYS = 10


def quality() -> None:
    for file, part in product(("corpus.tsv", "unlisted.tsv", "unseen.tsv"), ("tune", "score")):
        found = samples(part, file)
        if not found:
            continue
        personal = [sample for sample in found if sample.kind != "innocent"]
        innocent = [sample for sample in found if sample.kind == "innocent"]
        leaks = [sample for sample in personal if gives_away(sample.cleaned, sample.secret)]
        changed = [sample for sample in innocent if sample.cleaned != sample.text]
        print(
            f"{file}, {part}: recall {1 - len(leaks) / len(personal):.1%} "
            f"({len(personal) - len(leaks)} of {len(personal)}), "
            f"innocent texts changed {len(changed)} of {len(innocent)}"
        )
        for kind, count in Counter(sample.kind for sample in leaks).most_common():
            print(f"  leaks, {kind}: {count}")


def compared() -> None:
    corpus = samples()
    ingest, patterns = (recall_by_kind(left) for left in ({s: s.cleaned for s in corpus}, by_patterns(corpus)))
    print("by kind, ingest and the patterns for BigQuery:")
    for kind, share in ingest.items():
        print(f"  {kind}: {share:.0%}, {patterns[kind]:.0%}")


def speed(events: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "export"
        write_demo_export(export, users=max(events // 13, 10), days=DAYS, seed=7, start_date=START, progress=False)
        _add_corpus(next(iter(sorted(export.glob("*.gz")))))
        files = find_source_files(str(export), "demo")
        days = [START + timedelta(days=n) for n in range(DAYS)]
        for name in ("without cleaning", "with cleaning") * 2:
            with patch.object(EventCleaner, "batch", (lambda _, batch: batch) if "out" in name else EventCleaner.batch):
                begin, begin_cpu = time.perf_counter(), time.process_time()
                report = ingest_days(files, days, Path(folder) / name / "raw_ga4_events")
                seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
            print(
                f"{name}: {report.accepted:,} events in {seconds:.1f} s, {report.accepted / seconds:,.0f} events/s, "
                f"{cpu:.1f} s of CPU time, {report.redacted:,} values redacted"
            )


def _add_corpus(day: Path) -> None:
    """Add an event for each sample to a file of the export."""
    with gzip.open(day, "rt", encoding="utf-8") as stream:
        first = json.loads(next(stream))
    with gzip.open(day, "at", encoding="utf-8") as stream:
        for sample in samples():
            params = [{"key": sample.key, "value": {"string_value": sample.text}}]
            stream.write(json.dumps({**first, "event_name": "page_view", "event_params": params}) + "\n")


if __name__ == "__main__":
    quality()
    compared()
    speed(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
