"""A bucket as a source, served by moto: the same partitions as from files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("moto", reason="pip install -e '.[dev]'")

import boto3
from moto.server import ThreadedMotoServer

from beha2vec_core.cli.doctor.export import check_export, check_timezone
from beha2vec_core.ga4.arrivals import changed_days, fingerprints
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.source_files import SourceNotFoundError, SourceNotReachedError
from beha2vec_core.ga4.sources import find_export
from beha2vec_core.settings import Settings, SettingsError
from tests.ga4.ingest_world import DAY, NEXT, event, ndjson, write

FOLDER = "exports/ga4/analytics_77"


class Bucket:
    """A bucket named `exports` with the files of a local folder below ``ga4``."""

    def __init__(self, server: ThreadedMotoServer) -> None:
        host, port = server.get_host_and_port()
        self.server = f"{host}:{port}"
        self._post("reset")  # moto keeps buckets in memory
        self._client = boto3.client(
            "s3",
            endpoint_url=f"http://{self.server}",
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="s3cr3t-of-the-test",
        )
        self._client.create_bucket(Bucket="exports", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})

    def put(self, file: Path, name: str = "") -> None:
        self._client.put_object(Bucket="exports", Key=f"ga4/analytics_77/{name or file.name}", Body=file.read_bytes())

    def delete(self, name: str) -> None:
        self._client.delete_object(Bucket="exports", Key=f"ga4/analytics_77/{name}")

    def refuse(self, after: float = 0) -> None:
        """Ask for rights, which nobody has, from now on or after so many requests."""
        self._post("reset-auth", str(after).encode())

    def _post(self, action: str, body: bytes = b"") -> None:
        address = f"http://{self.server}/moto-api/{action}"
        urlopen(Request(address, body, {"Content-Type": "text/plain"}, method="POST")).close()

    def url(self, folder: str = "exports/ga4") -> str:
        return f"s3://{folder}?region=eu-central-1&scheme=http&endpoint_override={self.server}"


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedMotoServer]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bucket(server: ThreadedMotoServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t-of-the-test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket = Bucket(server)
    yield bucket
    bucket.refuse(after=float("inf"))


def files_of(folder: Path) -> list[Path]:
    """A day as gzipped JSON, one as parquet, and what is no export."""
    import duckdb

    first = write(folder / "events_20240301_000.json.gz", [event(n) for n in range(20)])
    lines = folder / "lines.ndjson"
    lines.write_bytes(ndjson([event(n, NEXT) for n in range(10)]))
    second = folder / "events_20240302.parquet"
    duckdb.sql(f"copy (from read_json('{lines}')) to '{second}' (format parquet)")
    lines.unlink()
    return [first, second, write(folder / "_SUCCESS", b""), write(folder / "notes.txt", b"no export")]


def test_the_partitions_are_those_of_files(bucket: Bucket, tmp_path: Path) -> None:
    local = tmp_path / "analytics_77"
    for file in files_of(local):
        bucket.put(file)
    here, there = find_export(str(local), "p").files, find_export(bucket.url(), "p").files
    assert [(file.name, file.property_id, file.day, file.size) for file in there] == [
        (f"analytics_77/{file.name}", file.property_id, file.day, file.size) for file in here
    ]
    reports = [ingest_days(files, [DAY, NEXT], tmp_path / name / "raw") for name, files in (("h", here), ("t", there))]
    assert [(day.property_id, day.status, day.accepted) for day in reports[1].days] == [
        ("77", "ingested", 20),
        ("77", "ingested", 10),
    ]
    assert [day.accepted for day in reports[0].days] == [day.accepted for day in reports[1].days]
    assert not list((tmp_path / "t" / "raw").glob(".*"))
    one = find_export(bucket.url(f"{FOLDER}/events_20240302.parquet"), "p").files
    assert [(file.name, file.property_id) for file in one] == [("events_20240302.parquet", "77")]


def test_doctor_looks_at_a_bucket(bucket: Bucket, tmp_path: Path) -> None:
    for file in files_of(tmp_path / "export"):
        bucket.put(file)
    settings = Settings(source=bucket.url(), start_date=DAY, timezone="Europe/Berlin", data_dir=tmp_path / "data")
    assert check_export(settings).status == "ok" and check_timezone(settings).status == "ok"


def test_an_object_that_comes_later_changes_its_day(bucket: Bucket, tmp_path: Path) -> None:
    first, second, *_ = files_of(tmp_path / "export")
    bucket.put(first)
    before = fingerprints(find_export(bucket.url(), "p").files, now=4e9)
    bucket.put(second)
    assert changed_days(before, fingerprints(find_export(bucket.url(), "p").files, now=4e9)) == [NEXT]


def test_an_object_that_is_gone_leaves_the_day_as_it_was(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put(files_of(tmp_path / "export")[0])
    files = find_export(bucket.url(), "p").files
    bucket.delete("events_20240301_000.json.gz")
    report = ingest_days(files, [DAY], tmp_path / "raw")
    assert report.days[0].status == "unreadable" and "export it again" in str(report.days[0].problem)


@pytest.mark.parametrize(
    ("folder", "error", "says"),
    [
        ("exports/none", SourceNotFoundError, "no GA4 export at"),
        ("no-such-bucket/ga4", SourceNotFoundError, "no GA4 export at|check the bucket, its region"),
        ("exports/ga4/*.parquet", SourceNotReachedError, "a pattern is not possible in a bucket. Give a folder"),
    ],
)
def test_what_is_not_there_names_the_remedy(bucket: Bucket, folder: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        find_export(bucket.url(folder), "p")


def test_a_bucket_that_refuses_an_object_ends_the_run(bucket: Bucket, tmp_path: Path) -> None:
    for file in files_of(tmp_path / "export"):
        bucket.put(file)
    files = find_export(bucket.url(), "p").files
    bucket.refuse()
    with pytest.raises(SourceNotReachedError, match=r"events_20240301_000.json.gz: the bucket does not give it"):
        ingest_days(files, [DAY, NEXT], tmp_path / "raw")
    with pytest.raises(NotADirectoryError):  # an error of this machine is none of the bucket
        assert files[0].origin and files[0].origin.fetch(tmp_path / "export" / "_SUCCESS" / "copy")


@pytest.mark.parametrize("user", ["AKIA1:hidden@", "AKIA1:hid/den@", "AKIA1@"])
def test_credentials_in_an_address_are_refused_and_not_shown(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: str
) -> None:
    url = bucket.url().replace("s3://", f"s3://{user}")
    with pytest.raises(SourceNotReachedError, match="credentials belong in the environment") as first:
        find_export(url, "p")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_SOURCE", url)
    with pytest.raises(SettingsError, match=r"^BEHA2VEC_SOURCE: credentials belong in the environment") as second:
        Settings.load()
    assert "AKIA" not in f"{first.value} {second.value}" and "den@" not in f"{first.value} {second.value}"


@pytest.mark.slow  # pyarrow tries for six seconds
def test_a_server_that_does_not_answer_names_the_remedy(bucket: Bucket) -> None:
    url = bucket.url().replace(bucket.server, "127.0.0.1:1")
    with pytest.raises(SourceNotReachedError, match=r"s3://exports/ga4 at .*:1 cannot be listed: check the bucket"):
        find_export(url, "p")
