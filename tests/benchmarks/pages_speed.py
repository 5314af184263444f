"""How fast titles are embedded: plainly, as this project does it, and with the alternatives; and a second run.

    python tests/benchmarks/pages_speed.py [--titles 4000] [--rounds 3] [--alternatives]

Distinct invented titles of eight words in the mean. The ways are timed in turns, a block of titles each, and the best
round of each counts, so that other work on the machine disturbs the comparison little. `plain` is what
sentence-transformers does by itself in float32, titles in the order they come.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from beha2vec_core.pages import Models, PageStore, classify_pages
from beha2vec_core.pages.embedder import Embedder
from beha2vec_core.store.tables import create_tables

GOAL = 100_000
WORDS = """
    acme trailmark classic organic recycled lightweight vintage modern red blue black white green small large
    women men kids cotton linen leather steel ceramic oak wool t-shirt jacket boots sandals backpack mug
    bottle lamp sofa rug knife pan tent headphones charger laptop phone camera novel puzzle leash shampoo how
    to choose the best guide for beginners ten things we learned about why city council rejects plan after
    vote central bank raises rates again minister resigns new study finds climate change review recipe for
    roast chicken with lemon weekend in lisbon install the command line tool configure webhooks single sign-on
    api reference release notes version pricing plans customer story privacy policy
""".split()  # noqa: SIM905


def titles(count: int, seed: int = 0) -> list[str]:
    """Distinct titles of two to fourteen words, eight in the mean."""
    generator = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found[" ".join(generator.choices(WORDS, k=min(max(round(generator.gauss(8, 2.5)), 2), 14)))] = None
    return list(found)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--titles", type=int, default=4000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--alternatives", action="store_true", help="also torch's dynamic int8")
    chosen = options.parse_args()
    torch.set_num_threads(2)
    texts = titles(chosen.titles)
    words = np.mean([len(text.split()) for text in texts])
    print(f"{len(texts)} distinct titles, {words:.1f} words in the mean, {torch.get_num_threads()} threads")
    embedding(texts, chosen.rounds, chosen.alternatives)
    second_run(texts)


def embedding(texts: list[str], rounds: int, alternatives: bool) -> None:
    plain = Embedder.find(progress=False, precision="float32")
    exact = Embedder.find(progress=False, precision="float32")
    fast = Embedder.find(progress=False)
    ways: dict[str, Callable[[list[str]], NDArray[np.float32]]] = {
        "plain float32": lambda block: np.asarray(
            plain._network.encode(block, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
        ),
        "equal lengths, float32": exact.encode,
        f"equal lengths, {fast.precision} (ours)": fast.encode,
    }
    if alternatives:
        small = Embedder.find(progress=False, precision="float32")
        small._network[0] = torch.ao.quantization.quantize_dynamic(
            small._network[0], {torch.nn.Linear}, dtype=torch.qint8
        )
        ways["equal lengths, dynamic int8"] = small.encode
    blocks = [texts[start::rounds] for start in range(rounds)]
    for way in ways.values():
        way(texts[:64])
    speed = dict.fromkeys(ways, 0.0)
    vectors: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ways}
    for block in blocks:
        for name, way in ways.items():
            started = time.perf_counter()
            vectors[name].append(way(block))
            speed[name] = max(speed[name], len(block) / (time.perf_counter() - started))
    exactly = np.concatenate(vectors["plain float32"])
    print(f"{'way':32}{'pages/s':>9}{'times plain':>13}{'100,000 in':>12}{'cosine: least':>15}{'mean':>9}")
    for name in ways:
        cosine = (np.concatenate(vectors[name]) * exactly).sum(axis=1)
        print(
            f"{name:32}{speed[name]:9.0f}{speed[name] / speed['plain float32']:13.2f}"
            f"{GOAL / speed[name] / 60:8.1f} min{cosine.min():15.4f}{cosine.mean():9.5f}"
        )


def second_run(texts: list[str]) -> None:
    """The whole cascade twice, with a store; and whether the precision changes labels."""
    pages = pd.DataFrame({"page_title": texts})
    pages["page_path"] = [f"/{number}" for number in range(len(texts))]
    pages["hostname"] = "www.example.com"
    pages["page_key"] = pages["hostname"] + pages["page_path"]
    pages["page_views"] = 1
    with tempfile.TemporaryDirectory() as folder:
        from beha2vec_core.store.warehouse import Warehouse

        warehouse = Warehouse(Path(folder) / "warehouse.duckdb")
        with warehouse.connect("benchmark") as connection:
            create_tables(connection)
        store = PageStore(warehouse.connect)
        fast = Models(Embedder.find(progress=False))
        for run in ("first run", "second run"):
            started = time.perf_counter()
            result = classify_pages(pages, models=fast, store=store, progress=False)
            seconds = time.perf_counter() - started
            store.publish(result.pages, result.text_version)
            print(
                f"{run}: {result.classified} classified, {result.reused} reused, {seconds:.1f} s, "
                f"{len(pages) / seconds:.0f} pages/s"
            )
        exact = classify_pages(pages, models=Models(Embedder.find(progress=False, precision="float32")), progress=False)
        same = (exact.pages["theme"] == result.pages["theme"]).mean()
        print(f"same theme as with float32: {same:.2%} of pages")


if __name__ == "__main__":
    main()
