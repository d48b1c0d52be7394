"""A student learns several networks of different builds, sizes and colors, and leaves them as they were."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from service.core.catalog.common_feature_amalgamation import (
    CommonFeatureAmalgamationParams,
    CommonNormalization,
)
from service.core.manifest import InputSpec, TaskKind
from workers.methods.common_feature_amalgamation import run
from workers.methods.common_feature_amalgamation.maths import (
    PUBLISHED_BANDWIDTHS,
    discrepancy,
    unit_vectors,
)
from workers.methods.common_feature_amalgamation.run import CommonFeatureTask, spread
from workers.methods.common_feature_amalgamation.space import CommonSpace
from workers.programs import read_program
from workers.programs.exporting import export_network
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.students import BadStudentError
from workers.torchkit.training.task import ImageInputs
from workers.torchkit.training.teachers import NotTeachableError, Teacher

pytestmark = pytest.mark.slow

SIDE = 8
QUICK = {
    "budget": {"steps": 6},
    "batch_size": 16,
    "num_evaluations": 2,
    "checkpoint_interval_seconds": 0.0,
    "student": {"architecture": "plain", "width": 4, "image_size": SIDE},
}


class Tokens(nn.Module):
    """A network of tokens: four patches of a square, and one in front that answers."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 6, SIDE // 2, stride=SIDE // 2)
        self.first = nn.Parameter(torch.zeros(1, 1, 6))
        self.mix = nn.Linear(6, 6)
        self.head = nn.Linear(6, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        joined = torch.cat([self.first.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        return self.head(torch.relu(self.mix(joined)).mean(dim=1))


def convolutional(side: int, channels: int) -> nn.Module:
    stride = side // 4
    return nn.Sequential(
        nn.Conv2d(channels, 5, stride, stride=stride), nn.BatchNorm2d(5), nn.ReLU(),
        nn.Conv2d(5, 7, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(7, 2),
    )  # fmt: skip


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Teacher, ...]:
    """Color at 8 pixels, gray at 16 with a normalization of its own, and one of tokens."""
    folder = tmp_path_factory.mktemp("teachers")
    torch.manual_seed(0)
    gray = InputSpec(channels=1, height=16, width=16, mean=(0.5,), std=(0.25,))
    color = InputSpec(height=SIDE, width=SIDE)
    return (
        taught(folder, convolutional(SIDE, 3), color, ("a", "b")),
        taught(folder, convolutional(16, 1), gray, ("b", "c")),
        taught(folder, Tokens(), color, ("d", "e")),
    )


def taught(folder: Path, net: nn.Module, spec: InputSpec, classes: tuple[str, ...]) -> Teacher:
    name = "".join(classes)
    shape = (spec.channels, spec.height, spec.width)
    program = export_network(net.eval(), shape, folder / f"{name}.pt2")
    return Teacher(name, name, program, spec, TaskKind.CLASSIFICATION, classes)


def inputs_of(teachers: Sequence[Teacher]) -> ImageInputs:
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (48, SIDE, SIDE, 3), generator=generator).to(torch.uint8)
    truth = torch.arange(16) % 3
    evaluation_set = EvaluationSet(frames[32:], truth, ("a", "b", "c"))
    return ImageInputs(
        name="student", teachers=tuple(teachers), evaluation_set=evaluation_set, images=frames[:32]
    )


def params(**changes: object) -> CommonFeatureAmalgamationParams:
    return CommonFeatureAmalgamationParams.model_validate({**QUICK, **changes})


def test_a_resumed_amalgamation_ends_the_same(teachers: tuple[Teacher, ...]) -> None:
    whole, inputs = RecordingReporter(), inputs_of(teachers[:2])
    expected = run(inputs, params(), whole)

    result = run(inputs, params(), RecordingReporter(start=whole.checkpoints[2]))

    assert whole.checkpoints[2].facts["taken"] == 3
    assert result.history == expected.history
    for name, value in expected.network.state_dict().items():
        torch.testing.assert_close(result.network.state_dict()[name], value, rtol=0, atol=0)


def test_a_label_that_two_networks_know_is_one_output_of_the_student(
    teachers: tuple[Teacher, ...], tmp_path: Path
) -> None:
    result = run(inputs_of(teachers[:2]), params(), RecordingReporter())

    assert result.manifest.classes == ("a", "b", "c")
    program = export_network(result.network, (3, SIDE, SIDE), tmp_path / "student.pt2")
    images = torch.randn(5, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    assert program(images).shape == (5, 3)


@pytest.mark.parametrize("match", ["together", "apart"])
def test_a_constant_added_to_a_teachers_logits_changes_nothing_in_the_student(
    teachers: tuple[Teacher, ...], tmp_path: Path, match: str
) -> None:
    network = convolutional(SIDE, 3).eval()
    spec, classes = InputSpec(height=SIDE, width=SIDE), ("b", "c")
    plain = taught(tmp_path, network, spec, classes)
    with torch.no_grad():
        network[-1].bias += 5.0
    (tmp_path / "bc.pt2").unlink()
    louder = taught(tmp_path, network, spec, classes)

    students = [
        run(inputs_of((teachers[0], other)), params(match=match), RecordingReporter()).network
        for other in (plain, louder)
    ]

    for name, value in students[0].state_dict().items():
        torch.testing.assert_close(students[1].state_dict()[name], value, rtol=1e-3, atol=1e-4)


def test_a_teacher_that_the_targets_hardly_show_is_named(
    teachers: tuple[Teacher, ...], tmp_path: Path
) -> None:
    network = convolutional(SIDE, 3).eval()
    with torch.no_grad():
        network[-1].weight *= 1e3
    loud = taught(tmp_path, network, InputSpec(height=SIDE, width=SIDE), ("d", "e"))
    changes = {"shared_labels": "logits", "loudness": "as_taught"}

    result = run(inputs_of((teachers[0], loud)), params(**changes), RecordingReporter())
    fitted = run(inputs_of((teachers[0], loud)), params(), RecordingReporter())

    (faint,) = [warning for warning in result.warnings if warning["code"] == "faint_teacher"]
    assert teachers[0].name in faint["detail"]
    assert result.history[0]["teacher_1_mass"] < 0.1 < fitted.history[0]["teacher_1_mass"]
    assert "faint_teacher" not in [warning["code"] for warning in fitted.warnings]


def test_a_student_whose_teachers_share_no_label_gives_another_its_first_weights(
    teachers: tuple[Teacher, ...],
) -> None:
    inputs = inputs_of((teachers[0], teachers[2]))
    first = run(inputs, params(), RecordingReporter())

    result = run(
        replace(inputs, start=first.network.state_dict()),
        params(learning_rate=1e-9),
        RecordingReporter(),
    )

    for name, value in first.network.named_parameters():
        torch.testing.assert_close(result.network.get_parameter(name), value, rtol=0, atol=1e-5)


def test_the_space_is_thrown_away(teachers: tuple[Teacher, ...], tmp_path: Path) -> None:
    training_task = CommonFeatureTask(inputs_of(teachers[:2]), params())
    expected = sum(
        weight.numel() for weight in training_task.training.networks["student"].parameters()
    )

    result = run(inputs_of(teachers[:2]), params(), RecordingReporter())
    export_network(result.network, (3, SIDE, SIDE), tmp_path / "student.pt2")

    assert read_program(tmp_path / "student.pt2").parameter_count == expected


def test_no_teacher_changes_or_learns(teachers: tuple[Teacher, ...]) -> None:
    before = [teacher.program.fingerprint for teacher in teachers]

    run(inputs_of(teachers[:2]), params(), RecordingReporter())

    assert [teacher.program.fingerprint for teacher in teachers] == before
    assert all(p.grad is None for teacher in teachers for p in teacher.program.parameters())


def test_tokens_meet_maps(teachers: tuple[Teacher, ...]) -> None:
    layer = next(layer.name for layer in teachers[2].program.layers if layer.shape == (5, 6))
    layers = [[teachers[0].program.layers[-4].name], [layer]]

    result = run(
        inputs_of((teachers[0], teachers[2])), params(teacher_layers=layers), RecordingReporter()
    )

    assert result.manifest.classes == ("a", "b", "d", "e")


def test_layers_that_do_not_fit_are_reported(teachers: tuple[Teacher, ...]) -> None:
    single, pair = inputs_of(teachers[:1]), inputs_of(teachers[:2])

    with pytest.raises(NotTeachableError, match="no layer"):
        run(single, params(teacher_layers=[["nowhere"]]), RecordingReporter())
    with pytest.raises(NotTeachableError, match="same number of layers"):
        run(pair, params(teacher_layers=[["0"]]), RecordingReporter())
    with pytest.raises(NotTeachableError, match="no rows and columns"):
        run(
            single,
            params(teacher_layers=[[teachers[0].program.layers[-1].name]]),
            RecordingReporter(),
        )


def test_a_student_without_maps_is_refused(teachers: tuple[Teacher, ...]) -> None:
    with pytest.raises(BadStudentError, match="maps"):
        run(
            inputs_of(teachers[:1]),
            params(student={"architecture": "timm/resnet10t", "image_size": 32}),
            RecordingReporter(),
        )


def test_exchanged_teachers_exchange_their_labels(teachers: tuple[Teacher, ...]) -> None:
    there, back = (
        CommonFeatureTask(inputs_of(group), params()) for group in (teachers[:2], teachers[1::-1])
    )

    assert there.head.labels == ("a", "b", "c")
    assert back.head.labels == ("b", "c", "a")


def test_a_chosen_part_of_the_labels_is_learned(teachers: tuple[Teacher, ...]) -> None:
    student = {**QUICK["student"], "labels": ["c", "a"]}  # type: ignore[dict-item]

    for match in ("together", "apart", "squared"):
        result = run(
            inputs_of(teachers[:2]), params(student=student, match=match), RecordingReporter()
        )
        assert result.manifest.classes == ("c", "a")


@pytest.mark.parametrize(("count", "expected"), [(8, list(range(8))), (10, [0, 2, 4, 6, 8])])
def test_images_for_a_measurement_come_from_the_whole_set(count: int, expected: list[int]) -> None:
    assert spread(torch.arange(count), most=8).tolist() == expected


def test_too_few_images_are_refused(teachers: tuple[Teacher, ...]) -> None:
    inputs = inputs_of(teachers[:1])

    with pytest.raises(NotTeachableError, match="too few"):
        run(replace(inputs, images=inputs.images[:8]), params(), RecordingReporter())


def test_batches_of_fewer_than_sixteen_are_refused() -> None:
    with pytest.raises(ValidationError, match="batch_size"):
        params(batch_size=15)


def test_answers_of_different_kinds_are_not_put_side_by_side(
    teachers: tuple[Teacher, ...],
) -> None:
    several = replace(teachers[1], task=TaskKind.MULTI_LABEL)
    pixels = replace(teachers[1], task=TaskKind.SEGMENTATION)

    for chosen in ((teachers[0], several), (pixels,)):
        with pytest.raises(NotTeachableError, match="cannot be combined"):
            CommonFeatureTask(inputs_of(chosen), params())


def test_one_network_for_several_labels_is_learned(teachers: tuple[Teacher, ...]) -> None:
    alone = inputs_of([replace(teachers[0], task=TaskKind.MULTI_LABEL)])
    several = replace(alone, evaluation_set=None)

    result = run(several, params(budget={"steps": 60}, num_evaluations=60), RecordingReporter())

    assert result.manifest.task.kind is TaskKind.MULTI_LABEL
    losses = [entry["whole_loss"] for entry in result.history]
    assert sum(losses[-5:]) < sum(losses[:5])


@pytest.mark.parametrize("kind", CommonNormalization)
def test_the_common_features_pull_at_the_teachers_side_too(kind: CommonNormalization) -> None:
    space = CommonSpace(4, [5], 4, kind=kind, generator=torch.Generator().manual_seed(0))
    draw = torch.Generator().manual_seed(1)
    student_maps, teacher_maps = (
        torch.randn(16, channels, 2, 2, generator=draw) for channels in (4, 5)
    )

    met = space(student_maps, [teacher_maps])
    left, right = unit_vectors(met.student), unit_vectors(met.teachers[0])
    discrepancy(left, right, bandwidths=PUBLISHED_BANDWIDTHS).backward()

    for adaptation in (space.own, space.adaptations[0]):
        assert float(adaptation[0].weight.grad.abs().sum()) > 0
