"""Networks become one without any image, none of them changes, and a resumed run ends the same."""

import io
from dataclasses import fields

import pytest
import torch
from PIL import Image

from service.core.catalog.dual_gan_amalgamation import DualGanAmalgamationParams
from service.core.manifest import TaskKind
from tests.methods.dual_gan_amalgamation.scenes import SIDE, params, teacher, trained
from workers.methods.dual_gan_amalgamation import run
from workers.programs.exporting import export_network
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.bn_statistics import TeacherWithoutBatchNormError
from workers.torchkit.training.students import BadStudentError
from workers.torchkit.training.task import DataFreeInputs
from workers.torchkit.training.teachers import NotTeachableError

pytestmark = pytest.mark.slow

torch.set_num_threads(1)

RECIPES = {
    "dfka": {"preset": "dfka"},
    "branched": {"preset": "dfka", "regroup": "branched", "budget": {"steps": 21}},
    "dfq_ka": {"preset": "dfq_ka", "budget": {"steps": 4}},
}
KINDS = [TaskKind.MULTI_LABEL, TaskKind.CLASSIFICATION]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("teachers")


@pytest.fixture(scope="module")
def pair(folder):
    return teacher(folder, ("a", "b")), teacher(folder, ("b", "c"), width=6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_gives_a_network_that_exports_for_both_kinds(folder, tmp_path, name, kind):
    both = teacher(folder, ("a", "b"), task=kind), teacher(folder, ("b", "c"), task=kind)

    result = trained(both, **RECIPES[name])

    program = export_network(result.network, (3, SIDE, SIDE), tmp_path / "student.pt2")
    assert program.output_shape == (3,)
    assert result.manifest.classes == ("a", "b", "c")
    assert result.manifest.task.kind is kind


@pytest.mark.parametrize("name", RECIPES)
def test_a_resumed_run_ends_the_same_in_every_stage(pair, name):
    whole = RecordingReporter()
    expected = trained(pair, whole, **RECIPES[name])

    for middle in whole.checkpoints[:-1:2]:
        result = trained(pair, RecordingReporter(start=middle), **RECIPES[name])

        assert result.history == expected.history
        for key, value in expected.network.state_dict().items():
            torch.testing.assert_close(result.network.state_dict()[key], value, rtol=0, atol=0)


@pytest.mark.parametrize("name", RECIPES)
def test_no_teacher_changes_or_gathers_gradients(pair, name):
    before = [teacher.program.fingerprint for teacher in pair]

    trained(pair, **RECIPES[name])

    assert [teacher.program.fingerprint for teacher in pair] == before
    weights = [weight for teacher in pair for weight in teacher.program.parameters()]
    assert all(weight.grad is None and not weight.requires_grad for weight in weights)


def test_inputs_have_no_place_for_images(pair):
    assert {field.name for field in fields(DataFreeInputs)} == {
        "name",
        "teachers",
        "evaluation_set",
        "start",
        "recipe",
    }


@pytest.mark.parametrize("name", RECIPES)
def test_without_an_evaluation_set_it_trains_without_quality(pair, name):
    result = run(
        DataFreeInputs(name="student", teachers=pair), params(**RECIPES[name]), RecordingReporter()
    )

    assert result.quality == {}
    assert result.trained_on == 0
    assert {"label_coverage", "cardinality"} <= result.history[-1].keys()


@pytest.mark.parametrize("name", RECIPES)
def test_one_teacher_is_enough(folder, name):
    result = trained((teacher(folder, ("a", "b")),), **RECIPES[name])

    assert "agreement" in result.quality


def test_labels_may_be_some_in_any_order(pair):
    chosen = {"architecture": "strided", "width": 4, "labels": ["c", "a"]}

    result = trained(pair, student=chosen)

    assert result.manifest.classes == ("c", "a")
    assert result.network(torch.zeros(1, 3, SIDE, SIDE)).shape == (1, 2)


def test_a_teacher_of_no_wanted_label_is_left_out(pair):
    chosen = {"architecture": "strided", "width": 4, "labels": ["c"]}

    result = trained(pair, student=chosen)

    assert result.teacher["parameters"] == pair[1].program.parameter_count
    assert "bc" in result.manifest.trained_on
    assert "ab" not in result.manifest.trained_on


def test_a_label_that_nobody_knows_is_refused(pair):
    with pytest.raises(NotTeachableError):
        trained(pair, student={"architecture": "strided", "labels": ["nothing"]})


def test_teachers_of_different_kinds_are_refused(folder):
    first = teacher(folder, ("a", "b"))
    second = teacher(folder, ("b", "c"), task=TaskKind.CLASSIFICATION)

    with pytest.raises(NotTeachableError, match="tasks"):
        trained((first, second))


def test_a_student_whose_maps_cannot_be_read_is_refused(pair):
    with pytest.raises(BadStudentError):
        trained(pair, student={"architecture": "timm/resnet10t"})


def test_batch_statistics_are_not_asked_of_a_teacher_without_them(folder, tmp_path):
    bare = teacher(folder, ("a", "b"))
    plain = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, stride=4), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(), torch.nn.Linear(4, 2),
    ).eval()  # fmt: skip
    program = export_network(plain, (3, SIDE, SIDE), tmp_path / "plain.pt2")
    without = type(bare)("x", "x", program, bare.input, bare.task, bare.classes)

    with pytest.raises(TeacherWithoutBatchNormError):
        trained((without,), blocks=1)
    reporter = RecordingReporter()
    trained((without,), reporter, preset="dfq_ka", bn_weight=None)
    assert "batch_norm_loss" not in reporter.measurements[-1][1]


def test_by_default_it_takes_the_simpler_recipe_with_batch_statistics(pair):
    reporter = RecordingReporter()

    trained(pair, reporter, preset=DualGanAmalgamationParams().preset, bn_weight=None)

    assert {"adversarial_loss", "batch_norm_loss"} <= reporter.measurements[-1][1].keys()


def test_the_sheet_of_samples_is_a_picture(pair):
    result = trained(pair)

    with Image.open(io.BytesIO(result.pictures["samples.png"])) as picture:
        assert picture.format == "PNG"


def test_other_seeds_give_other_students_and_the_same_seed_the_same(pair):
    student, again, other = (trained(pair, seed=seed) for seed in (0, 0, 1))

    first, second, third = (
        x.network(torch.ones(1, 3, SIDE, SIDE)) for x in (student, again, other)
    )
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert not torch.allclose(first, third)


def test_a_student_comes_closer_to_what_teachers_say_of_drawn_images(pair):
    changes = RECIPES["dfq_ka"] | {
        "budget": {"steps": 60},
        "batch_size": 16,
        "num_evaluations": 12,
    }

    result = trained(pair, **changes)

    losses = [entry["imitation_loss"] for entry in result.history]
    assert losses[-1] < 0.8 * losses[0]
