"""The card beside a saved encoder: what it tells, what it keeps quiet about, and that it is no part of the encoder."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from huggingface_hub import ModelCard

from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig
from beha2vec_core.encoder import card
from beha2vec_core.encoder.curve import best_row

CONFIG = EncoderConfig(dim=16, layers=1, heads=2, max_length=8, min_count=1)
TRAIN = TrainConfig(epochs=2, device="cpu", progress=False)
START = 1_700_000_000_000_000  # 2023-11-14


@pytest.fixture(scope="module")
def encoder() -> BehaviorEncoder:
    rows = [
        (f"person-{user}", START + (user * 50 + n) * 10**9, "signed_up", f"secret.example/page-{(user + n) % 5}")
        for user in range(60)
        for n in range(6)
    ]
    events = pd.DataFrame(rows, columns=["user_key", "event_timestamp", "event_name", "page"])
    return BehaviorEncoder.fit(events, CONFIG, TRAIN)


@pytest.fixture
def folder(encoder: BehaviorEncoder, tmp_path: Path) -> Path:
    encoder.save(tmp_path / "model")
    return tmp_path / "model"


def row(method: str, metric: str, value: float, **more: Any) -> dict[str, Any]:
    about = {"judged": 1234, "data_until": datetime(2026, 1, 10), "less_best_floor": None, "low": None, "high": None}
    return {"method": method, "task": "next page", "metric": metric, "value": value, "n": 99} | about | more


ROWS = [
    row("encoder", "MRR@10", 0.4321, less_best_floor=0.05, low=0.01, high=0.09),
    row("encoder", "recall@10", float("nan")),
    row("encoder, identity", "MRR@10", 0.3),
    row("markov", "MRR@10", 0.3821),
]


def test_it_tells_what_the_encoder_is(encoder: BehaviorEncoder, folder: Path) -> None:
    found = ModelCard.load(folder / card.NAME)
    assert found.data.library_name == "beha2vec" and encoder.model_version in found.data.model_name
    assert found.data.license is None and found.data.eval_results is None
    text = found.text
    for title in (
        "Inputs",
        "Outputs",
        "Architecture",
        "Training",
        "How to use it",
        "Limitations",
        "Licence",
        "Evaluation",
    ):
        assert f"\n## {title}\n" in text
    parameters = sum(weight.numel() for weight in encoder.network.parameters())
    assert f"{parameters:,}" in text and "360 events of 60 users" in text and "2023-11-14" in text
    assert all(f"`{name}`" in text for name in (*encoder.fields.sizes, *CONFIG.token_fields[3:]))
    assert all(f"| {name} | 1 |" in text for name in TRAIN.objectives)
    assert f"epoch {best_row(encoder.training_curve)['epoch']:.0f}" in text and "10% of the users" in text
    assert card.NOT_JUDGED in text


def test_names_from_outside_stay_out(encoder: BehaviorEncoder, folder: Path) -> None:
    text = (folder / card.NAME).read_text("utf-8")
    for name in ("person-", "secret.example", "page-1", "signed_up"):
        assert name not in text
    odd = replace(CONFIG, extra_fields={"<b>|`x`": "number"})
    events = pd.DataFrame(
        {"user_key": ["u"] * 2, "event_timestamp": [START, START + 1], "event_name": "e", "page": "p/q", "<b>|`x`": 1.0}
    )
    train = replace(TRAIN, epochs=1, held_out=0, objectives={"masked": 1.0})
    text = str(card.model_card(BehaviorEncoder.fit(events, odd, train)))
    assert "<b>" not in text and "`x`" not in text and "predict_next" not in text


def test_it_is_no_part_of_the_encoder(encoder: BehaviorEncoder, folder: Path) -> None:
    (folder / card.NAME).write_text("mine")
    assert BehaviorEncoder.load(folder, device="cpu").model_version == encoder.model_version
    (folder / card.NAME).unlink()
    assert BehaviorEncoder.load(folder, device="cpu").model_version == encoder.model_version


def test_its_evaluation_is_renewed_and_what_people_wrote_stays(encoder: BehaviorEncoder, folder: Path) -> None:
    path = folder / card.NAME
    edited = (
        path.read_text("utf-8").replace("\nlibrary_name", "\nlicense: mit\nlibrary_name") + "\n## Ours\n\nA note.\n"
    )
    path.write_text(edited, encoding="utf-8")
    card.write_evaluation(encoder, folder, [row("encoder", "MRR@10", 0.1111)])
    returned = card.write_evaluation(encoder, folder, ROWS)
    assert {file.name for file in folder.iterdir() if file.name.startswith(".")} == set(), "nothing half-written"
    found = ModelCard.load(path)
    assert str(found) == str(returned)
    assert found.data.license == "mit" and found.text.endswith("\n## Ours\n\nA note.\n")
    results = found.data.eval_results
    assert [(r.task_name, r.metric_name, r.metric_value) for r in results] == [("next page", "MRR@10", 0.4321)]
    assert "| next page | MRR@10 | 0.4321 | 0.3 | 0.3821 | +0.050 [+0.010, +0.090] |" in found.text
    assert "1,234 users" in found.text and "2026-01-10" in found.text
    assert "0.1111" not in found.text and card.NOT_JUDGED not in found.text
    assert found.text.count("## Evaluation") == 1
    card.write_evaluation(encoder, folder, [])
    found = ModelCard.load(path)
    assert card.NOT_JUDGED in found.text and found.data.eval_results is None
    assert BehaviorEncoder.load(folder, device="cpu").model_version == encoder.model_version


def test_a_card_that_is_gone_or_broken(encoder: BehaviorEncoder, folder: Path) -> None:
    path = folder / card.NAME
    path.unlink()
    assert "0.4321" in str(card.write_evaluation(encoder, folder, ROWS)) and path.exists()
    path.write_text("only words\n")
    assert card.write_evaluation(encoder, folder, ROWS).text.startswith("only words")
    path.write_text("---\nlicense: [\n---\nwords\n")
    with pytest.raises(card.CardError, match="fix it or delete"):
        card.write_evaluation(encoder, folder, ROWS)
    assert "license: [" in path.read_text(), "left as it was"
