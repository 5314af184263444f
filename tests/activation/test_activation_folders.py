"""Files in a bucket: an object has the members of now, whole or not at all, and nothing tells who may write it."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from beha2vec_core.activation.config import build, load_destinations
from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.activation.files import Files
from beha2vec_core.activation.folders import Bucket
from beha2vec_core.activation.run import plan_and_send, plan_only
from beha2vec_core.settings import Settings
from tests.activation.activation_world import BUYERS, change, make_folder, may_be_contacted
from tests.activation.bucket_server import Objects, bucket
from tests.activation.services import Service, served


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-the-test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t-of-the-test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
def service(objects: Objects) -> Iterator[Service]:
    with served(answer=objects.answer) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_folder(tmp_path, BUYERS, users=200)


def _users(content: bytes) -> set[str]:
    if content.startswith(b"PAR1"):
        return set(pq.read_table(io.BytesIO(content)).column("user_key").to_pylist())
    return {row["user_key"] for row in csv.DictReader(io.StringIO(content.decode()))}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_object_has_the_members_of_now(settings: Settings, service: Service, objects: Objects, form: str) -> None:
    path = f"/crm/lists/buyers.{form}"
    for wanted in ("true", "user_key < 'u0100'", "true"):
        change(settings, f"update ga4.dim_ga4__users set is_ads_consented = {wanted}", BUYERS)
        destination = Files("s3", folder=bucket(service), format=form)  # type: ignore[arg-type]
        _, report = plan_and_send(settings, BUYERS, destination)
        assert report.is_complete and _users(objects.objects[path]) == may_be_contacted(settings, "buyers")
    before = len(service.requests)
    assert plan_and_send(settings, BUYERS, destination)[0].changes == ()
    assert {request.method for request in service.requests[before:]} <= {"HEAD", "GET"}, "nothing to write"
    del objects.objects[path]
    plan_and_send(settings, BUYERS, destination)
    assert _users(objects.objects[path]) == may_be_contacted(settings, "buyers")


@pytest.mark.parametrize("refuse", [("POST", "uploads"), ("PUT", "partNumber"), ("POST", "uploadId")])
def test_an_object_is_replaced_whole_or_not_at_all(
    settings: Settings, service: Service, objects: Objects, refuse: tuple[str, str]
) -> None:
    plan_and_send(settings, BUYERS, Files("s3", folder=bucket(service)))
    before = dict(objects.objects)
    change(settings, "update ga4.dim_ga4__users set is_ads_consented = user_key < 'u0100'", BUYERS)
    objects.refuse = refuse
    _, report = plan_and_send(settings, BUYERS, Files("s3", folder=bucket(service)))
    assert objects.objects == before and report.stopped.startswith(f"buyers.csv in {bucket(service).address} cannot")
    assert "AWS_SECRET_ACCESS_KEY" in report.stopped and os.environ["AWS_SECRET_ACCESS_KEY"] not in report.stopped
    objects.refuse = None
    assert plan_and_send(settings, BUYERS, Files("s3", folder=bucket(service)))[1].is_complete
    assert _users(objects.objects["/crm/lists/buyers.csv"]) == may_be_contacted(settings, "buyers")


def test_a_bucket_that_cannot_be_read_stops_the_plan(settings: Settings, service: Service, objects: Objects) -> None:
    plan_and_send(settings, BUYERS, Files("s3", folder=bucket(service)))
    objects.refuse = ("HEAD", "")
    with pytest.raises(
        ActivationError, match=r"buyers\.csv in s3://crm/lists at 127.* cannot be read: check the bucket"
    ):
        plan_and_send(settings, BUYERS, Files("s3", folder=bucket(service)))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("s3://key:secret@crm/lists", "credentials are in the environment"),
        ("gs:///lists", "is followed by the name of the bucket"),
        ("s3://crm/lists?scheme=http&endpoint_override=minio.example:9000", "would travel unencrypted"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(url: str, problem: str) -> None:
    (found,) = Bucket(url).problems()
    assert problem in found and "secret" not in found


def test_a_bucket_of_another_server_is_another_place(settings: Settings, service: Service) -> None:
    plan_and_send(settings, BUYERS, Files("s3", folder=bucket(service)))
    with pytest.raises(ActivationError, match="when the destination had another address: change it back"):
        plan_only(settings, BUYERS, Files("s3", folder=Bucket("s3://crm/lists?region=eu-central-1")))
    same = Files("s3", folder=Bucket(f"{bucket(service)._url}&allow_bucket_creation=false"))
    assert plan_only(settings, BUYERS, same).changes == ()


def test_folders_count_from_the_file_of_destinations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_folder(tmp_path / "project", BUYERS, users=50)
    settings.activation.file.write_text(
        "- {name: near, type: files, folder: lists}\n- {name: far, type: files, folder: 's3://crm/lists'}"
    )
    monkeypatch.chdir(tmp_path)
    near, far = (build(config, settings) for config in load_destinations(settings.activation.file))
    plan_and_send(settings, BUYERS, near)
    assert _users((tmp_path / "project" / "lists" / "buyers.csv").read_bytes()) == may_be_contacted(settings, "buyers")
    assert far.validate("buyers") == []
