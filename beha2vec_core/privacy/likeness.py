"""How much a word looks like a person's name by its letters, for names that no list has."""

import re
from functools import cache, lru_cache
from pathlib import Path

from beha2vec_core.privacy.rules import fold

_FILE = Path(__file__).parent / "name_pieces.txt"
_LATIN = re.compile(r"[a-z]{2,24}")
_LENGTHS = (2, 3, 4)  # of pieces


@cache
def pieces() -> dict[str, int]:
    """The weights of the pieces, in tenths."""
    weights: dict[str, int] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            weight, *pieces = line.split(" ")
            weights.update(dict.fromkeys(pieces, int(weight)))
    return weights


@lru_cache(50_000)
def likeness(word: str) -> float:
    """Log odds that a word is a name and not another word; 0 for what has no Latin letters.

    >>> likeness("Bassewitz") > 3, likeness("Registrierung") < -3
    (True, True)
    """
    folded = fold(word)
    if not _LATIN.fullmatch(folded):
        return 0.0
    text, weights = f"<{folded}>", pieces()
    found = {text[at : at + length] for length in _LENGTHS for at in range(len(text) - length + 1)}
    return sum(weights.get(piece, 0) for piece in found) / 10
