"""A student learns its teacher, who stays as it was; cut short and resumed, it ends the same."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from service.core.catalogue.knowledge_distillation import KnowledgeDistillationParams
from service.core.manifest import InputSpec
from workers.contract import Diary
from workers.methods.knowledge_distillation import Inputs, run
from workers.programs.exporting import export_network
from workers.torchkit.canonical import Preprocessing

SIDE = 16
EVERYTHING = {
    "steps": 12,
    "batch_size": 8,
    "steps_between_evaluations": 4,
    "seconds_between_checkpoints": 0.0,
    "label_weight": 0.5,
    "attention_weight": 10.0,
    "feature_weight": 0.1,
    "teacher_layer": "1",
    "student": {"width": 4, "side": 8},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(6, 2),
    ).eval()  # fmt: skip
    teacher = export_network(net, (3, SIDE, SIDE), tmp_path_factory.mktemp("net") / "net.pt2")
    labels = torch.arange(60) % 2
    noise = torch.randint(0, 120, (60, SIDE, SIDE, 3), generator=torch.Generator().manual_seed(0))
    images = (noise + 120 * labels[:, None, None, None]).to(torch.uint8)
    spec = Preprocessing.of(InputSpec(height=SIDE, width=SIDE))
    return Inputs("student", teacher, spec, "1", ("dark", "bright"), images, labels)


def params(**changes: object) -> KnowledgeDistillationParams:
    return KnowledgeDistillationParams.model_validate({**EVERYTHING, **changes})


def test_a_resumed_training_does_only_what_is_left_and_ends_the_same(inputs: Inputs) -> None:
    whole = Diary()
    expected = run(inputs, params(), whole)
    middle = whole.kept[6]

    rest = Diary(start=middle)
    found = run(inputs, params(), rest)

    assert middle.facts["step"] == 7
    assert len(rest.kept) == 12 - 7
    assert found.history == expected.history
    for name, value in expected.network.state_dict().items():
        torch.testing.assert_close(found.network.state_dict()[name], value, rtol=0, atol=0)


def test_the_teacher_is_the_same_before_and_after(inputs: Inputs) -> None:
    before = inputs.teacher.fingerprint

    run(inputs, params(), Diary())

    assert inputs.teacher.fingerprint == before
    assert all(one.grad is None and not one.requires_grad for one in inputs.teacher.parameters())


def test_a_student_comes_to_agree_with_its_teacher(inputs: Inputs) -> None:
    found = run(inputs, params(steps=120, label_weight=0), Diary())

    assert found.quality["agreement"] >= 0.9
    assert found.history[-1]["loss"] < found.history[0]["loss"]


def test_without_labels_there_is_agreement_and_no_accuracy(inputs: Inputs) -> None:
    unlabelled = replace(inputs, labels=torch.full_like(inputs.labels, -1))

    found = run(unlabelled, params(label_weight=0), Diary())

    assert set(found.quality) == {"agreement"}


def test_another_seed_holds_out_other_images_and_gives_another_student(inputs: Inputs) -> None:
    one, other = (run(inputs, params(seed=seed), Diary()) for seed in (0, 1))

    assert not torch.equal(one.network.head.weight, other.network.head.weight)
