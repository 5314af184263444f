"""Who is fitted on and who is judged."""

import hashlib
from dataclasses import dataclass

import pandas as pd

DAY = 86_400_000_000


@dataclass(frozen=True)
class Split:
    """The events a method is fitted on, and those of the users that are judged.

    ``repeat`` is the number of the split where there are several, and the seed of the fit. ``cut`` is the moment T of a
    split in time (microseconds UTC), None for a split by users: fit holds no event from T on, judged holds all of each
    user's.
    """

    name: str
    repeat: int
    fit: pd.DataFrame
    judged: pd.DataFrame
    cut: int | None = None


def user_hash(user_key: str, salt: str = "") -> int:
    """A stable whole number below 2^32 for a user; another one for each salt."""
    return int.from_bytes(hashlib.sha256(f"{salt}\x1f{user_key}".encode()).digest()[:4], "big")
