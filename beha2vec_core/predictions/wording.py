"""Targets, horizons and methods in words, for all who show predictions."""

from __future__ import annotations

from collections.abc import Iterable

from beha2vec_core.predictions.targets import PURCHASE, RETURN

NONE_YET = "there is no prediction model yet: run the job train_predictions"


def why_not(target: str, notes: Iterable[str]) -> str:
    """Why a target is not predicted, by the notes of the model in use (`PredictionModel.notes`)."""
    start = f"{target} is not predicted"
    return next((note for note in notes if note.startswith(start)), f"{start}.")


def does(target: str) -> str:
    """What a user does, after "will": buy, come back, trigger add to cart. Names of events are untrusted text."""
    return {PURCHASE: "buy", RETURN: "come back"}.get(target, f"trigger {target.replace('_', ' ')}")


def did(target: str) -> str:
    """What users did: bought, came back, triggered add to cart."""
    return {PURCHASE: "bought", RETURN: "came back"}.get(target, f"triggered {target.replace('_', ' ')}")
