"""A warehouse for the checks."""

from pathlib import Path

import pytest

from tests.quality.quality_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
