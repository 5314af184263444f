"""A world with people in every place, made once."""

from pathlib import Path

import pytest

from tests.privacy.privacy_world import PrivacyWorld, copy_world, make_world


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tests take a copy."""
    folder = tmp_path_factory.mktemp("privacy")
    make_world(folder)
    return folder


@pytest.fixture
def world(built: Path, tmp_path: Path) -> PrivacyWorld:
    """A world to be changed."""
    return copy_world(built, tmp_path)
