"""Targets, horizons and methods in words, for all who show predictions."""

from collections.abc import Iterable

from beha2vec_core.predictions.targets import PURCHASE, RETURN

# what users do, and what they did
_WORDS = {
    PURCHASE: ("buy", "bought"),
    RETURN: ("come back", "came back"),
    "add_to_cart": ("add to their cart", "added to their cart"),
    "begin_checkout": ("begin a checkout", "began a checkout"),
    "generate_lead": ("become a lead", "became a lead"),
    "sign_up": ("sign up", "signed up"),
    "view_item": ("view a product", "viewed a product"),
}

NONE_YET = "there is no prediction model yet: run the job train_predictions"


def why_not(target: str, notes: Iterable[str]) -> str:
    """Why a target is not predicted, by the notes of the model in use (`PredictionModel.notes`)."""
    start = f"{target} is not predicted"
    return next((note for note in notes if note.startswith(start)), f"{start}.")


def does(target: str) -> str:
    """What a user does, after "will": buy, come back, add to their cart. Names of other events are untrusted text."""
    return _WORDS[target][0] if target in _WORDS else f"have the event {target.replace('_', ' ')}"


def did(target: str) -> str:
    """What users did: bought, came back, added to their cart."""
    return _WORDS[target][1] if target in _WORDS else f"had the event {target.replace('_', ' ')}"
