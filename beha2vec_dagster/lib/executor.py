"""Where the steps of a run are executed: in the run's process, or each in a Kubernetes pod with its own resources."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from beha2vec_core.estimate import memory_bytes
from beha2vec_core.settings import ExportSettings, SettingsError

# CPUs, and gigabytes of memory beside what DuckDB uses, by group of assets (docs/scale.md has what was measured)
_SIZES = {"pages": (1, 2), "encoder": (2, 3), "clusters": (1, 2), "predictions": (1, 2)}
_USUAL_SIZE = (1, 1)


def build_executor(settings: ExportSettings, assets: Sequence[dg.AssetsDefinition]) -> dg.ExecutorDefinition:
    """The executor that `BEHA2VEC_EXECUTOR` names.

    Raises:
        SettingsError: it is Kubernetes, and the extra `kubernetes` is not installed.
    """
    if settings.dagster.executor == "in_process":
        # a step costs a third of a second in this process, and seconds in one of its own
        return dg.in_process_executor
    try:
        from dagster_k8s import k8s_job_executor
    except ModuleNotFoundError:
        raise SettingsError(
            "BEHA2VEC_EXECUTOR=kubernetes needs Dagster's package for it: pip install 'beha2vec[kubernetes]'"
        ) from None
    steps = {asset.node_def.name: {"container_config": _container(settings, asset)} for asset in assets}
    return k8s_job_executor.configured({"per_step_k8s_config": steps}, name="kubernetes")


def _container(settings: ExportSettings, asset: dg.AssetsDefinition) -> dict[str, Any]:
    (group,) = {spec.group_name for spec in asset.specs}
    cpus, gigabytes = _SIZES.get(str(group), _USUAL_SIZE)
    requests: dict[str, str] = {"cpu": str(cpus)}
    limits: dict[str, str] = {}
    if not settings.storage.memory_limit.endswith("%"):
        # a share of the memory is a share of the node's: such a pod has no limit of its own
        duckdb = memory_bytes(settings.storage.memory_limit)
        requests["memory"] = limits["memory"] = f"{gigabytes * 1024 + round(duckdb / 2**20)}Mi"
    if settings.encoder.device == "cuda" and any(spec.tags.get("compute") == "gpu" for spec in asset.specs):
        limits["nvidia.com/gpu"] = "1"
    return {"resources": {"requests": requests, "limits": limits}}
