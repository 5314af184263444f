"""Cases of one mechanism: a few of them run by `make test`, all by `make test` and `make test-slow` together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def few_fast(cases: Iterable[Any], every: int) -> list[Any]:
    """Each case as it is, if it is the first or an ``every``-th one after it; the others are slow."""
    return [case if n % every == 0 else pytest.param(case, marks=pytest.mark.slow) for n, case in enumerate(cases)]
