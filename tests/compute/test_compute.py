"""What can go wrong with a Ray cluster is one sentence with a remedy; several workers make one gradient."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from beha2vec_core.compute import ComputeError, LocalCompute
from beha2vec_core.compute.on_ray import RayCompute
from beha2vec_core.compute.workers import Workers
from beha2vec_core.settings import Settings
from beha2vec_dagster.lib.resources import ComputeResource

CPU = torch.device("cpu")


def results(compute: RayCompute) -> list[object]:
    return list(compute.map(lambda device: lambda item: item, [1]))


def test_without_the_extra_the_remedy_is_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ComputeError, match=r"pip install 'beha2vec\[ray\]'"):
        results(RayCompute("127.0.0.1:6379"))


def test_a_cluster_that_does_not_answer_is_an_error_within_seconds() -> None:
    pytest.importorskip("ray")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ComputeError, match=rf"no Ray cluster can be used at {address} .*ray start") as raised:
        results(RayCompute(address))
    assert "\n" not in str(raised.value)
    with pytest.raises(ComputeError, match="set BEHA2VEC_RAY_ADDRESS to host:port"):
        results(RayCompute("ray-head"))
    with pytest.raises(ComputeError, match="needs a folder"):
        RayCompute(address).train(lambda device, tell: 1, None, None)


def test_the_backend_ray_needs_an_address() -> None:
    assert Settings().compute.backend == "local"
    assert Settings(compute_backend="ray", ray_address="head:6379").compute.ray_address == "head:6379"
    with pytest.raises(ValueError, match="BEHA2VEC_COMPUTE_BACKEND=ray needs BEHA2VEC_RAY_ADDRESS"):
        Settings(compute_backend="ray", ray_address="head")


def test_the_graph_gives_the_settings_to_the_backend() -> None:
    with pytest.raises(ValueError, match="workers that share a GPU cannot train together"):
        Settings(ray_gpus=0.5)
    settings = Settings(compute_backend="ray", ray_address="head:6379", ray_cpus=4, ray_gpus=1, ray_workers=3)
    resource = ComputeResource(device="auto", **settings.compute.model_dump())
    assert resource.open() == RayCompute("head:6379", cpus=4, gpus=1, workers=3)
    assert resource.open().device == "cuda"
    assert resource.resolve() == ("cpu", "Ray at head:6379: 4 CPUs and 1 GPUs a worker")
    assert ComputeResource(device="cpu", **Settings().compute.model_dump()).open() == LocalCompute("cpu")


def table(rank: int) -> tuple[nn.Embedding, nn.Embedding, nn.Linear]:
    """Gradients that differ by worker: sparse in both, sparse in one only, and dense in one only."""
    torch.manual_seed(0)
    both, one, dense = nn.Embedding(6, 2, sparse=True), nn.Embedding(6, 2, sparse=True), nn.Linear(2, 1)
    both(torch.tensor([[1, 1, 2], [2, 5, 5]][rank])).square().sum().backward()
    if rank:
        dense(one(torch.tensor([0, 3]))).sum().backward()
    return both, one, dense


def average(rank: int, meeting: str, out: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    modules = table(rank)
    unused = nn.Linear(1, 1)
    workers = Workers(CPU)
    assert (workers.rank, workers.size) == (rank, 2)
    weights = [weight for module in (*modules, unused) for weight in module.parameters()]
    workers.average(weights)
    found = [None if weight.grad is None else weight.grad.to_dense() for weight in weights]
    shared = workers.share(torch.arange(5).numpy()).tolist(), workers.from_first(rank), workers.gather(rank)
    torch.save((found, shared, modules[0].weight.grad.is_sparse), f"{out}{rank}")
    dist.destroy_process_group()


@pytest.mark.slow
def test_gradients_of_two_workers_become_their_mean(tmp_path: Path) -> None:
    mp.start_processes(average, (str(tmp_path / "meet"), str(tmp_path / "out")), nprocs=2, start_method="spawn")
    first, second = (torch.load(tmp_path / f"out{rank}", weights_only=True) for rank in (0, 1))
    by_hand = [[weight.grad for module in table(rank) for weight in module.parameters()] for rank in (0, 1)]
    for a, b, *own in zip(first[0], second[0], *by_hand, strict=False):
        assert torch.equal(a, b)
        mean = sum((grad.to_dense() for grad in own if grad is not None), torch.zeros_like(a)) / 2
        torch.testing.assert_close(a, mean)
    assert first[0][-1] is None, "no worker has a gradient of it, so it stays as it is"
    assert first[2] and second[2], "sparse ones stay sparse"
    assert first[1] == ([0, 2, 4], 0, [0, 1]) and second[1] == ([1, 3], 0, [0, 1])


def test_a_process_alone_is_a_group_of_one() -> None:
    workers = Workers(CPU)
    modules = table(1)
    before = [weight.grad for module in modules for weight in module.parameters()]
    workers.average(weight for module in modules for weight in module.parameters())
    assert all(a is b.grad for a, b in zip(before, (w for m in modules for w in m.parameters()), strict=True))
    assert (workers.size, workers.gather("x"), workers.every(False)) == (1, ["x"], False)
