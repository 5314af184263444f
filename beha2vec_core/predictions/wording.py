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

TRAIN = "run beha2vec materialize --job train_predictions"
NONE_YET = f"there is no prediction model yet: {TRAIN}"
_NOT = " is not predicted: "


def why_not(target: str, notes: Iterable[str]) -> str:
    """Why a target is not predicted, by the notes of the model in use (`PredictionModel.notes`)."""
    start = f"{target} is not predicted"
    return next((note for note in notes if note.startswith(start)), f"{start}.")


def together(notes: Iterable[str]) -> str:
    """Notes of a model as one text: targets that are not predicted for the same reason are named once."""
    others: list[str] = []
    targets: dict[str, list[str]] = {}
    for note in notes:
        target, is_missing, reason = note.partition(_NOT)
        if is_missing:
            targets.setdefault(reason.removesuffix("."), []).append(target)
        else:
            others.append(note)
    missing = [f"Not predicted yet, because {reason}: {', '.join(some)}." for reason, some in targets.items()]
    return " ".join([*others, *missing])


def does(target: str) -> str:
    """What a user does, after "will": buy, come back, add to their cart. Names of other events are untrusted text."""
    return _WORDS[target][0] if target in _WORDS else f"have the event {target.replace('_', ' ')}"


def did(target: str) -> str:
    """What users did: bought, came back, added to their cart."""
    return _WORDS[target][1] if target in _WORDS else f"had the event {target.replace('_', ' ')}"
