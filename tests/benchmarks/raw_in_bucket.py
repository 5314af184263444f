"""Why raw partitions stay on a disk: what a bucket would keep, and hide, of a replaced one. Served by moto.

Prints what is left of a person in a bucket with versions after their partition was replaced and then deleted, whether
two contents of one size, written one after the other, differ in size or time, and what DuckDB needs to read a bucket.
"""

from __future__ import annotations

import io
import logging
import os

import boto3
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from moto.server import ThreadedMotoServer

from beha2vec_core.buckets import open_bucket

PARTITION = "property_id=1/event_date=2026-01-01/events.parquet"


def main() -> None:
    """Print the three facts."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host = "{}:{}".format(*server.get_host_and_port())
    client = boto3.client("s3", endpoint_url=f"http://{host}", region_name="us-east-1")
    client.create_bucket(Bucket="raw")
    client.put_bucket_versioning(Bucket="raw", VersioningConfiguration={"Status": "Enabled"})
    system, folder = open_bucket(f"s3://raw?region=us-east-1&scheme=http&endpoint_override={host}")
    path = f"{folder}/{PARTITION}"

    def put(*people: str) -> tuple[int, int]:
        with system.open_output_stream(path) as file:
            pq.write_table(pa.table({"user_pseudo_id": people}), file)
        (found,) = system.get_file_info([path])
        return found.size, found.mtime_ns

    put("ada", "bob")
    put("bob")
    system.delete_file(path)
    kept = [one for one in client.list_object_versions(Bucket="raw")["Versions"] if one["Key"] == PARTITION]
    for version in kept:
        content = client.get_object(Bucket="raw", Key=PARTITION, VersionId=version["VersionId"])["Body"].read()
        print("still readable by its version:", pq.read_table(io.BytesIO(content))["user_pseudo_id"].to_pylist())
    print("pyarrow's calls for versions:", [name for name in dir(system) if "version" in name.lower()] or "none")
    first, second = put("bob"), put("eve")
    print("size and time of bob's partition and of eve's, put after it:", "the same" if first == second else "differ")
    found = duckdb.execute("select installed from duckdb_extensions() where extension_name = 'httpfs'").fetchall()
    print(f"DuckDB {duckdb.__version__} has httpfs, which reads buckets:", found[0][0])
    server.stop()


if __name__ == "__main__":
    main()
