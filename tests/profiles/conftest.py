"""Tests of profiles and of insights read one small shop."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.groups import share_a_worker


@pytest.hookimpl(tryfirst=True)  # before xdist reads groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    share_a_worker(items, Path(__file__).parent, "profiles")
