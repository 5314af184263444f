"""The encoder as its users see it: what it learns, what must not matter, and that it comes back from disk unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
import torch

from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig
from beha2vec_core.clusters import eta_squared
from beha2vec_core.encoder import objectives
from beha2vec_core.encoder.config import OBJECTIVES
from beha2vec_core.encoder.encoder import EncoderFormatError
from beha2vec_core.encoder.packing import pack
from beha2vec_core.events.sequences import SequenceError, build_sequences
from tests.encoder.encoder_world import digest_of

CONFIG = EncoderConfig(dim=32, layers=1, max_length=16)
TRAIN = TrainConfig(
    epochs=12, device="cpu", progress=False, batch_users=32, held_out_time=0.2, patience=0, horizon_days=0.5
)
SECTIONS = {
    "shop": ["hats", "bags", "mugs", "pens"],
    "help": ["returns", "contact", "faq"],
    "blog": ["one", "two", "six"],
}


def make_events(users: int = 200, seed: int = 0) -> pd.DataFrame:
    """Users who stay in one of three sections of a site; any pens are put into the basket, which then comes, always."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        section = list(SECTIONS)[user % 3]
        time = 1_700_000_000_000_000 + int(rng.integers(0, 10**12))
        for _ in range(int(rng.choice([1, 2, 3, 6, 12]))):
            page = f"site.example/{section}/{rng.choice(SECTIONS[section])}"
            rows.append((f"u{user:04d}", time, "page_view", page, section))
            time += int(rng.integers(1, 600)) * 1_000_000
            if page.endswith("pens"):
                rows.append((f"u{user:04d}", time, "add_to_cart", page, "shop"))
                rows.append((f"u{user:04d}", time + 5_000_000, "page_view", "site.example/basket", "shop"))
                time += 10_000_000
    return pd.DataFrame(rows, columns=["user_key", "event_timestamp", "event_name", "page", "theme"])


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return make_events()


@pytest.fixture(scope="module")
def encoder(events: pd.DataFrame) -> BehaviorEncoder:
    return BehaviorEncoder.fit(events, CONFIG, TRAIN)


def vectors(table: pa.Table, column: str = "behavior") -> npt.NDArray[np.float32]:
    return np.stack(table[column].to_numpy())


def test_the_table_has_the_agreed_columns(encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    table = encoder.encode(events)
    assert table.column_names == ["user_key", "as_of", "n_events", "low_evidence", "behavior", "identity"]
    assert table.schema.field("behavior").type == table.schema.field("identity").type == pa.list_(pa.float32(), 32)
    assert table["user_key"].to_pylist() == sorted(events["user_key"].unique())
    assert table.schema.field("as_of").type == pa.timestamp("us")
    counts = events.groupby("user_key").size().clip(upper=16)
    assert table["n_events"].to_pylist() == counts.tolist()
    assert table["low_evidence"].to_pylist() == (counts < 3).tolist()
    np.testing.assert_allclose(np.linalg.norm(vectors(table), axis=1), 1, rtol=1e-5)


def test_losses_go_down_and_the_curve_tells(encoder: BehaviorEncoder) -> None:
    first, last = encoder.training_curve[0], encoder.training_curve[-1]
    assert [row["epoch"] for row in encoder.training_curve] == list(range(1, TRAIN.epochs + 1))
    for name in ("loss", "next_event_loss", "content_loss", "held_out_loss", "held_out_next_event_loss"):
        assert last[name] < 0.8 * first[name], name
    assert last["seconds"] > 0 and last["sequences_per_second"] > 0


def test_vectors_tell_the_sections_apart(encoder: BehaviorEncoder) -> None:
    unseen = make_events(users=90, seed=7)
    table = encoder.encode(unseen)
    section = np.arange(90) % 3
    for column in ("behavior", "identity"):
        likeness = vectors(table, column) @ vectors(table, column).T
        np.fill_diagonal(likeness, -1)
        assert (section[likeness.argmax(1)] == section).mean() > 0.95, column


def test_predict_next_names_pages_that_are_new_since_the_fit() -> None:
    """Each user goes to and fro between the home page and a page of their own."""

    def to_and_fro(users: list[str]) -> pd.DataFrame:
        rows = [(u, i, "page_view", f"site.example/{u}" if i % 2 else "site.example") for u in users for i in range(5)]
        return pd.DataFrame(rows, columns=["user_key", "event_timestamp", "event_name", "page"])

    learned = to_and_fro([f"u{i}" for i in range(60)])
    encoder = BehaviorEncoder.fit(learned, replace(CONFIG, min_count=3), replace(TRAIN, epochs=1))
    best = encoder.predict_next(to_and_fro(["x", "y"]), k=1).to_pylist()
    assert [row["page"] for row in best] == ["site.example/x", "site.example/y"]
    assert min(row["probability"] for row in best) > 0.3


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_objective_learns_alone(events: pd.DataFrame, objective: str) -> None:
    train = replace(TRAIN, objectives={objective: 1.0}, epochs=4)
    curve = BehaviorEncoder.fit(events, CONFIG, train).training_curve
    assert curve[-1][f"{objective}_loss"] < curve[0][f"{objective}_loss"]
    assert set(curve[0]) == {"epoch", "loss", f"{objective}_loss", "held_out_loss", f"held_out_{objective}_loss",
                             "learning_rate", "seconds", "sequences_per_second", "tokens_per_second"}  # fmt: skip


def test_predict_next_finds_what_was_planted(encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    pens = pd.DataFrame({
        "user_key": ["x", "x"], "event_timestamp": [1, 60_000_000], "event_name": "page_view",
        "page": ["site.example/shop/hats", "site.example/shop/pens"], "theme": "shop",
    })  # fmt: skip
    best = encoder.predict_next(pens, k=1).to_pylist()
    assert [row["page"] for row in best] == ["site.example/basket"] and best[0]["probability"] > 0.7

    (name,) = encoder.predict_next(pens, k=1, target="event_name").to_pylist()
    assert name["event_name"] == "add_to_cart" and name["probability"] > 0.7

    table = encoder.predict_next(events, k=5).to_pandas()
    assert table.columns.tolist() == ["user_key", "rank", "page", "probability"]
    for _, mine in table.groupby("user_key"):
        assert mine["rank"].tolist() == [1, 2, 3, 4, 5] and mine["page"].is_unique
        assert mine["probability"].is_monotonic_decreasing and mine["probability"].sum() <= 1 + 1e-6
    assert len(encoder.predict_next(pens, k=10_000)) == len(encoder.fields.vocabularies["page"].values)
    with pytest.raises(ValueError, match="k must be"):
        encoder.predict_next(pens, k=0)
    with pytest.raises(ValueError, match="target must be"):
        encoder.predict_next(pens, target="theme")  # type: ignore[arg-type]


def test_company_and_row_order_do_not_matter(encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    together = encoder.encode(events)
    shuffled = encoder.encode(events.sample(frac=1, random_state=1))
    assert shuffled.equals(together)
    for place, key in enumerate(together["user_key"].to_pylist()[:40]):
        alone = encoder.encode(events[events["user_key"] == key])
        for column in ("behavior", "identity"):
            np.testing.assert_allclose(vectors(alone, column)[0], vectors(together, column)[place], atol=1e-5)


@torch.no_grad()
def test_neighbours_and_padding_have_no_effect(encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    tokens = encoder.fields.tokens(build_sequences(events, max_length=CONFIG.max_length))
    starts, lengths = tokens.offsets[:-1][:40], tokens.lengths[:40]
    together = pack(tokens, starts, lengths, encoder.device)
    states = encoder.network(together)[1]
    for user in range(40):
        alone = encoder.network(pack(tokens, starts[[user]], lengths[[user]], encoder.device))[1]
        torch.testing.assert_close(states[together.row == user], alone, atol=2e-6, rtol=0)


@torch.no_grad()
def test_the_future_does_not_reach_the_past(encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    tokens = encoder.fields.tokens(build_sequences(events, max_length=CONFIG.max_length))
    packed = pack(tokens, tokens.offsets[:-1][:40], tokens.lengths[:40], encoder.device)
    late = packed.column >= 4
    other = replace(packed, kind=torch.where(late, (packed.kind + 1) % len(packed.kinds), packed.kind))
    one, two = encoder.network(packed)[1], encoder.network(other)[1]
    torch.testing.assert_close(one[~late], two[~late], atol=1e-6, rtol=0)
    assert (one[late] - two[late]).abs().max() > 0.1


def test_the_last_events_count(encoder: BehaviorEncoder) -> None:
    pages = [f"site.example/shop/{name}" for name in ["hats"] * 12 + ["bags", "mugs"] * 6]
    many = pd.DataFrame({"user_key": "x", "event_timestamp": np.arange(24) * 10**7, "event_name": "page_view",
                         "page": pages, "theme": "shop"})  # fmt: skip
    other_past = many.assign(page=["site.example/blog/one"] * 8 + pages[8:])
    assert encoder.encode(many).equals(encoder.encode(other_past))
    assert encoder.encode(many).equals(encoder.encode(many.tail(16)))
    assert not encoder.encode(many)["behavior"].equals(encoder.encode(many.head(16))["behavior"])


def test_order_matters(encoder: BehaviorEncoder) -> None:
    pages = ["site.example/shop/hats", "site.example/help/faq", "site.example/blog/one"]
    table = pd.DataFrame({"user_key": "x", "event_timestamp": np.arange(3) * 10**7, "event_name": "page_view",
                          "page": pages, "theme": "shop"})  # fmt: skip
    there, back = encoder.encode(table), encoder.encode(table.assign(page=pages[::-1]))
    assert np.abs(vectors(there) - vectors(back)).max() > 1e-3


def test_an_encoder_fitted_without_the_optional_inputs_reads_them(encoder: BehaviorEncoder) -> None:
    """`event_index` orders a tie, as other times would; sessions by their keys are other places in a session."""
    pages = [f"site.example/{page}" for page in ("help/faq", "shop/hats", "shop/pens")]
    tied = pd.DataFrame(
        {"user_key": "u", "event_timestamp": 5, "event_name": "page_view", "page": pages, "theme": "shop"}
    )
    backwards = tied.assign(event_timestamp=[7, 6, 5])
    indexed = tied.assign(event_index=[3, 2, 1], is_page_view=True, session_key="s")
    np.testing.assert_array_equal(
        vectors(encoder.encode(indexed, as_of=7)), vectors(encoder.encode(backwards, as_of=7))
    )
    assert not np.allclose(vectors(encoder.encode(indexed, as_of=7)), vectors(encoder.encode(tied, as_of=7)), atol=1e-3)
    apart = indexed.assign(session_key=["s1", "s2", "s3"])
    both = pd.concat([indexed, apart.assign(user_key="v")])
    together = vectors(encoder.encode(both, as_of=7))
    assert not np.allclose(together[0], together[1], atol=1e-3), "equal but for the sessions"
    np.testing.assert_allclose(together[1:], vectors(encoder.encode(apart, as_of=7)), atol=1e-5)


def test_as_of_cuts_and_is_reported(encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    moment = int(events["event_timestamp"].median())
    table = encoder.encode(events, as_of=moment)
    before = events[events["event_timestamp"] <= moment]
    assert table.equals(encoder.encode(before, as_of=moment)), "what came after it does not count"
    assert 0 < len(table) < events["user_key"].nunique()
    assert set(table["as_of"].cast(pa.int64()).to_pylist()) == {moment}


def test_how_long_ago_the_last_event_was_counts(encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    last = int(events["event_timestamp"].max())
    now, soon, later = (vectors(encoder.encode(events, as_of=last + s * 1_000_000)) for s in (0, 1, 90 * 86_400))
    moved = np.abs(later - now).max(axis=1)
    assert (moved > 1e-4).mean() > 0.9
    assert np.abs(soon - now).max(axis=1).mean() < moved.mean()
    default = encoder.encode(events)
    one = events[events["user_key"] == "u0000"]
    alone = encoder.encode(one, as_of=int(one["event_timestamp"].max()))
    np.testing.assert_allclose(vectors(alone)[0], vectors(default)[0], atol=1e-5)


def test_sequences_form_gives_the_same_bits(encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    lists = events.groupby("user_key").agg(list).reset_index()
    assert encoder.encode(lists).equals(encoder.encode(events))


def test_no_users_give_an_empty_table(encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    empty = encoder.encode(events.iloc[:0])
    assert len(empty) == 0 and empty.schema.equals(encoder.encode(events).schema)
    nothing = encoder.predict_next(events, as_of=0)
    assert len(nothing) == 0 and nothing.schema.equals(encoder.predict_next(events).schema)


def test_a_new_page_lands_near_its_section(encoder: BehaviorEncoder) -> None:
    """By its path alone, the theme being unknown."""

    def one(page: str) -> pd.DataFrame:
        return pd.DataFrame({"user_key": ["x"], "event_timestamp": [1], "event_name": ["page_view"], "page": [page],
                             "theme": [None]})  # fmt: skip

    new = vectors(encoder.encode(one("site.example/shop/scarf-2031")))[0]
    shop = np.mean([vectors(encoder.encode(one(f"site.example/shop/{p}")))[0] @ new for p in SECTIONS["shop"]])
    blog = np.mean([vectors(encoder.encode(one(f"site.example/blog/{p}")))[0] @ new for p in SECTIONS["blog"]])
    assert shop > blog + 0.1


def test_columns_the_encoder_was_fitted_on_must_come_again(encoder: BehaviorEncoder, events: pd.DataFrame) -> None:
    with pytest.raises(SequenceError, match=r"missing columns \['theme'\]"):
        encoder.encode(events.drop(columns="theme"))


def test_extra_fields_count(events: pd.DataFrame) -> None:
    table = events.assign(items="phone", price=1.0)
    config = replace(CONFIG, extra_fields={"items": "category", "price": "number"})
    encoder = BehaviorEncoder.fit(table, config, replace(TRAIN, epochs=1))
    base = vectors(encoder.encode(table))
    assert np.abs(vectors(encoder.encode(table.assign(price=900.0))) - base).max() > 1e-3
    assert np.abs(vectors(encoder.encode(table.assign(items="fridge"))) - base).max() > 1e-3
    assert np.isfinite(vectors(encoder.encode(table.assign(items=None, price=np.nan)))).all()


def test_same_seed_same_weights_other_seed_other_weights(events: pd.DataFrame) -> None:
    train = replace(TRAIN, epochs=2)
    torch.manual_seed(1)
    one = BehaviorEncoder.fit(events, CONFIG, train)
    torch.manual_seed(2)  # the caller's random state does not matter
    two = BehaviorEncoder.fit(events.sample(frac=1, random_state=3), CONFIG, train)
    assert one.model_version == two.model_version
    for (name, a), b in zip(one.network.state_dict().items(), two.network.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert BehaviorEncoder.fit(events, CONFIG, replace(train, seed=1)).model_version != one.model_version


def test_on_epoch_hears_each_row(events: pd.DataFrame) -> None:
    heard: list[dict[str, float]] = []
    encoder = BehaviorEncoder.fit(events, CONFIG, replace(TRAIN, epochs=2, held_out_time=0.0), on_epoch=heard.append)
    assert heard == encoder.training_curve and len(heard) == 2 and "held_out_loss" not in heard[0]


def test_nothing_to_learn_from_is_reported(events: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no event to learn from"):
        BehaviorEncoder.fit(events.iloc[:0], CONFIG, TRAIN)
    with pytest.raises(ValueError, match="two events or more"):
        BehaviorEncoder.fit(events.groupby("user_key").head(1), CONFIG, TRAIN)


def test_saved_and_loaded_it_is_the_same(encoder: BehaviorEncoder, events: pd.DataFrame, tmp_path: Path) -> None:
    encoder.save(tmp_path / "model")
    encoder.save(tmp_path / "model")  # replaces itself
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == [
        "README.md", "config.json", "heads.safetensors", "metrics.json", "model.safetensors", "next_step.safetensors",
        "vocabulary.json",
    ]  # fmt: skip
    again = BehaviorEncoder.load(tmp_path / "model", device="cpu")
    assert again.model_version == encoder.model_version
    assert encoder.heads.keys() == again.heads.keys() != set(), "what a warm start goes on with"
    assert "saved in ``heads.safetensors``" in str(objectives.__doc__) and "not saved" not in str(objectives.__doc__)
    assert again.training_curve == encoder.training_curve and again.data_window == encoder.data_window
    assert again.config == encoder.config and again.train_config == encoder.train_config
    assert again.encode(events).equals(encoder.encode(events))
    assert again.predict_next(events).equals(encoder.predict_next(events))


def test_a_foreign_or_altered_folder_is_refused(encoder: BehaviorEncoder, tmp_path: Path) -> None:
    with pytest.raises(EncoderFormatError, match="not a saved encoder"):
        BehaviorEncoder.load(tmp_path)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "notes.txt").write_text("mine")
    with pytest.raises(EncoderFormatError, match="something other"):
        encoder.save(tmp_path / "theirs")
    assert (tmp_path / "theirs" / "notes.txt").read_text() == "mine"

    def altered(name: str, old: bytes, new: bytes) -> Path:
        folder = tmp_path / "altered"
        encoder.save(folder)
        content = (folder / name).read_bytes()
        assert old in content
        (folder / name).write_bytes(content.replace(old, new, 1))
        return folder

    with pytest.raises(EncoderFormatError, match="version 99"):
        BehaviorEncoder.load(altered("config.json", b'"format_version": 2', b'"format_version": 99'))
    older = altered("config.json", b'"format_version": 2', b'"format_version": 1')
    (older / "next_step.safetensors").unlink()  # had other files
    with pytest.raises(EncoderFormatError, match="version 1; this release reads"):
        BehaviorEncoder.load(older)
    with pytest.raises(EncoderFormatError, match="changed or mixed"):
        BehaviorEncoder.load(altered("vocabulary.json", b"site.example/shop/hats", b"site.example/shop/hots"))
    with pytest.raises(EncoderFormatError, match="damaged"):
        BehaviorEncoder.load(altered("config.json", b'"dim": 32', b'"dim": 64'))
    with pytest.raises(EncoderFormatError, match="damaged"):
        BehaviorEncoder.load(altered("metrics.json", b"{", b"["))
    folder = tmp_path / "altered"
    encoder.save(folder)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(bytes(weights))
    with pytest.raises(EncoderFormatError, match="changed or mixed"):
        BehaviorEncoder.load(folder)
    (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(EncoderFormatError, match="damaged"):
        BehaviorEncoder.load(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(EncoderFormatError, match="missing"):
        BehaviorEncoder.load(folder)


IN_ANOTHER_PROCESS = """
import sys
import pandas as pd
import beha2vec_core
assert "torch" not in sys.modules, "import beha2vec_core must not import torch"
events = pd.read_parquet(sys.argv[2])
table = beha2vec_core.BehaviorEncoder.load(sys.argv[1], device="cpu").encode(events)
from tests.encoder.encoder_world import digest_of
print(digest_of(table))
"""


@pytest.mark.slow
def test_two_processes_give_identical_bits_unknown_pages_too(
    encoder: BehaviorEncoder, events: pd.DataFrame, tmp_path: Path
) -> None:
    encoder.save(tmp_path / "model")
    unknown = events["page"].where(events.index % 3 > 0, "site.example/new/" + events["theme"])
    events.assign(page=unknown).to_parquet(tmp_path / "events.parquet")
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, str(tmp_path / "model"), str(tmp_path / "events.parquet")]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == digest_of(encoder.encode(pd.read_parquet(tmp_path / "events.parquet")))


def test_a_group_that_may_read_files_may_read_all_of_an_encoder(encoder: BehaviorEncoder, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        encoder.save(tmp_path / "encoder")
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "encoder").iterdir()} == {0o640}


def test_saved_files_can_be_read_without_running_code(encoder: BehaviorEncoder, tmp_path: Path) -> None:
    encoder.save(tmp_path / "model")
    for name in ("config.json", "vocabulary.json", "metrics.json"):
        json.loads((tmp_path / "model" / name).read_text("utf-8"))
    header = (tmp_path / "model" / "model.safetensors").read_bytes()
    length = int.from_bytes(header[:8], "little")
    assert {"F32"} == {about["dtype"] for about in json.loads(header[8 : 8 + length]).values() if "dtype" in about}
    source = Path(__file__).resolve().parents[2] / "beha2vec_core" / "encoder"
    assert not [path.name for path in source.rglob("*.py") if "pickle" in path.read_text("utf-8")]


MERCH = Path(__file__).resolve().parents[2] / "../shared/data/merch_store_2016_2017/ga4_data.csv"


@pytest.mark.slow
@pytest.mark.skipif(not MERCH.exists(), reason="the merchandise store sample is not on this machine")
def test_length_does_not_masquerade_as_behavior_on_real_journeys() -> None:
    from sklearn.cluster import KMeans

    table = pd.read_csv(MERCH, dtype={"user_pseudo_id": "str"})
    table = table[table["event_name"] == "page_view"].rename(
        columns={"user_pseudo_id": "user_key", "page_location": "page"}
    )
    encoder = BehaviorEncoder.fit(table, EncoderConfig(), replace(TRAIN, epochs=8, batch_users=64))
    found = vectors(encoder.encode(table))
    length = np.log(table.groupby("user_key").size().to_numpy())
    explained, largest = [], []
    for seed in range(3):  # K-Means ends in one of several optima
        labels = KMeans(6, n_init=4, random_state=seed).fit_predict(found)
        explained.append(eta_squared(labels, length))
        largest.append(np.bincount(labels).max() / len(labels))
    assert np.mean(explained) < 0.15
    assert np.median(largest) < 0.45
