"""Each objective against numbers worked out by hand, and what a token's content is made of."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from beha2vec_core.encoder.batches import TrainingSet, make_batch
from beha2vec_core.encoder.config import OBJECTIVES as NAMES
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.encoder.features import FIRST_GAP, GAP_BUCKETS, Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.encoder.objectives import (
    OBJECTIVES,
    Batch,
    Content,
    Contrastive,
    Future,
    Masked,
    NextEvent,
    Step,
    Triplet,
)
from beha2vec_core.encoder.packing import Packed, pack
from beha2vec_core.encoder.vocabulary import Vocabulary
from tests.encoder.encoder_world import CONFIG, CPU, PAGES, Event, fresh, random_log, read

PLAIN = EncoderConfig(dim=2, layers=1, heads=1, dropout=0.0, unknown_rate=0.0, token_fields=())
FIELDS = Fields(0, {"page": Vocabulary(("a", "b"), 1), "event_name": Vocabulary(("view",), 1)}, ())
A, B, VIEW = 3, 4, 3  # ids
PAGE_IDS, NAME_IDS = 5, 4


class Given(Step):
    """A step whose vectors and states are given, so that a loss can be worked out by hand."""

    def __init__(self, batch: Batch, vectors: Tensor | None = None, states: Tensor | None = None) -> None:
        super().__init__(BehaviorNetwork(PLAIN, FIELDS), batch)
        self.__dict__["vectors"] = (vectors, vectors)  # fills the cached properties
        self.__dict__["_seen"] = (states, states)


def packed_parts(*parts: list[tuple[int, int]]) -> Packed:
    """Parts of (page id, gap bucket), a recency token at the end of each."""
    pages = torch.tensor([page for part in parts for page, _ in [*part, (-1, 0)]])
    lengths = torch.tensor([len(part) + 1 for part in parts])
    gap = torch.tensor([gap for part in parts for _, gap in [*part, (0, 5)]])
    return Packed(
        kinds=torch.tensor([[A, VIEW], [B, VIEW]]),
        kind=torch.where(pages < 0, 2, pages - A),
        gap=gap,
        position=torch.ones_like(gap),
        row=torch.arange(len(parts)).repeat_interleave(lengths),
        column=torch.cat([torch.arange(int(n)) for n in lengths]),
        lengths=lengths,
        longest=int(lengths.max()),
    )


def batch(packed: Packed | None = None, **more: Tensor) -> Batch:
    nothing = torch.zeros(len(packed.kind) if packed else 0, dtype=torch.long)
    filled = {
        "packed": packed or packed_parts([(A, FIRST_GAP)], [(A, FIRST_GAP)]),
        "same": torch.zeros(1, 1, dtype=torch.bool),
        "next_page": nothing,
        "next_event_name": nothing,
        "next_gap": nothing,
        "future": torch.zeros(len(nothing), 3),
        "future_known": nothing > 0,
    }
    return Batch(**filled | more)  # type: ignore[arg-type]


def zeroed(module: nn.Module, bias: float = 0.0) -> None:
    """Every weight zero, every bias the same."""
    with torch.no_grad():
        for name, weight in module.named_parameters():
            weight.fill_(bias if name.endswith("bias") else 0.0)


def test_every_objective_of_the_settings_has_its_module() -> None:
    assert tuple(OBJECTIVES) == NAMES


UNIT = torch.eye(2)
TURNED = UNIT.flip(0)
NOTHING_SAME = torch.zeros(2, 2, dtype=torch.bool)
ALL_SAME = torch.tensor([[False, True], [True, False]])


def two_users(a: Tensor, b: Tensor, same: Tensor) -> Given:
    return Given(batch(same=same), torch.cat((a, b)))


def test_contrastive_is_the_cross_entropy_of_finding_the_other_part() -> None:
    loss = Contrastive(None, None, TrainConfig(temperature=0.5))  # type: ignore[arg-type]
    assert loss(two_users(UNIT, UNIT, NOTHING_SAME)).item() == pytest.approx(math.log(1 + math.exp(-2)))
    assert loss(two_users(UNIT, TURNED, NOTHING_SAME)).item() == pytest.approx(math.log(1 + math.exp(2)))
    assert loss(two_users(UNIT, TURNED, ALL_SAME)).item() == pytest.approx(0.0)  # no false negatives
    assert loss(two_users(UNIT[:1], UNIT[:1], NOTHING_SAME[:1, :1])) is None


def test_triplet_wants_the_other_user_farther_by_the_margin() -> None:
    loss = Triplet(None, None, TrainConfig(margin=0.5))  # type: ignore[arg-type]
    assert loss(two_users(UNIT, UNIT, NOTHING_SAME)).item() == 0.0  # 0 - sqrt(2) + .5 < 0
    assert loss(two_users(UNIT, TURNED, NOTHING_SAME)).item() == pytest.approx(math.sqrt(2) + 0.5)
    assert loss(two_users(UNIT, UNIT, ALL_SAME)) is None
    assert loss(two_users(UNIT[:1], UNIT[:1], NOTHING_SAME[:1, :1])) is None


def test_triplet_takes_the_next_user_who_shares_nothing() -> None:
    three = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    same = torch.tensor([[False, True, False], [True, False, True], [False, True, False]])
    loss = Triplet(None, None, TrainConfig(margin=3.0))  # type: ignore[arg-type]
    # the first and the third are each other's negative, the second has none
    assert loss(Given(batch(same=same), torch.cat((three, three)))).item() == pytest.approx(3.0 - 2.0)


def test_content_by_hand() -> None:
    parts = batch(packed_parts([(A, FIRST_GAP), (A, 4), (B, 4)], [(B, FIRST_GAP)]))
    loss = Content(BehaviorNetwork(PLAIN, FIELDS), FIELDS, TrainConfig())
    zeroed(loss.heads)
    nn.init.ones_(loss.scale)
    with torch.no_grad():
        loss.heads["of_page"].weight[A] = torch.tensor([1.0, 0.0])
    name = math.log(NAME_IDS)
    gap = math.log(GAP_BUCKETS) / 2  # the second part, a first event, has no gap to tell

    # the first part is foretold by the vector of the second, (0, 1), of which nothing follows; the second, which is b
    # alone, by (1, 0), after which a is likelier
    page = (math.log(PAGE_IDS) + math.log(math.e + PAGE_IDS - 1)) / 2
    assert loss(Given(parts, UNIT)).item() == pytest.approx((page + name + gap) / 3)

    # the other way round; the first part is a by two thirds
    page = (math.log(math.e + PAGE_IDS - 1) - 2 / 3 + math.log(PAGE_IDS)) / 2
    assert loss(Given(parts, TURNED)).item() == pytest.approx((page + name + gap) / 3)

    nn.init.constant_(loss.scale, 2.0)
    page = (math.log(math.exp(2) + PAGE_IDS - 1) - 4 / 3 + math.log(PAGE_IDS)) / 2
    assert loss(Given(parts, TURNED)).item() == pytest.approx((page + name + gap) / 3)


def test_content_counts_shares_not_events() -> None:
    loss = Content(BehaviorNetwork(PLAIN, FIELDS), FIELDS, TrainConfig())
    vectors = torch.tensor([[0.6, 0.8], [0.8, -0.6]])
    few, many = ([(A, 1), (A, 6), (B, 6)] * times for times in (1, 5))
    many = [(page, 6 if place else 1) for place, (page, _) in enumerate(many)]
    one, other = (loss(Given(batch(packed_parts(part, [(B, 1)])), vectors)).item() for part in (few, many))
    assert one == pytest.approx(other, abs=1e-5)


def test_the_modalities_of_content_weigh_the_same() -> None:
    fields, network = fresh(random_log(5))
    loss = Content(network, fields, TrainConfig())
    weights: dict[str, float] = defaultdict(float)
    for name, weight in loss.weights.items():
        weights[fields.modalities.get(name, name)] += weight
    assert weights == pytest.approx(dict.fromkeys(("page", "event_name", "theme", "device", "price", "gap"), 1 / 6))
    assert sum(weights.values()) == pytest.approx(1)


def test_future_by_hand() -> None:
    packed = packed_parts([(A, FIRST_GAP)], [(B, FIRST_GAP)])
    assert len(packed.kind) == 4
    fields = Fields(0, FIELDS.vocabularies | {"theme": Vocabulary(("x", "y"), 1)}, ())
    loss = Future(BehaviorNetwork(PLAIN, fields), fields, TrainConfig())
    future = torch.tensor([[1.0, 0, 0], [1, 1, 1], [0, 0, 0], [1, 1, 0]])
    known = torch.tensor([True, False, False, True])
    step = Given(batch(packed, future=future, future_known=known), states=torch.zeros(4, 2))
    zeroed(loss)
    assert loss(step).item() == pytest.approx(3 * math.log(2) / 2)  # three values of two fields
    zeroed(loss, bias=2.0)
    yes, no = math.log(1 + math.exp(-2)), math.log(1 + math.exp(2))
    assert loss(step).item() == pytest.approx((yes + 2 * no + 2 * yes + no) / 2 / 2)
    assert loss(Given(batch(packed, future=future), states=torch.zeros(4, 2))) is None


def test_a_field_of_no_known_value_has_no_future() -> None:
    packed = packed_parts([(A, FIRST_GAP)], [(B, FIRST_GAP)])
    known = torch.ones(4, dtype=torch.bool)
    for names, expected in (((), None), (("view",), math.log(2))):
        fields = Fields(0, {"page": Vocabulary(("a", "b"), 1), "event_name": Vocabulary(names, 1),
                            "theme": Vocabulary((), 1)}, ())  # fmt: skip
        loss = Future(BehaviorNetwork(PLAIN, fields), fields, TrainConfig())
        zeroed(loss)
        future = torch.ones(4, len(names))
        found = loss(Given(batch(packed, future=future, future_known=known), states=torch.zeros(4, 2)))
        assert found is None if expected is None else found.item() == pytest.approx(expected)


def test_next_event_by_hand() -> None:
    packed = packed_parts([(A, FIRST_GAP), (A, 4)], [(B, FIRST_GAP)])
    page, name, gap = torch.zeros(3, 5, dtype=torch.long)
    page[:2], name[0], gap[0] = torch.tensor([A, B]), VIEW, 9
    step = Given(
        batch(packed, next_page=page, next_event_name=name, next_gap=gap),
        states=torch.full((5, 2), 0.3),
    )
    network = step.network
    for head in (network.next_page, network.next_event_name, network.next_gap):
        zeroed(head)
    loss = NextEvent(network, FIELDS, TrainConfig())
    rest = math.log(NAME_IDS) + math.log(GAP_BUCKETS)
    assert loss(step).item() == pytest.approx(math.log(PAGE_IDS - 2) + rest)  # padding and null cannot come
    with torch.no_grad():
        network.next_page_bias[A] = 1.0
    assert loss(step).item() == pytest.approx(math.log(math.e + PAGE_IDS - 3) - 1 / 2 + rest)
    assert loss(Given(batch(packed), states=torch.zeros(5, 2))) is None
    ends = Given(batch(packed, next_event_name=name), states=torch.zeros(5, 2))
    zeroed(ends.network.next_event_name)
    assert loss(ends).item() == pytest.approx(math.log(NAME_IDS))


def test_masked_by_hand() -> None:
    packed = packed_parts([(A, FIRST_GAP), (A, 4)], [(B, FIRST_GAP)])
    network = BehaviorNetwork(PLAIN, FIELDS)
    loss = Masked(network, FIELDS, TrainConfig(masked_rate=1.0))
    zeroed(loss)
    assert loss(Step(network, batch(packed))).item() == pytest.approx(math.log(PAGE_IDS) + math.log(NAME_IDS))
    assert Masked(network, FIELDS, TrainConfig(masked_rate=0.0))(Step(network, batch(packed))) is None
    with torch.no_grad():  # each page scored by its own embedding: a by 2, b and the bucket by 0, null and padding by 0
        loss.page.bias.copy_(torch.tensor([1.0, 0.0]))
        zeroed(network.embed)
        network.embed.tables["of_page"].weight[A] = torch.tensor([2.0, 0.0])
    total = math.log(math.exp(2) + PAGE_IDS - 1)
    expected = (2 * (total - 2) + total) / 3 + math.log(NAME_IDS)
    assert loss(Step(network, batch(packed))).item() == pytest.approx(expected)


@torch.no_grad()
def test_hidden_content_does_not_leak_and_attention_looks_both_ways() -> None:
    sequences = random_log(6)
    fields, network = fresh(sequences)
    tokens = fields.tokens(sequences)
    recency = np.full(6, 7, dtype=np.int32)
    packed = pack(tokens, tokens.offsets[:-1], tokens.lengths, CPU, recency)
    hidden = (packed.column % 3 == 0) & packed.is_event
    states = network(packed, hidden=hidden)[1]
    other = (packed.kind + 1) % len(packed.kinds)
    same = network(replace(packed, kind=torch.where(hidden, other, packed.kind)), hidden=hidden)[1]
    torch.testing.assert_close(same, states, atol=0, rtol=0)
    shown = (packed.column == 1) & packed.is_event
    changed = network(replace(packed, kind=torch.where(shown, other, packed.kind)), hidden=hidden)[1]
    first = (packed.column == 0) & (packed.lengths[packed.row] > 2)
    assert ((changed - states)[first].abs().amax(1) > 1e-4).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_is_finite_and_moves_what_it_is_about(name: str) -> None:
    sequences = random_log(20)
    fields, network = fresh(sequences)
    data = TrainingSet.of(fields, sequences)
    config = TrainConfig(horizon_days=0.01)
    users = np.flatnonzero(sequences.n_events > 1)
    step = Step(network, make_batch(data, users, config, np.random.default_rng(0), CPU))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        loss = OBJECTIVES[name](network, fields, config)(step)
    assert loss is not None and torch.isfinite(loss) and loss > 0
    loss.backward()
    gradient = network.embed.tables["of_page"].weight.grad
    assert gradient is not None and torch.isfinite(gradient).all()
    assert (gradient.abs().sum() > 0) and gradient[0].abs().sum() == 0, "padding never learns"


def content_of(config: EncoderConfig, log: list[Event]) -> Tensor:
    """The content of each event."""
    sequences = read(log)
    fields, network = fresh(sequences, config)
    tokens = fields.tokens(sequences)
    with torch.no_grad():
        return network.content(pack(tokens, tokens.offsets[:-1], tokens.lengths, CPU))


TWO_PRICES: list[Event] = [("u", second, "click", PAGES[0], "hats", "desk", 7.0 * second) for second in (0, 60)]
TWO_PAGES: list[Event] = [("u", second, "click", PAGES[second % 7], "hats", "desk", 1.0) for second in (0, 1)]


@pytest.mark.parametrize(("modality", "log"), [("price", TWO_PRICES), ("page", TWO_PAGES)])
def test_a_modality_of_weight_zero_says_nothing(modality: str, log: list[Event]) -> None:
    first, second = content_of(CONFIG, log)
    assert (first - second).abs().max() > 1e-3
    silent, too = content_of(replace(CONFIG, modality_weights={modality: 0.0}), log)
    torch.testing.assert_close(silent, too, atol=0, rtol=0)
    half = content_of(replace(CONFIG, modality_weights={modality: 0.5}), log)
    torch.testing.assert_close(half[0] - half[1], (first - second) / 2)


@pytest.mark.parametrize("token_fields", [(), ("path",), ("path", "template"), ("path", "template", "words")])
def test_more_fields_of_a_page_do_not_add_weight(token_fields: tuple[str, ...]) -> None:
    config = replace(CONFIG, token_fields=token_fields, modality_weights={"page": 0.7})
    fields, network = fresh(random_log(3), config)
    squares: Counter[str] = Counter()
    for name, weight in network.embed.weights.items():
        squares[fields.modalities[name]] += weight**2
    assert squares == pytest.approx({"page": 0.49, "event_name": 1.0, "theme": 1.0, "device": 1.0, "price": 1.0})
