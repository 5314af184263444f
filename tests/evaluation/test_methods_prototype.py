"""The prototype has the faults that it is kept for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from tests.benchmarks.rivals import METHODS, prototype
from tests.evaluation.methods_world import small_log, views

PAGES = "a b c d e f"


def test_padding_is_read_as_a_page() -> None:
    network = METHODS["prototype, untrained"].fit(views(u=PAGES), 0).network
    ids = torch.tensor([[5, 6, 7]])
    padded = torch.nn.functional.pad(ids, (0, 9), value=prototype.PADDING)
    with torch.no_grad():
        assert (network(ids) - network(padded)).abs().max() > 0.1


def test_the_same_page_more_often_is_further_and_further_away() -> None:
    method = METHODS["prototype, untrained"].fit(views(u=PAGES), 0)
    users = {f"u{n:03d}": " ".join(["a"] * n) for n in (2, 4, 8, 16)}
    distances = np.linalg.norm(method.encode(views(**users)) - method.encode(views(u="a a")), axis=1)
    assert (np.diff(distances) > 0.1).all()


def test_the_first_pages_count_not_the_last() -> None:
    method = METHODS["prototype, untrained"].fit(views(u=PAGES), 0)
    many = " ".join(["a"] * prototype.LENGTH)
    first, longer = method.encode(views(u=many, v=f"{many} b c d"))
    np.testing.assert_array_equal(first, longer)


def test_pages_of_a_bucket_are_one_and_other_events_none() -> None:
    method = METHODS["prototype, untrained"].fit(views(u=PAGES), 0)
    by_bucket: dict[int, str] = {}
    number = 0
    while (bucket := prototype.stable_hash(f"p{number}") % prototype.BUCKETS) not in by_bucket:
        by_bucket[bucket] = f"p{number}"
        number += 1
    events = views(u=f"a {by_bucket[bucket]}", v=f"a p{number}")
    cart = events.assign(event_name="add_to_cart", user_key="v")
    one, two = method.encode(events)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(method.encode(events), method.encode(pd.concat([events, cart])))


def test_training_moves_all_weights_but_what_cancels_out_between_vectors() -> None:
    events = small_log(10)
    before = dict(METHODS["prototype, untrained"].fit(events, 0).network.named_parameters())
    after = METHODS["prototype"].fit(events, 0).network.named_parameters()
    assert {name for name, weights in after if torch.equal(before[name], weights)} == {"out.bias"}


def test_triplets_are_halves_of_a_user_and_another_user() -> None:
    assert prototype._halves([1, 2, 3]) == ([1], [2, 3]) and prototype._halves([4]) == ([4], [4])
    rng = np.random.default_rng(0)
    assert {prototype._other(1, 3, rng) for _ in range(50)} == {0, 2} and prototype._other(0, 1, rng) == 0
