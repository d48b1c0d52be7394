"""Where networks answer in bfloat16 every training still runs, and its losses are in float32."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from service.core.manifest import TaskKind
from tests.methods.small_trainings import (
    INNER,
    STACKED,
    TRAININGS,
    Teachers,
    teachers_in,
    trained,
)
from workers.methods.adaptive_amalgamation.maths import alignment_loss, scaled_logits_loss
from workers.methods.adversarial_distillation.maths import absolute_discrepancy, divergence
from workers.methods.common_feature_amalgamation.maths import discrepancy
from workers.methods.dual_gan_amalgamation.maths import activation_loss, scaled_distance
from workers.methods.knowledge_distillation.maths import attention_loss, feature_loss
from workers.torchkit.training import task as outcomes
from workers.torchkit.training.accelerators import mixed_precision

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
    student_maps, teacher_maps = (
        torch.randn(4, 3, 2, 2, generator=generator).bfloat16() for _ in range(2)
    )

    loss = LOSSES[name](student_maps, teacher_maps)

    assert loss.dtype is torch.float32
    torch.testing.assert_close(
        loss, LOSSES[name](student_maps.float(), teacher_maps.float()), rtol=0, atol=0
    )


VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((method, {}) for method in TRAININGS),
    ("knowledge_distillation", {"attention_weight": 1, "feature_weight": 1, "teacher_layer": "1"}),
    ("adversarial_distillation", {"preset": "dfq", "pool_images": 16, "generator_average": 0.9}),
    ("adversarial_distillation", INNER),
    ("dual_gan_amalgamation", STACKED),
    ("dual_gan_amalgamation", STACKED | {"regroup": "branched"}),
]


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> Teachers:
    return teachers_in(tmp_path_factory.mktemp("teachers"))


@pytest.mark.parametrize(("method", "params"), VARIANTS)
@pytest.mark.parametrize("task", [TaskKind.CLASSIFICATION, TaskKind.MULTI_LABEL])
def test_every_training_runs_in_mixed_precision(
    method: str,
    params: dict[str, Any],
    task: TaskKind,
    teachers: Teachers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outcomes, "arithmetic_on", lambda _device: partial(mixed_precision, "cpu"))
    of_one_kind = dict.fromkeys(teachers, teachers[task])

    student = trained(method, of_one_kind, params).network

    assert all(weight.isfinite().all() for weight in student.parameters())
    assert all(weight.dtype is torch.float32 for weight in student.parameters())
