"""Work on a Ray cluster: parts are tasks, training is a group of workers of Ray Train.

Tasks and no actors: a task whose worker or node is lost runs again wherever there is room, while an actor waits for
room of its own (docs/decisions.md). Ray is imported when a cluster is first used.
"""

import json
import shutil
import socket
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from beha2vec_core.compute import ComputeError, Fit, OnEpoch, Prepare, SharedError
from beha2vec_core.compute.device import Device

T = TypeVar("T")
R = TypeVar("R")

# how often a part or a training begins again after the loss of a worker or a node
RETRIES = 5
# parts that wait for each worker, so that none is idle
AHEAD = 2
# workers keep memory that they will need again for the next part; giving it back and forth takes a tenth of their time
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**30)}
_SECONDS_TO_ANSWER = 5
_SECONDS_BETWEEN_LOOKS = 1


@dataclass(frozen=True)
class RayCompute:
    """A Ray cluster.

    address: ``host:port`` of its head. This machine must be one of its nodes.
    cpus, gpus: of a worker; with a GPU it works there.
    workers: how many train together at most; 0: as many as there is room for.
    rows_at_once: rows of a part. About a second of work; what a part costs beside is milliseconds.
    """

    address: str
    cpus: float = 1
    gpus: float = 0
    workers: int = 0
    rows_at_once: int = 4_096

    @property
    def device(self) -> Device:
        """Where workers compute."""
        return "cuda" if self.gpus else "cpu"

    def map(self, prepare: Prepare[T, R], items: Iterable[T]) -> Iterator[R]:
        """See :meth:`Compute.map`. At most :data:`AHEAD` parts a worker are read before their turn.

        Raises ComputeError where the cluster cannot do it, and what the work itself raises.
        """
        ray, _ = self._connect()
        prepared = ray.put(prepare)
        # Ray starts another process for each task with a GPU unless max_calls is 0
        work = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=RETRIES, max_calls=0)(_work)
        waiting: deque[Any] = deque()
        try:
            for item in items:
                waiting.append(work.remote([prepared], self.device, item))
                if len(waiting) >= AHEAD * self._room(ray):
                    yield _result(ray, waiting.popleft())
            while waiting:
                yield _result(ray, waiting.popleft())
        finally:  # also if the caller stops early
            for task in waiting:
                ray.cancel(task, force=True)

    def train(self, fit: Fit[R], folder: Path | None, on_epoch: OnEpoch | None) -> R:
        """See :meth:`Compute.train`. The folder must be the same one on all nodes.

        A lost worker or node ends the group: it begins again from the last checkpoint with the workers that there is
        room for, which does not change the steps of the training (:mod:`beha2vec_core.compute.workers`).

        Raises ComputeError where the cluster cannot do it, and what ``fit`` itself raises.
        """
        if folder is None:
            raise ComputeError("training on Ray needs a folder for its checkpoints, the same one on all nodes")
        if 0 < self.gpus < 1:
            raise ComputeError("workers that share a GPU cannot train together (NCCL): set BEHA2VEC_RAY_GPUS to 0 or 1")
        ray, room = self._connect()
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer

        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        mark = folder / f".shared-{uuid.uuid4().hex}"
        mark.touch()
        state = folder / f".ray-{mark.name}"
        trainer = TorchTrainer(
            _train,
            train_loop_config={"fit": [ray.put(fit)], "device": self.device, "mark": str(mark)},
            scaling_config=ScalingConfig(
                num_workers=(1, min(self.workers or room, room)),
                use_gpu=self.gpus > 0,
                resources_per_worker={"CPU": self.cpus} | ({"GPU": self.gpus} if self.gpus else {}),
            ),
            run_config=RunConfig(
                name="training", storage_path=str(state), failure_config=FailureConfig(max_failures=RETRIES)
            ),
        )
        ended = threading.Event()
        reporter = threading.Thread(target=_report_epochs, args=(mark, on_epoch, ended))
        reporter.start()
        try:
            outcome = trainer.fit().return_value
        except Exception as error:
            raise ComputeError(
                f"the training on Ray was lost {RETRIES + 1} times ({_last_line(error)}): look at the memory of the "
                "nodes and the logs of Ray, then run it again: it goes on from the last checkpoint"
            ) from error
        finally:
            ended.set()
            reporter.join()
            mark.unlink(missing_ok=True)
            _failure(mark).unlink(missing_ok=True)
            shutil.rmtree(state, ignore_errors=True)
        if isinstance(outcome, _Failed):
            raise outcome.error
        result: R = outcome
        return result

    def _connect(self) -> tuple[Any, int]:
        """Ray, connected to the cluster, and how many workers there is room for."""
        try:
            import ray
        except ModuleNotFoundError:
            raise ComputeError("the backend ray needs Ray: pip install 'beha2vec[ray]'") from None
        host, _, port = self.address.rpartition(":")
        if not (host and port.isdigit()):
            raise ComputeError(
                f"the address of the Ray cluster is {self.address!r}: set BEHA2VEC_RAY_ADDRESS to host:port of its head"
            )
        if not ray.is_initialized():
            try:  # Ray itself would try for minutes
                socket.create_connection((host, int(port)), _SECONDS_TO_ANSWER).close()
                ray.init(
                    address=self.address,
                    logging_level="WARNING",
                    log_to_driver=False,
                    runtime_env={"env_vars": _KEEP_MEMORY},
                )
            except (OSError, RuntimeError, ValueError) as error:
                raise ComputeError(
                    f"no Ray cluster can be used at {self.address} ({_last_line(error)}): start one there (ray start "
                    "--head), make this machine one of its nodes (ray start --address), or set BEHA2VEC_RAY_ADDRESS"
                ) from None
        room = self._room(ray)
        if not room:
            needs = f"{self.cpus:g} CPUs" + (f" and {self.gpus:g} GPUs" if self.gpus else "")
            raise ComputeError(
                f"no node of the Ray cluster has {needs}: add one, or lower BEHA2VEC_RAY_CPUS or BEHA2VEC_RAY_GPUS"
            )
        return ray, room

    def _room(self, ray: Any) -> int:
        """How many workers the nodes that are alive have room for."""
        needs = {"CPU": self.cpus, "GPU": self.gpus}
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return sum(int(min(node.get(name, 0) / need for name, need in needs.items() if need)) for node in nodes)


def _report_epochs(rows: Path, on_epoch: OnEpoch | None, ended: threading.Event) -> None:
    """Call ``on_epoch`` with the rows that the first worker writes, until the training has ended."""
    passed_on, over = 0, False
    while on_epoch and not over:
        over = ended.wait(_SECONDS_BETWEEN_LOOKS)
        written = [line for line in rows.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]
        for line in written[passed_on:]:
            on_epoch(json.loads(line))
        passed_on = len(written)


@dataclass(frozen=True)
class _Failed:
    """What a training itself raised: trying again would not help."""

    error: Exception


def _failure(mark: Path) -> Path:
    """Where a worker leaves what it raised, for the group that begins after it."""
    return mark.with_name(f"{mark.name}.failed")


def _is_loss(error: Exception) -> bool:
    """Whether an error may come of a lost worker, node or disk. ``torch.distributed`` has plain RuntimeErrors too."""
    import ray
    import torch

    from beha2vec_core.compute.device import DeviceError

    if isinstance(error, (DeviceError, torch.OutOfMemoryError)):
        return False
    return isinstance(error, (RuntimeError, OSError, ray.exceptions.RayError))


# the work that this process did last, by its reference: it is prepared once
_prepared: dict[str, Callable[[Any], Any]] = {}


def _work(prepare: list[Any], device: Device, item: Any) -> Any:
    """A task: one part."""
    import ray

    key = prepare[0].hex()
    if key not in _prepared:
        _prepared.clear()
        _prepared[key] = ray.get(prepare[0])(device)
    return _prepared[key](item)


def _train(config: dict[str, Any]) -> Any:
    """One of the workers that train together."""
    import ray
    import torch

    from beha2vec_core.compute.workers import Workers

    mark, workers = Path(config["mark"]), Workers(torch.device(config["device"]))
    if not workers.every(mark.exists()):
        return _Failed(
            ComputeError(
                f"{mark.parent} is not the same folder on all nodes of the Ray cluster: put BEHA2VEC_DATA_DIR on "
                "storage that all of them mount at the same path"
            )
        )

    failure = _failure(mark)
    if workers.from_first(failure.exists()):
        return _Failed(ComputeError(failure.read_text("utf-8"))) if workers.is_first else None

    def tell(row: dict[str, float]) -> None:
        with mark.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    try:
        result = ray.get(config["fit"][0])(config["device"], tell)
    except (ValueError, SharedError) as error:
        return _Failed(error)
    except Exception as error:
        if _is_loss(error):
            raise
        if workers.size == 1:
            return _Failed(error)
        # the others wait for this one: what it raises ends the group, and the next one says why
        failure.write_text(f"a worker on Ray failed: {type(error).__name__}: {error}", "utf-8")
        raise
    return result if workers.is_first else None


def _result(ray: Any, task: Any) -> Any:
    try:
        return ray.get(task)
    except ray.exceptions.RayTaskError as error:  # what the work raised, without Ray's frame around it
        raise (error.cause if isinstance(error.cause, Exception) else error) from None
    except ray.exceptions.RayError as error:
        raise ComputeError(
            f"a part was lost with its worker {RETRIES + 1} times ({_last_line(error)}): look at the memory of the "
            "nodes and the logs of Ray, then run it again"
        ) from error


def _last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
