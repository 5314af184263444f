"""What a data folder's bytes are spent on: ``python deploy/sizes.py data``, while no run writes to it."""

import sys
from pathlib import Path

import duckdb


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return (
        sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size
    )


def main(data: Path) -> None:
    """Print bytes, and bytes an event, of each part; then bytes a user vector."""
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        ((events,),) = connection.execute("select sum(accepted)::bigint from raw.ga4_ingest_log").fetchall()
        ((vectors,),) = connection.execute("select count(*) from beha2vec.user_embeddings").fetchall()
        # each block is of one table
        ((blocks,),) = connection.execute(
            "select count(distinct block_id) from pragma_storage_info('beha2vec.user_embeddings') where persistent"
        ).fetchall()
        ((block_size,),) = connection.execute("select block_size from pragma_database_size()").fetchall()
    print(f"{events:,} events, {vectors:,} vectors (a user and day)")
    for name in ("raw_ga4_events", "warehouse.duckdb", "serving.duckdb", "user_sequences", "encoders"):
        found = size(data / name)
        print(f"{name:<18}{found:>16,} bytes{found / events:>10,.0f} an event")
    print(f"a user vector in the warehouse: {blocks * block_size / vectors:,.0f} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
