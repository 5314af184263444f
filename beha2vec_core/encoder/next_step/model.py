"""`NextStep`: the probability of each value that may come next, for one target."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import linear

from beha2vec_core.encoder.next_step.counts import Followers, Lists, popularity
from beha2vec_core.encoder.next_step.features import PageTree, features, of_history, of_states, of_values
from beha2vec_core.encoder.next_step.loglinear import Choices, Feature, FloatArray, fit_weights, log_probabilities
from beha2vec_core.encoder.next_step.moments import IntArray, Moments

Probabilities = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

FOLDS = 5
# Weights are fitted on about CELLS moments times values; on FEWEST moments if that were fewer, as there are two dozen
# weights, but never on more than MOST_CELLS.
CELLS = 2_000_000
FEWEST = 1_000
MOST_CELLS = 20_000_000
# weights of the counts, of the network, and for a value not known, before any user is held out
BLEND = np.array([0.7, 0.3, 0.0])
# where the network gives a value less than this share of what it gives the most likely one, the counts decide
LEAST = 1e-7
# moments times values whose scores are held at a time: about what a processor keeps in its cache
BLOCK_CELLS = 4_000_000
# values in a matrix product, so that it stays in the cache of a core
PRODUCT = 1_024
# values side by side whose maximum is taken first when the largest are looked for
SPAN = 64
# The values listed for a state are added to the moments in it by a matrix product if they are more than one in so many
# of all pairs of moment and value: that then takes less time than adding them one by one.
SHARED = 500


class Head(NamedTuple):
    """How the network turns states into logits of values: ``project(states) @ weight.T + bias``."""

    project: Callable[[Tensor], Tensor]  # [n, dim] -> [n, dim]
    weight: Tensor  # [others + size, dim]
    bias: Tensor  # [others + size]
    others: int  # how many of the first rows stand for values that are not known


@dataclass(frozen=True)
class NextStep:
    """A fitted model. Make one with :meth:`fit`.

    ``log p(v) = a log c(v) + b log n(v) + d [v is other] + constant``. n: the network's probability. c: that of a
    log-linear model of what followed the moment's states, of popularity, of the user's own history, and of where pages
    are in the site. Known values and the rest, "other", add up to 1.
    """

    popularity: FloatArray  # share of each value [size + 1]
    followers: dict[str, Followers]  # by context, what followed each of its states
    weights: dict[str, float]  # by name of a feature, its weight in c
    blend: FloatArray  # a, b and d
    tree: PageTree | None  # where the pages are in the site; None where the values are no pages
    # how often "other" is a value that the user has seen before, if they have seen unknown ones
    seen_before: float = 0.0

    @classmethod
    def fit(
        cls, learned: Moments, held_out: Moments, network: Probabilities, pages: Sequence[str] | None = None
    ) -> NextStep:
        """Count what followed what in ``learned``, and weigh it.

        The weights in c are fitted on moments of users that the counts left out, a fold of the users at a time
        (Wolpert 1992, Stacked generalization); a, b and d on ``held_out``, moments of users that neither counts nor
        network learned from (an `even_sample` is enough), with the network's probabilities ``network``
        [len(held_out), size + 1]. Where there is none, `BLEND` stands. ``pages``: the texts of the values where these
        are pages.
        """
        tree = None if pages is None else PageTree.of(pages)
        counted = replace(_count(learned, tree), weights=fit_feature_weights(learned, tree))
        parts = counted._parts(held_out, network)
        choices = Choices(parts, held_out.truth, _importance(held_out), held_out.size + 1)
        return replace(counted, blend=fit_weights([choices], BLEND))

    def probabilities(self, moments: Moments, network: Probabilities | None = None) -> FloatArray:
        """The probability of each value, and last of any other, [n, size + 1]; without a network that of the counts."""
        if network is None:
            return np.exp(self._counted(moments))
        return np.exp(log_probabilities(self._parts(moments, network), self.blend, (len(moments), moments.size + 1)))

    @torch.inference_mode()
    def most_likely(
        self, moments: Moments, states: Tensor, head: Head, k: int
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        """The k most likely known values and their probabilities, both [n, k]; of equal ones the first stands first.
        And the probability of any other that the user has seen before [n], if there is one.

        ``states``: the network's at the moments [n, dim]. What is constant over a moment's values cancels, so neither
        c nor n needs a sum of its own: a matrix product has the network's scores of all values, a second one adds those
        of states that many moments share. The largest scores are in the spans with the largest maxima.
        """
        by_counts, by_network, is_other = self.blend.tolist()
        lists = of_states(moments, self.followers, self.popularity, self.tree)
        is_in, shared, lists = self._shared_scores(moments, lists)
        size, spans = moments.size, -(-(moments.size + 1) // SPAN)
        # torch multiplies by MKL, which on some processors takes twice as long as oneDNN (once MKL-DNN)
        one_dnn = states.is_cpu and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        layout = torch.Tensor.to_mkldnn if one_dnn else torch.clone
        parts = [slice(start, min(start + PRODUCT, size)) for start in range(0, size, PRODUCT)]
        keys = [[layout(of[head.others :][part].contiguous()) for of in (head.weight, head.bias)] for part in parts]
        added = states.new_zeros(len(shared), spans * SPAN)
        added[:, : size + 1] = torch.from_numpy(by_counts * shared)
        added[0, size] += is_other
        in_states = torch.from_numpy(is_in).to(states)
        places, likely = np.zeros((len(moments), k), dtype=np.int64), np.zeros((len(moments), k))
        other = np.zeros(len(moments))
        step = min(max(1, BLOCK_CELLS // added.shape[1]), len(moments))
        # used again and again, as new memory for each block takes nearly as long as the products
        memory = states.new_full((2, step, added.shape[1]), -math.inf)
        for start in range(0, len(moments), step):
            block = slice(start, min(start + step, len(moments)))
            queries = head.project(states[block])
            scores, log_p = memory[:, : len(queries)]
            for part, (weight, bias) in zip(parts, keys, strict=True):
                scores[:, part] = linear(layout(queries), weight, bias).to_dense()
            scores[:, size] = linear(queries, head.weight[: head.others], head.bias[: head.others]).logsumexp(1)
            scores.clamp_(min=scores.amax(1, keepdim=True) + math.log(LEAST))
            scores.addmm_(in_states[block], added, beta=by_network)
            own = {name: listed.select(block).written_out() for name, listed in lists.items()}
            own |= of_history(moments.select(np.arange(block.start, block.stop)), self.tree)
            for name, (rows, values, amounts) in own.items():  # each cell at most once in a feature
                cells = torch.from_numpy(rows * scores.shape[1] + values).to(scores.device)
                scores.view(-1).index_add_(
                    0, cells, torch.from_numpy(by_counts * self.weights[name] * amounts).to(scores)
                )
            scores[:, size + 1 :] = -math.inf
            torch.log_softmax(scores, 1, out=log_p)
            other[block] = self.seen_before * log_p[:, size].exp().cpu()
            log_p[:, size] = -math.inf
            by_span = log_p.view(len(log_p), spans, SPAN)
            chosen = first_largest(by_span.amax(2), min(k, spans)).sort(1).values
            candidates = by_span.gather(1, chosen[..., None].expand(-1, -1, SPAN)).flatten(1)
            best = first_largest(candidates, k)
            places[block] = (chosen.gather(1, best // SPAN) * SPAN + best % SPAN).cpu()
            likely[block] = candidates.gather(1, best).exp().cpu()
        return places, likely, other

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the page tree, which follows from the pages, by name."""
        arrays: dict[str, npt.NDArray[Any]] = {"popularity": self.popularity, "blend": self.blend}
        if self.seen_before:  # an earlier release had none, and models are known by their arrays
            arrays["seen_before"] = np.array([self.seen_before])
        arrays |= {f"weights/{name}": np.array([weight]) for name, weight in self.weights.items()}
        for name, followers in self.followers.items():
            arrays |= {f"followers/{name}/{field.name}": getattr(followers, field.name) for field in fields(followers)}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], pages: Sequence[str] | None = None) -> NextStep:
        """The model that :meth:`to_arrays` described; ``pages`` as in :meth:`fit`."""
        contexts = sorted(name.split("/")[1] for name in arrays if name.endswith("/states"))
        return cls(
            popularity=arrays["popularity"],
            followers={
                name: Followers(*(arrays[f"followers/{name}/{field.name}"] for field in fields(Followers)))
                for name in contexts
            },
            weights={
                name.split("/", 1)[1]: float(value[0]) for name, value in arrays.items() if name.startswith("weights/")
            },
            blend=arrays["blend"],
            tree=None if pages is None else PageTree.of(pages),
            seen_before=float(arrays["seen_before"][0]) if "seen_before" in arrays else 0.0,
        )

    def _counted(self, moments: Moments) -> FloatArray:
        """log c [n, size + 1]."""
        found = features(moments, self.followers, self.popularity, self.tree)
        weights = np.array([self.weights[name] for name in found])
        return log_probabilities(list(found.values()), weights, (len(moments), moments.size + 1))

    def _shared_scores(
        self, moments: Moments, lists: Mapping[str, Lists]
    ) -> tuple[BoolArray, FloatArray, dict[str, Lists]]:
        """The part of log c that moments share: which states they are in [n, S], scores [S, size + 1], and the rest.

        The first row is that of all moments; the others are of states, such as the month, in which many values are
        listed for many moments.
        """
        n, size = len(moments), moments.size
        of_all = [self.weights[name] * amounts for name, amounts in of_values(self.popularity).items()]
        is_in, scores, rest = [np.ones((n, 1), dtype=bool)], [np.sum(of_all, axis=0, keepdims=True)], {}
        for name, listed in lists.items():
            _, first, state, count = np.unique(
                np.where(listed.lengths, listed.starts, -1), return_index=True, return_inverse=True, return_counts=True
            )
            many = np.flatnonzero(count * listed.lengths[first] * SHARED > n * size)
            rows, values, amounts = listed.select(first[many]).written_out()
            is_in.append(state[:, None] == many)
            scores.append(np.zeros((len(many), size + 1)))
            scores[-1][rows, values] = self.weights[name] * amounts
            rest[name] = replace(listed, lengths=np.where(np.isin(state, many), 0, listed.lengths))
        return np.concatenate(is_in, axis=1), np.concatenate(scores), rest

    def _parts(self, moments: Moments, network: Probabilities) -> list[Feature]:
        """What the blend weighs: log c, log n and which value is the other."""
        likely, other = network.astype(np.float64), of_values(self.popularity)["other"]
        return [self._counted(moments), np.log(np.maximum(likely, LEAST * likely.max(axis=1, keepdims=True))), other]


def first_largest(scores: Tensor, k: int) -> Tensor:
    """The places of the k largest scores of each row [n, k], the largest first; of equal ones the first."""
    scores = scores.nan_to_num(nan=-math.inf, posinf=math.inf, neginf=-math.inf)
    least = scores.topk(k, dim=1).values[:, -1:]
    rows, places = (scores >= least).nonzero(as_tuple=True)
    # as many as are equal to the k-th largest are found, too many where there are more of them
    order = np.lexsort((places.cpu().numpy(), -scores[rows, places].cpu().numpy(), rows.cpu().numpy()))
    starts = np.searchsorted(rows.cpu().numpy(), np.arange(len(scores)))
    return places[torch.from_numpy(order[starts[:, None] + np.arange(k)]).to(places.device)]


def _count(moments: Moments, tree: PageTree | None) -> NextStep:
    """A model that has counted and weighs nothing yet."""
    followers = {name: Followers.count(states, moments.truth) for name, states in sorted(moments.states.items())}
    return NextStep(popularity(moments.truth, moments.size), followers, {}, BLEND, tree)


def fit_feature_weights(moments: Moments, tree: PageTree | None, without: Collection[str] = ()) -> dict[str, float]:
    """Weights of the features, but for those ``without``, from moments of users that were not counted."""
    fold = moments.user % FOLDS
    blocks = []
    names: list[str] = []
    for this in range(FOLDS):
        others = _count(moments.select(np.flatnonzero(fold != this)), tree)
        judged = moments.select(np.flatnonzero(fold == this))
        judged = judged.select(np.arange(len(judged))[:: _every(moments)])
        found = features(judged, others.followers, others.popularity, tree)
        names = [name for name in found if name not in without]
        blocks.append(Choices([found[name] for name in names], judged.truth, _importance(judged), judged.size + 1))
    weights = fit_weights(blocks, np.zeros(len(names)))
    return dict(zip(names, weights.tolist(), strict=True)) | dict.fromkeys(without, 0.0)


def even_sample(moments: Moments) -> Moments:
    """As many of the moments as weights are fitted on."""
    return moments.select(np.arange(len(moments))[:: _every(moments)])


def _every(moments: Moments) -> int:
    """The step of an even sample that leaves as many moments as weights are fitted on."""
    values = moments.size + 1
    return max(1, -(-len(moments) // max(CELLS // values, min(FEWEST, MOST_CELLS // values))))


def _importance(moments: Moments) -> FloatArray:
    """Half way between a moment each and a user each, 1 on average: else the few who view hundreds of pages decide."""
    weights = 1 / np.sqrt(np.bincount(moments.user)[moments.user])
    return weights / weights.mean() if len(weights) else weights
