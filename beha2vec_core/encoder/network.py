"""The network: token fields -> causal pre-norm transformer -> behavior and identity vectors, next-event logits.

Shapes: B sequences, N tokens in all, K kinds of token, F fields, D dim. Sequences are end to end (see
:class:`~beha2vec_core.encoder.packing.Packed`), so that only attention, which is the small part, ever sees padding.
"""

from collections import Counter
from collections.abc import Collection, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.encoder.config import EncoderConfig
from beha2vec_core.encoder.features import (
    GAP,
    GAP_BUCKETS,
    POSITION_BUCKETS,
    SESSION_POSITION,
    SHORTEST_GAP,
    WORD,
    WORDS,
    Fields,
)
from beha2vec_core.encoder.packing import Packed
from beha2vec_core.encoder.titles import TITLE_SIZE

TITLE = "title"
FIELD_PREFIX = "of_"


class TokenEmbedding(nn.Module):
    """A token is the weighted sum of its fields' embeddings, words by their mean. No clock or position goes in."""

    page_title: Tensor | None

    def __init__(self, fields: Fields, config: EncoderConfig) -> None:
        """Make one table a field. Rows 0 (padding) and 1 (null) begin as zero: they say nothing.

        Modalities weigh the same unless the config says otherwise, however many fields each has.
        """
        super().__init__()
        self.names = list(fields.sizes)
        self.tables = by_field({name: table(size, config.dim) for name, size in fields.sizes.items()})
        of = fields.modalities | ({TITLE: "page"} if "title" in config.token_fields else {})
        count = Counter(of.values())
        self.weights = {name: config.modality_weights.get(of[name], 1.0) / count[of[name]] ** 0.5 for name in of}

        titled = "title" in config.token_fields
        pages = fields.vocabularies["page"].size
        self.register_buffer("page_title", torch.zeros(pages, TITLE_SIZE) if titled else None)
        if titled:
            self.title = nn.Linear(TITLE_SIZE, config.dim, bias=False)
            nn.init.normal_(self.title.weight, std=0.5)  # titles have length 1

    def forward(self, kinds: Tensor) -> Tensor:
        """Ids [K, F], words in the last columns -> [K, D]."""
        token = torch.zeros(())
        for column, (name, embed) in enumerate(zip(self.names, self.tables.values(), strict=True)):
            assert isinstance(embed, nn.Embedding)
            if name == WORD:
                words = kinds[:, -WORDS:]
                part = F.embedding_bag(words, embed.weight, mode="sum", padding_idx=0, sparse=embed.sparse)
                part = part / (words != 0).sum(1, keepdim=True).clamp(min=1)
            else:
                part = embed(kinds[:, column])
            token = torch.add(token, part, alpha=self.weights[name])
        if self.page_title is not None:
            token = torch.add(token, self.title(self.page_title[kinds[:, 0]]), alpha=self.weights[TITLE])
        return token


def by_field(modules: Mapping[str, nn.Module]) -> nn.ModuleDict:
    """Modules under the names of their fields, so that a field may have any name, ``items`` or ``type`` too."""
    return nn.ModuleDict({FIELD_PREFIX + name: module for name, module in modules.items()})


def table(size: int, dim: int) -> nn.Embedding:
    """An embedding whose rows 0 (padding) and 1 (null, or no event before) begin as zero: they say nothing."""
    embedding = nn.Embedding(size, dim, padding_idx=0)
    nn.init.normal_(embedding.weight, std=0.5)
    nn.init.zeros_(embedding.weight[:2])
    return embedding


class Block(nn.Module):
    """Self-attention with rotary positions, then a feed-forward layer, each with its norm in front."""

    def __init__(self, config: EncoderConfig) -> None:
        """Build from the sizes in ``config``."""
        super().__init__()
        self.heads = config.heads
        self.norm_1 = nn.LayerNorm(config.dim)
        self.qkv = nn.Linear(config.dim, 3 * config.dim)
        self.mix = nn.Linear(config.dim, config.dim)
        self.norm_2 = nn.LayerNorm(config.dim)
        self.up = nn.Linear(config.dim, config.feed_forward * config.dim)
        self.down = nn.Linear(config.feed_forward * config.dim, config.dim)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, packed: Packed, turn: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        """[N, D] -> [N, D]. Without mask [B, 1, 1, T] it is causal; padding is right of every token and is hidden."""
        qkv = self.qkv(self.norm_1(x)).view(len(x), 3, self.heads, -1)
        turned = torch.cat((rotate(qkv[:, :2], turn), qkv[:, 2:]), dim=1)  # [N, 3, heads, size]
        q, k, v = packed.pad(turned).permute(2, 0, 3, 1, 4).unbind(0)  # [B, heads, T, size]
        y = F.scaled_dot_product_attention(q, k, v, mask, is_causal=mask is None)
        x = x + self.drop(self.mix(packed.unpad(y.transpose(1, 2)).flatten(1)))
        out: Tensor = x + self.drop(self.down(F.gelu(self.up(self.norm_2(x)))))
        return out


def rotation(place: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines [N, 1, 1, size / 2] of rotary positions (Su et al. 2021, arXiv:2104.09864)."""
    frequency = 1.0 / 10_000 ** (torch.arange(0, size, 2, device=place.device) / size)
    angle = torch.outer(place, frequency)[:, None, None]
    return angle.cos(), angle.sin()


def rotate(x: Tensor, by: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate [N, ..., heads, size] by position: attention then sees how far apart events are, not where they are."""
    cos, sin = by
    a, b = x.chunk(2, dim=-1)
    return torch.cat((torch.addcmul(a * cos, b, sin, value=-1), torch.addcmul(a * sin, b, cos)), dim=-1)


def content_first(inputs: int, dim: int) -> nn.Linear:
    """A linear layer that begins as a rotation of its first ``dim`` inputs; the rest it must learn to use.

    So a vector begins as the mean of what its events are, which on its own is a fair description of a user.
    """
    layer = nn.Linear(inputs, dim)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    nn.init.orthogonal_(layer.weight[:, :dim])
    return layer


class BehaviorNetwork(nn.Module):
    """Everything that has weights, but for what only an objective needs."""

    center: Tensor
    whitening: Tensor
    page_kinds: Tensor
    page_bucket: Tensor

    def __init__(self, config: EncoderConfig, fields: Fields) -> None:
        """Build for these fields; weights come from torch's current random state."""
        super().__init__()
        self.config = config
        self.columns = fields.columns
        self.embed = TokenEmbedding(fields, config)
        times = {GAP: GAP_BUCKETS, SESSION_POSITION: POSITION_BUCKETS}
        self.time = nn.ModuleDict(
            {name: table(size, config.dim) for name, size in times.items() if name in config.token_fields}
        )
        self.recency = table(GAP_BUCKETS, config.dim)
        self.embed_drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.dim)
        pooled = {"mean": 2, "last": 1, "mean+last": 3}[config.pooling] * config.dim
        self.behavior_head = content_first(pooled, config.dim)
        self.identity_head = content_first(pooled, config.dim)
        self.salience = nn.Embedding(fields.vocabularies["page"].size, 1)  # how much a page identifies a user
        nn.init.zeros_(self.salience.weight)
        # of behavior and identity vectors, found when training ends; see vectors()
        self.register_buffer("center", torch.zeros(2, config.dim))
        self.register_buffer("whitening", torch.eye(config.dim).repeat(2, 1, 1))
        # what follows from each page id, so that a next page is scored by its path as well; not saved, as the
        # vocabulary gives it
        pages = fields.vocabularies["page"]
        following = torch.from_numpy(fields.page_kinds(pages.values)).long()
        width = len(fields.columns) + following.shape[1] - len(fields.page_columns)
        kinds = torch.zeros(pages.size, width, dtype=torch.long)
        kinds[:, self.columns.index("page")] = torch.arange(pages.size)
        places = [self.columns.index(name) for name in fields.page_columns] + list(range(len(self.columns), width))
        kinds[pages.first_known :, places] = following
        self.register_buffer("page_kinds", kinds, persistent=False)
        buckets = torch.arange(pages.size)
        buckets[pages.first_known :] = torch.tensor([pages.bucket(page) for page in pages.values], dtype=torch.long)
        self.register_buffer("page_bucket", buckets, persistent=False)  # the id each page would have if it were unknown
        self.next_page = nn.Linear(config.dim, config.dim)
        self.next_page_bias = nn.Parameter(torch.zeros(pages.size))
        self.next_event_name = nn.Linear(config.dim, fields.vocabularies["event_name"].size)
        self.next_gap = nn.Linear(config.dim, GAP_BUCKETS)

    def forward(self, packed: Packed, *, hidden: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Packed tokens -> content of each token and its state given what came before it, both [N, D].

        ``hidden`` [N]: these tokens' content is not shown, and states then know what comes after them too.
        """
        content = self.content(packed)
        x = content if hidden is None else content.masked_fill(hidden.unsqueeze(-1), 0.0)
        for name, time in self.time.items():
            x = x + time(packed.gap if name == GAP else packed.position)
        recency = packed.gap if "recency" in self.config.token_fields else torch.full_like(packed.gap, SHORTEST_GAP)
        x = torch.where(packed.is_event.unsqueeze(-1), x, self.recency(recency))
        mask = None
        if hidden is not None:
            mask = (torch.arange(packed.longest, device=x.device) < packed.lengths.unsqueeze(-1))[:, None, None]
        turn = rotation(packed.column, self.config.dim // self.config.heads)
        x = self.embed_drop(x)
        for block in self.blocks:
            x = block(x, packed, turn, mask)
        return content, self.norm(x)

    def content(self, packed: Packed) -> Tensor:
        """What each token is, without its time [N, D]; zero for recency tokens."""
        kinds = packed.kinds
        if self.training:
            unseen = torch.rand(len(kinds), device=kinds.device) < self.config.unknown_rate
            page = torch.where(unseen, self.page_bucket[kinds[:, 0]], kinds[:, 0])
            kinds = torch.cat((page.unsqueeze(-1), kinds[:, 1:]), dim=-1)
        return F.pad(self.embed(kinds), (0, 0, 0, 1)).index_select(0, packed.kind)

    def vectors(self, packed: Packed, content: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Content and states as :meth:`forward` gives them -> behavior and identity vectors, both [B, D] of length 1.

        What all users share (``center``) is taken out, since it would hide the angles between them (Mu & Viswanath
        2018, arXiv:1702.01417), and directions in which parts of one user differ are shrunk (``whitening``:
        within-class covariance normalisation, Hatch et al. 2006), since they do not distinguish users.
        """
        real = packed.is_event.unsqueeze(-1)
        rows = len(packed.lengths)

        def total(x: Tensor) -> Tensor:  # [N, D] -> [B, D]
            return x.new_zeros(rows, x.shape[1]).index_add(0, packed.row, x * real)

        events = total(torch.ones_like(states[:, :1]))  # [B, 1]
        salience = self.salience(F.pad(packed.kinds[:, 0], (0, 1)).index_select(0, packed.kind)).clamp(-9, 9).exp()
        salient_content = total(content * salience) / total(salience)
        mean_content, mean_state = total(content) / events, total(states) / events
        behavior = self._pool(mean_content, mean_state, states.index_select(0, packed.last))
        identity = self._pool(salient_content, mean_state, states.index_select(0, packed.last_event))
        behavior, identity = self.behavior_head(behavior), self.identity_head(identity)
        both = F.normalize(torch.stack((behavior, identity)), dim=-1) - self.center.unsqueeze(1)  # [2, B, D]
        behavior, identity = F.normalize(both @ self.whitening, dim=-1)
        return behavior, identity

    def _pool(self, content: Tensor, state: Tensor, last: Tensor) -> Tensor:
        parts = {"mean": (content, state), "last": (last,), "mean+last": (content, state, last)}
        return torch.cat(parts[self.config.pooling], dim=-1)

    def sparse_gradients(self, fields: Collection[str]) -> None:
        """Give the embeddings of these fields sparse gradients, and all others dense ones."""
        for name, embedding in zip(self.embed.names, self.embed.tables.values(), strict=True):
            if isinstance(embedding, nn.Embedding):
                embedding.sparse = name in fields
        self.salience.sparse = "page" in fields

    def next_page_logits(self, states: Tensor, pages: Tensor) -> Tensor:
        """States [..., D] and the pages' embeddings [page ids, D] -> logits [..., page ids]; padding and null cannot
        come."""
        logits: Tensor = self.next_page(states) @ pages.T + self.next_page_bias
        return logits.index_fill(-1, torch.tensor([0, 1], device=logits.device), float("-inf"))
