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

    found = trained(both, **RECIPES[name])

    program = export_network(found.network, (3, SIDE, SIDE), tmp_path / "student.pt2")
    assert program.output_shape == (3,)
    assert found.manifest.classes == ("a", "b", "c")
    assert found.manifest.task.kind is kind


@pytest.mark.parametrize("name", RECIPES)
def test_a_resumed_run_ends_the_same_in_every_stage(pair, name):
    whole = RecordingReporter()
    expected = trained(pair, whole, **RECIPES[name])

    for middle in whole.checkpoints[:-1:2]:
        found = trained(pair, RecordingReporter(start=middle), **RECIPES[name])

        assert found.history == expected.history
        for key, value in expected.network.state_dict().items():
            torch.testing.assert_close(found.network.state_dict()[key], value, rtol=0, atol=0)


@pytest.mark.parametrize("name", RECIPES)
def test_no_teacher_changes_or_gathers_gradients(pair, name):
    before = [one.program.fingerprint for one in pair]

    trained(pair, **RECIPES[name])

    assert [one.program.fingerprint for one in pair] == before
    weights = [weight for one in pair for weight in one.program.parameters()]
    assert all(one.grad is None and not one.requires_grad for one in weights)


def test_inputs_have_no_place_for_images(pair):
    assert {one.name for one in fields(DataFreeInputs)} == {
        "name",
        "teachers",
        "evaluation_set",
        "start",
    }


@pytest.mark.parametrize("name", RECIPES)
def test_without_an_evaluation_set_it_trains_without_quality(pair, name):
    found = run(
        DataFreeInputs(name="student", teachers=pair), params(**RECIPES[name]), RecordingReporter()
    )

    assert found.quality == {}
    assert found.trained_on == 0
    assert {"label_coverage", "cardinality"} <= found.history[-1].keys()


@pytest.mark.parametrize("name", RECIPES)
def test_one_teacher_is_enough(folder, name):
    found = trained((teacher(folder, ("a", "b")),), **RECIPES[name])

    assert "agreement" in found.quality


def test_labels_may_be_some_in_any_order(pair):
    chosen = {"architecture": "strided", "width": 4, "labels": ["c", "a"]}

    found = trained(pair, student=chosen)

    assert found.manifest.classes == ("c", "a")
    assert found.network(torch.zeros(1, 3, SIDE, SIDE)).shape == (1, 2)


def test_a_teacher_of_no_wanted_label_is_left_out(pair):
    chosen = {"architecture": "strided", "width": 4, "labels": ["c"]}

    found = trained(pair, student=chosen)

    assert found.teacher["parameters"] == pair[1].program.parameter_count
    assert "bc" in found.manifest.trained_on
    assert "ab" not in found.manifest.trained_on


def test_a_label_that_nobody_knows_is_refused(pair):
    with pytest.raises(NotTeachableError):
        trained(pair, student={"architecture": "strided", "labels": ["nothing"]})


def test_teachers_of_different_kinds_are_refused(folder):
    one = teacher(folder, ("a", "b"))
    other = teacher(folder, ("b", "c"), task=TaskKind.CLASSIFICATION)

    with pytest.raises(NotTeachableError, match="tasks"):
        trained((one, other))


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
    told = RecordingReporter()
    trained((without,), told, preset="dfq_ka", bn_weight=None)
    assert "batch_norm_loss" not in told.measurements[-1][1]


def test_by_default_it_takes_the_simpler_recipe_with_batch_statistics(pair):
    told = RecordingReporter()

    trained(pair, told, preset=DualGanAmalgamationParams().preset, bn_weight=None)

    assert {"adversarial_loss", "batch_norm_loss"} <= told.measurements[-1][1].keys()


def test_the_sheet_of_samples_is_a_picture(pair):
    found = trained(pair)

    with Image.open(io.BytesIO(found.pictures["samples.png"])) as picture:
        assert picture.format == "PNG"


def test_other_seeds_give_other_students_and_the_same_seed_the_same(pair):
    one, again, other = (trained(pair, seed=seed) for seed in (0, 0, 1))

    first, second, third = (x.network(torch.ones(1, 3, SIDE, SIDE)) for x in (one, again, other))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert not torch.allclose(first, third)


def test_a_student_comes_closer_to_what_teachers_say_of_drawn_images(pair):
    changes = RECIPES["dfq_ka"] | {
        "budget": {"steps": 60},
        "batch_size": 16,
        "num_evaluations": 12,
    }

    found = trained(pair, **changes)

    told = [one["imitation_loss"] for one in found.history]
    assert told[-1] < 0.8 * told[0]
