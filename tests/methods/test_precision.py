"""Losses are computed in float32 also where networks answer in bfloat16."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from workers.methods.adaptive_amalgamation.maths import alignment_loss, scaled_logits_loss
from workers.methods.adversarial_distillation.maths import absolute_discrepancy, divergence
from workers.methods.common_feature_amalgamation.maths import discrepancy
from workers.methods.dual_gan_amalgamation.maths import activation_loss, scaled_distance
from workers.methods.knowledge_distillation.maths import attention_loss, feature_loss

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "alignment": alignment_loss,
    "scaled logits": lambda a, b: scaled_logits_loss(a.flatten(1), b.flatten(1), torch.ones(())),
    "absolute discrepancy": absolute_discrepancy,
    "divergence": lambda a, b: divergence(a, b, temperature=2.0),
    "common features": lambda a, b: discrepancy(a.flatten(1), b.flatten(1), bandwidths=(1.0,)),
    "activation": lambda a, _: activation_loss(a),
    "scaled distance": lambda a, b: scaled_distance(
        a.flatten(1), b.flatten(1), torch.ones(a[0].numel())
    ),
    "attention": attention_loss,
    "features": lambda a, b: feature_loss(a.flatten(1), b.flatten(1)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_short_numbers_is_that_of_the_same_long_ones(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(4, 3, 2, 2, generator=generator).bfloat16() for _ in range(2))

    found = LOSSES[name](one, other)

    assert found.dtype is torch.float32
    torch.testing.assert_close(found, LOSSES[name](one.float(), other.float()), rtol=0, atol=0)
