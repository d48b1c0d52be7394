"""The demo's networks are real, seeded, readable by the service, and differ in how they transfer."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from service.core.manifest import ModelManifest
from workers.programs import read_program
from workers.tools.demo_zoo.files import write_labeled, write_network, write_unlabeled
from workers.tools.demo_zoo.images import digits, patches
from workers.tools.demo_zoo.tasks import TASKS, DemoTask
from workers.tools.demo_zoo.training import network_input, trained
from workers.tools.demo_zoo.transfer import transfer_accuracy

BY_NAME = {task.name: task for task in TASKS}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def short(name: str, steps: int = 2) -> DemoTask:
    return replace(BY_NAME[name], steps=steps)


def test_no_digit_is_in_two_parts_of_the_split():
    parts = digits()

    apart = (parts.training, parts.labeled, parts.tests, parts.probes, parts.evaluation)
    frames = torch.cat([part.frames.flatten(1) for part in apart])

    assert len(frames) == len(frames.unique(dim=0))


def test_the_target_shows_only_the_digits_that_low_digit_networks_never_saw():
    assert set(digits().labeled.labels.tolist()) == {5, 6, 7, 8, 9}
    assert set(BY_NAME["low-digits-conv"].pictures().labels.tolist()) == {0, 1, 2, 3, 4}


def test_the_evaluation_set_has_every_digit_equally_often():
    assert digits().evaluation.labels.bincount().tolist() == [20] * 10


def test_patches_come_from_both_photos_and_have_color():
    counts = patches().labels.bincount().tolist()

    assert counts == [400, 400]
    assert (patches().frames[:, 0] - patches().frames[:, 2]).abs().mean() > 0.01


def test_the_same_task_gives_the_same_weights_twice():
    first, second = trained(short("digits-conv")), trained(short("digits-conv"))

    for left, right in zip(first.network.parameters(), second.network.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=0)


def test_training_lowers_the_loss():
    assert trained(short("digits-conv", 40)).last_loss < trained(short("digits-conv", 1)).last_loss


def test_the_control_is_never_trained():
    assert trained(BY_NAME["untrained-conv"]).last_loss is None


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_exported_network_is_read_and_answers_like_the_original(name: str, tmp_path: Path):
    task = short(name, 0)
    network = trained(task).network
    images = network_input(digits().probes.frames[:5], task.input)

    write_network(network, task, tmp_path)

    manifest = ModelManifest.model_validate_json((tmp_path / f"{name}.manifest.json").read_text())
    program = read_program(tmp_path / f"{name}.pt2")
    features = program.read(images, [manifest.feature_layer])[manifest.feature_layer]
    torch.testing.assert_close(program(images), network(images))
    torch.testing.assert_close(features, network.encoder(images))


def test_a_digit_network_transfers_better_than_an_untrained_one():
    truth = {
        name: transfer_accuracy(
            trained(BY_NAME[name]).network.encoder, BY_NAME[name].input, digits()
        )
        for name in ("digits-mlp", "untrained-conv")
    }

    assert truth["digits-mlp"] > truth["untrained-conv"] + 0.05


def test_archives_of_the_same_pictures_are_the_same_bytes(tmp_path: Path):
    few = digits().labeled.at(torch.arange(4))
    for name in ("first.zip", "second.zip"):
        write_labeled(few, tmp_path / name)
    write_unlabeled(few, tmp_path / "flat.zip")

    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert "/" in zipfile.ZipFile(tmp_path / "first.zip").namelist()[0]
    assert "/" not in zipfile.ZipFile(tmp_path / "flat.zip").namelist()[0]


def test_names_are_unique_and_there_are_at_least_eight():
    assert len(BY_NAME) == len(TASKS) >= 8
