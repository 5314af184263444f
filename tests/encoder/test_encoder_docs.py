"""docs/encoder.md says what the settings are and what they are by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from beha2vec_core import EncoderConfig, TrainConfig
from beha2vec_core.encoder.config import OBJECTIVES, TOKEN_FIELDS

TEXT = (Path(__file__).parents[2] / "docs" / "encoder.md").read_text("utf-8")


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {weight:g}" for name, weight in value.items()) or "none"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("config", [EncoderConfig(), TrainConfig()], ids=["encoder", "training"])
def test_every_setting_is_there_with_its_default(config: EncoderConfig | TrainConfig) -> None:
    lacking = [
        field.name
        for field in fields(config)
        if f"| `{field.name}` | {_shown(getattr(config, field.name))} |" not in TEXT
    ]
    assert not lacking


def test_every_objective_and_token_field_is_there() -> None:
    assert not [name for name in (*OBJECTIVES, *TOKEN_FIELDS) if f"`{name}`" not in TEXT]
