"""AdamW for networks with large embedding tables: the cost of a step is that of the rows it changes."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


class SparseAdamW(torch.optim.AdamW):
    """AdamW for dense gradients; for sparse ones, an AdamW that updates only the rows with a gradient.

    ``v <- b2^k v + (1 - b2) g^2``, ``w <- (1 - lr d)^k w - lr g / sqrt(v / (1 - b2^t))``, with k the steps since the
    row's last gradient: second moment and weight decay d of skipped steps are applied at the row's next gradient. There
    is no momentum (b1 is 0), which would keep moving rows without a gradient.
    Source: Loshchilov & Hutter 2019, arXiv:1711.05101 (AdamW); the lazy form: torch.optim.SparseAdam.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step; sparse gradients are set to None."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None and weight.grad.is_sparse:
                    self._update_rows(weight, group)
                    weight.grad = None
        return super().step(closure)  # type: ignore[no-any-return]

    def _update_rows(self, weight: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=weight.device)
            state["row_step"] = torch.zeros(len(weight), dtype=torch.float32, device=weight.device)
            state["exp_avg_sq"] = torch.zeros_like(weight)
        gradient = weight.grad.coalesce()  # type: ignore[union-attr]
        rows, values = gradient.indices()[0], gradient.values()
        b2, rate = group["betas"][1], group["lr"]
        state["step"] += 1
        steps = (state["step"] - state["row_step"].index_select(0, rows)).view(-1, *[1] * (weight.ndim - 1))
        square = state["exp_avg_sq"].index_select(0, rows).mul_(b2**steps).addcmul_(values, values, value=1 - b2)
        root = (square / (1 - b2 ** state["step"])).sqrt_().add_(group["eps"])
        decay = (1 - rate * group["weight_decay"]) ** steps
        weight.index_copy_(0, rows, weight.index_select(0, rows).mul_(decay).addcdiv_(values, root, value=-rate))
        state["exp_avg_sq"].index_copy_(0, rows, square)
        state["row_step"].index_fill_(0, rows, float(state["step"]))


@torch.no_grad()
def clip_gradients(weights: Iterable[nn.Parameter], norm: float) -> None:
    """Scale all gradients, sparse ones too, so that their joint norm is at most ``norm``."""
    gradients = []
    for weight in weights:
        if weight.grad is not None:
            if weight.grad.is_sparse:
                weight.grad = weight.grad.coalesce()
            gradients.append(weight.grad.values() if weight.grad.is_sparse else weight.grad)
    if not gradients:
        return
    total = nn.utils.get_total_norm(gradients)
    torch._foreach_mul_(gradients, (norm / (total + 1e-6)).clamp(max=1.0))
