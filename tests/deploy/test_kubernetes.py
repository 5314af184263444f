"""The manifests of deploy/kubernetes fit Kubernetes, each other and the code; steps run as Jobs."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._config import process_config
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster_k8s import K8sRunLauncher
from kubernetes_validate import ValidationError

from beha2vec_core.demo_shop.export import write_demo_export
from beha2vec_core.settings import variables
from beha2vec_dagster.lib.partitions import range_tags
from tests.dagster.project import DAYS, make_project
from tests.deploy.kubernetes_api import cluster, validate
from tests.deploy.registry import answers_of_registry, digest_of

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
LAUNCHER = yaml.safe_load((DEPLOY / "kubernetes" / "dagster.yaml").read_text())["run_launcher"]


@pytest.fixture(scope="module")
def manifests() -> dict[tuple[str, str], dict[str, Any]]:
    if shutil.which("kustomize") is None:
        pytest.skip("kustomize is not installed (apt-get install kustomize)")
    built = subprocess.run(["kustomize", "build", str(DEPLOY)], capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stderr
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(built.stdout)}


def pod_specs(manifests: dict[tuple[str, str], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        name: one["spec"]["template"]["spec"]
        for (_, name), one in manifests.items()
        if "template" in one.get("spec", {})
    }


def named(value: object, key: str, field: str = "name") -> set[str]:
    """Names in ``key: {field: NAME}`` anywhere in a manifest."""
    if isinstance(value, dict):
        here = {value[key][field]} if isinstance(value.get(key), dict) and field in value[key] else set()
        return here.union(*(named(one, key, field) for one in value.values()))
    return set().union(*(named(one, key, field) for one in value)) if isinstance(value, list) else set()


def test_kubernetes_takes_the_manifests(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    for manifest in manifests.values():
        validate(manifest)
    service = copy.deepcopy(manifests["Service", "code"])
    service["spec"]["port"] = 4000  # instead of ports
    with pytest.raises(ValidationError):
        validate(service)


def test_what_is_named_is_there(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    everything = [*manifests.values(), LAUNCHER]
    maps = set.union(*(named(one, key) for one in everything for key in ("configMap", "configMapRef")))
    maps |= {LAUNCHER["config"]["instance_config_map"], *LAUNCHER["config"]["env_config_maps"]}
    assert maps == {name for kind, name in manifests if kind == "ConfigMap"}
    claims = set.union(*(named(one, "persistentVolumeClaim", "claimName") for one in everything))
    assert claims == {name for kind, name in manifests if kind == "PersistentVolumeClaim"}
    # the only object that is made by hand
    secrets = set.union(*(named(one, key) for one in everything for key in ("secretRef", "secretKeyRef")))
    assert secrets == {"secrets"} == set(LAUNCHER["config"]["env_secrets"])
    accounts = {spec["serviceAccountName"] for spec in pod_specs(manifests).values() if "serviceAccountName" in spec}
    assert accounts == {LAUNCHER["config"]["service_account_name"]}
    assert all(("ServiceAccount", name) in manifests for name in accounts)
    for name, spec in pod_specs(manifests).items():
        volumes = {one["name"] for one in spec.get("volumes", ())} | ({"postgres"} if name == "postgres" else set())
        assert {mount["name"] for one in spec["containers"] for mount in one["volumeMounts"]} == volumes


def test_pods_have_no_more_rights_than_they_need(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    for name, spec in pod_specs(manifests).items():
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = spec["containers"]
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert container["resources"]["limits"]["memory"]
        starts_jobs = name in ("daemon", "webserver")
        assert spec.get("automountServiceAccountToken", True) == starts_jobs == ("serviceAccountName" in spec)
        # the key of the language model, contacts and other secrets of the settings
        assert ({"secretRef": {"name": "secrets"}} in container.get("envFrom", ())) == (name == "code")
    pods = LAUNCHER["config"]["run_k8s_config"]
    assert pods["pod_spec_config"]["securityContext"]["runAsNonRoot"] is True
    assert pods["pod_spec_config"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pods["container_config"]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    # the proxy alone is open, and asks for a password
    open_to_all = [
        name
        for (kind, name), one in manifests.items()
        if kind == "NetworkPolicy" and any("from" not in rule for rule in one["spec"].get("ingress", ()))
    ]
    assert open_to_all == ["proxy"]


def test_images_are_pinned_by_digest_in_an_overlay(
    manifests: dict[tuple[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    answers_of_registry(tmp_path)
    pinned = tmp_path / "pinned"
    script = DEPLOY / "docker" / "pin_images.sh"
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run([str(script), "--kubernetes", str(pinned)], env=environment, check=True, capture_output=True)
    built = subprocess.run(["kustomize", "build", str(pinned)], check=True, capture_output=True, text=True)
    there = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(built.stdout)}
    assert there.keys() == manifests.keys()
    images = {name: spec["containers"][0]["image"] for name, spec in pod_specs(there).items()}
    for name, spec in pod_specs(manifests).items():
        tag = spec["containers"][0]["image"]
        assert images[name] == f"{tag.split(':')[0]}@{digest_of(tag)}", "what the registry has for the tag"
    (container,) = pod_specs(there)["code"]["containers"]
    assert {"name": "DAGSTER_CURRENT_IMAGE", "value": images["code"]} in container["env"], "runs and steps too"
    before = (pinned / "kustomization.yaml").read_text()
    for builds in ("exit 1", "exit 0"):  # what it needs is gone; nothing comes
        (tmp_path / "kustomize").write_text(f"#!/bin/sh\n{builds}\n")
        (tmp_path / "kustomize").chmod(0o755)
        failed = subprocess.run([str(script), "--kubernetes", str(pinned)], env=environment, capture_output=True)
        assert failed.returncode == 1 and (builds == "exit 1" or b"no image to pin" in failed.stderr)
        assert (pinned / "kustomization.yaml").read_text() == before


def test_settings_and_instance_are_ones_that_are_read(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert set(manifests["ConfigMap", "settings"]["data"]) <= {f"BEHA2VEC_{name}" for name in variables()}
    here = yaml.safe_load((DEPLOY / "kubernetes" / "dagster.yaml").read_text())
    assert here.pop("run_launcher")
    assert here == yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    checked = process_config(K8sRunLauncher.config_type(), LAUNCHER["config"])  # type: ignore[no-untyped-call]
    assert checked.success, checked.errors


@pytest.mark.slow
def test_a_step_is_a_job_with_its_resources_and_a_lost_pod_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(
        tmp_path, source="export", data_dir="data", executor="kubernetes", device="cuda", memory_limit="4GiB"
    )
    write_demo_export(tmp_path / "export", users=20, days=2, seed=1, progress=False)
    monkeypatch.chdir(tmp_path)
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    repository = ReconstructableRepository.for_module(
        "beha2vec_dagster.definitions", "defs", container_image="beha2vec:1"
    )
    everything = repository.get_reconstructable_job("materialize_everything")
    home = tmp_path / "dagster_home" / "dagster.yaml"
    with cluster(tmp_path, project.environment) as kubernetes:
        config = LAUNCHER["config"] | {"load_incluster_config": False, "kubeconfig_file": str(kubernetes.kubeconfig)}
        home.write_text(
            yaml.safe_dump(yaml.safe_load(home.read_text()) | {"run_launcher": LAUNCHER | {"config": config}})
        )

        def run(asset: str) -> bool:
            with dg.DagsterInstance.get() as instance:
                done = dg.execute_job(
                    everything,
                    instance,
                    asset_selection=[dg.AssetKey(asset)],
                    tags=range_tags(date.fromisoformat(DAYS[0]), date.fromisoformat(DAYS[1])),
                )
                return done.success

        assert run("raw_ga4_events")
        assert len(list((tmp_path / "data" / "raw_ga4_events").glob("*/event_date=*/*.parquet"))) == 2
        kubernetes.lose_next = True
        assert not run("raw_ga4_events")
        # no GPU is here, which the step says, but it asked for one
        assert not run("encoder_candidate")
    pods = [one["spec"]["template"]["spec"] for one in kubernetes.jobs.values()]
    resources = [pod["containers"][0].get("resources") for pod in pods]
    # a run's checks are a step too, with no wishes of its own
    assert resources == [
        {"requests": {"cpu": "1", "memory": "5120Mi"}, "limits": {"memory": "5120Mi"}},
        {},
        {"requests": {"cpu": "1", "memory": "5120Mi"}, "limits": {"memory": "5120Mi"}},
        {"requests": {"cpu": "2", "memory": "7168Mi"}, "limits": {"memory": "7168Mi", "nvidia.com/gpu": "1"}},
    ]
    for pod in pods:
        assert pod["containers"][0]["image"] == "beha2vec:1"
        assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} >= {"data", "export", "dagster-home"}
        assert pod["affinity"]["podAffinity"] and pod["securityContext"]["runAsNonRoot"] is True
