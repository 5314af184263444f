"""The network: token fields -> causal pre-norm transformer -> behaviour and identity vectors, next-event logits.

Shapes: B sequences, T tokens (the longest of the batch), F fields, D dim. Padding is id 0, on the right.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from beha2vec_core.encoder.config import EncoderConfig
from beha2vec_core.encoder.features import GAP, Fields


class TokenEmbedding(nn.Module):
    """A token is the sum of the embeddings of its fields. No absolute position or clock goes in."""

    def __init__(self, sizes: dict[str, int], dim: int) -> None:
        """Make one table a field. Rows 0 (padding) and 1 (null, or no event before) begin as zero: they say nothing."""
        super().__init__()
        self.tables = nn.ModuleDict({name: nn.Embedding(size, dim, padding_idx=0) for name, size in sizes.items()})
        for table in self.tables.values():
            nn.init.normal_(table.weight, std=0.5)  # type: ignore[arg-type]
            nn.init.zeros_(table.weight[:2])  # type: ignore[index]

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Ids [B, T, F] -> the content of each token and content plus time gap, both [B, T, D]."""
        parts: dict[str, Tensor] = {name: table(ids[..., i]) for i, (name, table) in enumerate(self.tables.items())}
        gap = parts.pop(GAP)
        content = torch.stack(list(parts.values())).sum(0)
        return content, content + gap


class Block(nn.Module):
    """Causal self-attention with rotary positions, then a feed-forward layer, each with its norm in front."""

    def __init__(self, config: EncoderConfig) -> None:
        """Build from the sizes in ``config``."""
        super().__init__()
        self.heads, self.dropout = config.heads, config.dropout
        self.norm_1 = nn.LayerNorm(config.dim)
        self.qkv = nn.Linear(config.dim, 3 * config.dim)
        self.mix = nn.Linear(config.dim, config.dim)
        self.norm_2 = nn.LayerNorm(config.dim)
        self.up = nn.Linear(config.dim, 4 * config.dim)
        self.down = nn.Linear(4 * config.dim, config.dim)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        """[B, T, D] -> [B, T, D]. Padding lies right of every real token, so the causal mask hides it too."""
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm_1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(
            rotate(q, rotation),
            rotate(k, rotation),
            v,
            is_causal=True,
            dropout_p=self.dropout if self.training else 0.0,
        )
        x = x + self.drop(self.mix(y.transpose(1, 2).reshape(b, t, d)))
        out: Tensor = x + self.drop(self.down(F.gelu(self.up(self.norm_2(x)))))
        return out


def rotation(length: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines [length, size / 2] of rotary positions (Su et al. 2021, arXiv:2104.09864)."""
    frequency = 1.0 / 10_000 ** (torch.arange(0, size, 2, device=device) / size)
    angle = torch.outer(torch.arange(length, device=device), frequency)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, by: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate [B, heads, T, size] by position: attention then sees how far apart two events are, not where they lie."""
    cos, sin = by
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


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
    page_catalogue: Tensor
    page_bucket: Tensor

    def __init__(self, config: EncoderConfig, fields: Fields) -> None:
        """Build for these fields; weights come from torch's current random state."""
        super().__init__()
        self.config = config
        self.page_fields = fields.page_fields
        self.embed = TokenEmbedding(fields.sizes, config.dim)
        self.embed_drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.dim)
        self.behavior_head = content_first(2 * config.dim, config.dim)
        self.identity_head = content_first(3 * config.dim, config.dim)
        self.salience = nn.Embedding(fields.vocabularies["page"].size, 1)  # how much a page tells who somebody is
        nn.init.zeros_(self.salience.weight)
        # mean behaviour and identity vector of the users fitted on, zero until training ends; see vectors()
        self.register_buffer("center", torch.zeros(2, config.dim))
        # every page id with its path ids, so that a next page is scored by its path as well; not saved, it follows
        # from the vocabulary
        pages = fields.vocabularies["page"]
        catalogue = torch.zeros(pages.size, len(self.page_fields), dtype=torch.long)
        catalogue[:, 0] = torch.arange(pages.size)
        catalogue[pages.first_known :] = torch.from_numpy(fields.page_ids(pages.values)).long()
        self.register_buffer("page_catalogue", catalogue, persistent=False)
        buckets = torch.arange(pages.size)
        buckets[pages.first_known :] = torch.tensor([pages.bucket(page) for page in pages.values], dtype=torch.long)
        self.register_buffer("page_bucket", buckets, persistent=False)  # the id each page would have if it were unknown
        self.next_page = nn.Linear(config.dim, config.dim)
        self.next_page_bias = nn.Parameter(torch.zeros(pages.size))
        self.next_event_name = nn.Linear(config.dim, fields.vocabularies["event_name"].size)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Ids [B, T, F] -> content of each event and its state given the events before it, both [B, T, D]."""
        content, x = self.embed(self._hide_pages(ids) if self.training else ids)
        turn = rotation(ids.shape[1], self.config.dim // self.config.heads, ids.device)
        x = self.embed_drop(x)
        for block in self.blocks:
            x = block(x, turn)
        return content, self.norm(x)

    def _hide_pages(self, ids: Tensor) -> Tensor:
        hidden = torch.rand(ids.shape[:2], device=ids.device) < self.config.unknown_rate
        page = torch.where(hidden, self.page_bucket[ids[..., 0]], ids[..., 0])
        return torch.cat((page.unsqueeze(-1), ids[..., 1:]), dim=-1)

    def vectors(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Ids [B, T, F] -> behaviour and identity vectors, both [B, D] of length 1.

        What all users share is taken out, since it would hide the angles between them (Mu & Viswanath 2018,
        arXiv:1702.01417).
        """
        content, states = self(ids)
        real = (ids[..., 0] != 0).unsqueeze(-1)  # [B, T, 1]; every event has a page id
        count = real.sum(1)  # [B, 1]
        salience = self.salience(ids[..., 0]).masked_fill(~real, float("-inf")).softmax(1)  # [B, T, 1]
        mean_content = (content * real).sum(1) / count  # [B, D], as all that follow
        salient_content = (content * salience).sum(1)
        mean_state = (states * real).sum(1) / count
        last_state = states[torch.arange(len(ids), device=ids.device), count[:, 0] - 1]
        behavior = self.behavior_head(torch.cat((mean_content, mean_state), dim=-1))
        identity = self.identity_head(torch.cat((salient_content, mean_state, last_state), dim=-1))
        both = F.normalize(torch.stack((behavior, identity)), dim=-1) - self.center.unsqueeze(1)  # [2, B, D]
        behavior, identity = F.normalize(both, dim=-1)
        return behavior, identity

    def next_page_logits(self, states: Tensor) -> Tensor:
        """States [..., D] -> logits [..., page ids] of the next event's page; padding and null cannot come."""
        tables = [self.embed.tables[name] for name in self.page_fields]
        pages = torch.stack([table(self.page_catalogue[:, i]) for i, table in enumerate(tables)]).sum(0)
        logits: Tensor = self.next_page(states) @ pages.T + self.next_page_bias
        return logits.index_fill(-1, torch.tensor([0, 1], device=logits.device), float("-inf"))
