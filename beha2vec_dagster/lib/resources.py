"""What assets use beside data: the warehouse, the compute device, the language model, dbt."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import dagster as dg
import duckdb
from dagster import ConfigurableResource
from dagster_duckdb import DuckDBResource
from pydantic import Field, PrivateAttr

from beha2vec_core.compute import Compute, LocalCompute
from beha2vec_core.compute.device import Device, resolve_device
from beha2vec_core.insights import LlmSettings
from beha2vec_core.settings import Settings
from beha2vec_core.store.tables import create_tables
from beha2vec_core.store.warehouse import Warehouse

GPU_POOL = "gpu"
OPENAI_POOL = "openai"


class WarehouseResource(DuckDBResource):
    """The warehouse's DuckDB file behind its inter-process lock (see ``beha2vec_core.store.warehouse``)."""

    lock_timeout_seconds: float = Field(description="longest wait for the warehouse's lock")
    _waited: Counter[tuple[str, str]] = PrivateAttr(default_factory=Counter)  # seconds, by run and step

    @property
    def _warehouse(self) -> Warehouse:
        return Warehouse(Path(self.database), self.lock_timeout_seconds, self.connection_config, self._show_wait)

    def _show_wait(self, seconds: float, holder: str) -> None:
        """In the metadata of the assets of the step: how long it has waited in all, and for whom at last."""
        try:
            context = dg.AssetExecutionContext.get()
        except dg.DagsterInvariantViolationError:
            return  # not in an asset
        step = context.run.run_id, context.op_execution_context.op.name
        self._waited[step] += seconds  # type: ignore[assignment]  # a fraction
        waited = {"waited_for_warehouse_s": round(self._waited[step], 1), "waited_for": holder}
        for key in context.selected_asset_keys:
            context.add_asset_metadata(waited, asset_key=key)

    @contextmanager
    def connect(self, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection under the lock; keep it for seconds. Our tables are there."""
        with self._warehouse.connect(purpose) as connection:
            create_tables(connection)
            yield connection

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """The lock without a connection, for dbt's own process; a file of another release is refused first."""
        with self.connect(purpose):
            pass
        with self._warehouse.exclusive(purpose):
            yield

    def open(self) -> duckdb.DuckDBPyConnection:
        """A connection for who is in ``exclusive``, to be closed before the other process starts."""
        return self._warehouse.open()

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """As ``connect``, by the name that dagster-duckdb's users know."""
        with self.connect("get_connection") as connection:
            yield connection


class ComputeResource(ConfigurableResource[None]):
    """Where training and encoding run."""

    device: str = Field("auto", description="auto, cpu, cuda or mps; a named device that is absent is an error")
    backend: str = Field("local", description="local: in the step's process; ray: on a Ray cluster (docs/ray.md)")
    ray_address: str | None = Field(None, description="host:port of the Ray cluster's head")
    ray_workers: int = Field(0, description="workers that train together at most; 0: as many as there is room for")
    ray_cpus: float = Field(1, description="CPUs of a Ray worker")
    ray_gpus: float = Field(0, description="GPUs of a Ray worker")

    def open(self) -> Compute:
        """The backend, for the functions of the core; a cluster is connected to when it is first used.

        Raises:
            DeviceError: the named device is not there.
        """
        if self.backend == "ray":
            from beha2vec_core.compute.on_ray import RayCompute

            return RayCompute(self.ray_address or "", self.ray_cpus, self.ray_gpus, self.ray_workers)
        return LocalCompute(self.resolve()[0])

    def resolve(self) -> tuple[Device, str]:
        """The device of this process, and a sentence for the metadata. With Ray, the steps that stay here use the CPU.

        Raises:
            DeviceError: the named device is not there.
        """
        if self.backend == "ray":
            return "cpu", f"Ray at {self.ray_address}: {self.ray_cpus:g} CPUs and {self.ray_gpus:g} GPUs a worker"
        device = cast(Device, resolve_device(cast(Device, self.device)).type)
        if self.device == "auto" and device == "cpu":
            return device, "cpu (auto: no GPU found, fell back)"
        return device, f"{device} (asked for: {self.device})"


class LlmResource:
    """The endpoint that writes insights: a plain object, so that its key is never part of a run's configuration."""

    def __init__(self, settings: Settings) -> None:
        # no EnvVar: it reads one variable, and the key may be in .env or in OPENAI_API_KEY
        llm = LlmSettings.of(settings)
        self.settings = llm if llm.is_configured else None
