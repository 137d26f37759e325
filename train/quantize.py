"""Weights to integers inside the training loop: the forward pass sees what the machine will,
gradients pass through.

One rule: an integer weight is round(w T), halves to even, saturated to
:class:`sim.fixed_point.WeightFormat`.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from sim.fixed_point import WeightFormat

CANDIDATES = 80
"""Thresholds tried by :func:`choose_threshold`."""


class _RoundWeight(Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, threshold: int, form: WeightFormat) -> Tensor:
        scaled = weight * threshold
        # a saturated weight can still be moved back, by the part of its gradient that does so
        ctx.save_for_backward(scaled > form.high + 0.5, scaled < form.low - 0.5)
        ctx.threshold = threshold
        return form.round(scaled)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        above, below = ctx.saved_tensors
        gradient = gradients[0] * ctx.threshold
        outward = (above & (gradient < 0)) | (below & (gradient > 0))
        return gradient.masked_fill(outward, 0.0), None, None


def round_weight(weight: Tensor, threshold: int, bits: int) -> Tensor:
    """Return the integers, in a floating tensor, that stand for real weights (1.0 is the firing
    threshold).

    The gradient of the rounding is 1; of a saturated weight only what would bring it back into
    range passes.
    """
    return _RoundWeight.apply(weight, threshold, WeightFormat(bits))  # type: ignore[no-any-return]


@torch.no_grad()
def choose_threshold(weight: Tensor, bits: int) -> int:
    """Return the T whose rounding of ``weight`` to ``bits`` bits has the least squared error.

    A larger T rounds finely but saturates large weights, a smaller one the reverse; T falls from
    where the weights' root mean square is the largest integer to where their largest magnitude is
    half of it.
    """
    form = WeightFormat(bits)
    high = max(form.high, 1)
    coarse = high / (2 * weight.abs().max().clamp_min(1e-9))
    fine = (high / weight.square().mean().sqrt().clamp_min(1e-9)).clamp_min(coarse)
    steps = torch.linspace(0, 1, CANDIDATES)
    candidates = sorted({max(1, round(float(coarse * (fine / coarse) ** step))) for step in steps})
    errors = [
        float((form.round(weight * threshold) / threshold - weight).square().sum())
        for threshold in candidates
    ]
    return candidates[errors.index(min(errors))]
