"""The planted world, and its facts."""

import duckdb
import pandas as pd
import pytest

from beha2vec_core.profiles import build_profiles
from tests.profiles.profile_world import make_world


@pytest.fixture(scope="module")
def world() -> duckdb.DuckDBPyConnection:
    return make_world()


@pytest.fixture(scope="module")
def facts(world) -> pd.DataFrame:
    return build_profiles(world)
