"""Tests that share what takes long to make run in one worker."""

from __future__ import annotations

from pathlib import Path

import pytest


def share_a_worker(items: list[pytest.Item], folder: Path, group: str) -> None:
    """Put the tests of a folder that are in no group into this one."""
    for item in items:
        if item.path.is_relative_to(folder) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(group))
