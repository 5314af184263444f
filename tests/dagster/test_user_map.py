"""Each user's place on the map comes with his cluster, and stays while the model does."""

import duckdb
import numpy as np
import pytest

from beha2vec_dagster.defs.clusters import models as cluster_models
from tests.dagster.test_too_little_evidence import DAYS, USERS, Shop, shop

__all__ = ["shop"]

PLACES = "select user_key, map_x, map_y from beha2vec.user_clusters_current order by user_key"


@pytest.mark.slow
def test_places_are_the_models_and_stay_from_day_to_day(shop: Shop) -> None:
    shop.materialize("cluster_model", k=4)
    shop.materialize("user_clusters")
    before = shop.query(PLACES)
    assert len(before) == USERS, "users of whom too little is known have a place too"
    with duckdb.connect(str(shop.path)) as connection:
        current = cluster_models.current_cluster_model(connection)
    assert current is not None
    places = np.array([place[1:] for place in before])
    assert np.allclose(places, current.load(shop.cluster_models).project_2d(shop.vectors), atol=1e-5)
    # groups that behave differently lie apart
    centers = np.array([places[shop.group == group].mean(axis=0) for group in range(4)])
    spread = max(places[shop.group == group].std(axis=0).max() for group in range(4))
    apart = np.linalg.norm(centers[:, None] - centers[None], axis=2)[np.triu_indices(4, 1)]
    assert apart.min() > 2 * spread
    shop.come(DAYS[1], range(100), low=range(0))
    shop.materialize("user_clusters", last=DAYS[1])
    after = shop.query(PLACES)
    assert [place[0] for place in after] == [place[0] for place in before]
    # a product of matrices of another height may differ in its last bit
    assert np.allclose(places, [place[1:] for place in after], atol=1e-5), "the same vector falls on the same spot"
