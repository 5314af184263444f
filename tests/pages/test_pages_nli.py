"""The NLI classifier: the real zero-shot pipeline over a tiny model with random weights, built here."""

import json
from pathlib import Path

import pandas as pd
import pytest

from beha2vec_core.pages import Label, Labels, Models, classify_pages, parse_steps
from beha2vec_core.pages.classifiers.nli import NliModel
from beha2vec_core.pages.weights import ModelUnavailable
from tests.llm.tiny_models import tiny_bert

LABELS = Labels(
    (Label("pets", "dogs, cats and pets"), Label("travel", "travel and holidays"), Label("food", "food and cooking")),
    (Label("article", "an article"), Label("product", "a product")),
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT with random weights and the three labels of an NLI model."""
    from transformers import BertForSequenceClassification

    folder = tmp_path_factory.mktemp("nli")
    labels = ["contradiction", "neutral", "entailment"]
    config = tiny_bert(folder, id2label=dict(enumerate(labels)), label2id={x: n for n, x in enumerate(labels)})
    BertForSequenceClassification(config).save_pretrained(folder, safe_serialization=True)
    return folder


def pages(*titles: str | None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "page_key": [f"h.example/{number}" for number in range(len(titles))],
            "page_title": titles,
            "page_path": [f"/{number}" for number in range(len(titles))],
            "hostname": "h.example",
            "page_views": 1,
        }
    )


def test_the_pipeline_labels_pages(folder: Path) -> None:
    models = Models(nli_model=str(folder))
    asked = pages("red mug", "hike and travel", "soup", None, "dogs and cats")
    result = classify_pages(asked, labels=LABELS, steps=parse_steps("nli:0/0"), models=models)
    rows = result.pages.set_index("page_key")
    assert rows.loc["h.example/3", ["theme", "theme_method"]].tolist() == ["unknown", "none"], "no text, no opinion"
    said = rows.drop("h.example/3")
    assert set(said["theme"]) <= {"pets", "travel", "food"} and len(set(said["theme"])) > 1
    assert set(said["page_type"]) <= {"article", "product"}
    assert (said["theme"] != said["theme_runner_up"]).all()
    assert said["theme_confidence"].between(1 / 3, 1).all(), "the best of three"
    assert set(said["theme_method"]) == {"nli"}
    assert said["theme_model_version"].str.startswith(str(folder)).all()
    # the pipeline itself says the same
    from transformers import pipeline

    direct = pipeline("zero-shot-classification", model=str(folder))(
        "soup", candidate_labels=[label.description.replace(",", ";") for label in LABELS.themes],
        hypothesis_template="This page is about {}.",
    )  # fmt: skip
    best = next(label.name for label in LABELS.themes if label.description.replace(",", ";") == direct["labels"][0])
    assert rows.loc["h.example/2", "theme"] == best
    assert rows.loc["h.example/2", "theme_confidence"] == pytest.approx(direct["scores"][0], abs=1e-3)


def test_an_answer_does_not_depend_on_the_batch(folder: Path) -> None:
    texts = ["red mug", "a hike and travel and holidays and food and cooking and dogs", "soup"]
    phrases = [label.description.replace(",", ";") for label in LABELS.themes]
    together = NliModel(str(folder)).scores(texts, phrases, "This page is about {}.")
    for text, scores in zip(texts, together, strict=True):
        alone = NliModel(str(folder)).scores([text], phrases, "This page is about {}.")[0]
        assert scores == pytest.approx(alone, abs=1e-4)


def test_only_safetensors_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelUnavailable, match="pickled weights are not loaded"):
        NliModel(str(tmp_path))
    result = classify_pages(
        pages("soup"), labels=LABELS, steps=parse_steps("rules,nli"), models=Models(nli_model=str(tmp_path))
    )
    assert result.missing == ["nli"] and "safetensors" in result.methods["nli"]


def test_a_cascade_of_rules_and_nli(folder: Path) -> None:
    asked = pages("Shopping Cart", "soup")
    labels = Labels(LABELS.themes, (*LABELS.page_types, Label("cart", "the cart")))
    result = classify_pages(
        asked, labels=labels, steps=parse_steps("rules,nli:0/0"), models=Models(nli_model=str(folder))
    )
    assert result.pages["page_type_method"].tolist() == ["rules", "nli"]
