"""Softmax turns the output of every network into its probabilities exactly once.

Outputs have the names that the network's author gave them.
"""

from collections import namedtuple
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from service.core.manifest import TaskKind
from service.core.output_scales import OutputScale
from tests.workers.programs.networks import Plain, images, made, write_archive
from workers.child.load.programs import with_logits_of
from workers.programs import OUTPUT, Program, read_program
from workers.programs.outputs import class_probabilities, measured_scale, scale_of, with_output

torch.set_num_threads(1)


class Ending(nn.Module):
    """A classifier that ends in ``end``."""

    def __init__(self, end: nn.Module) -> None:
        super().__init__()
        self.body = made(Plain)
        self.end = end

    def forward(self, images: Tensor) -> Tensor:
        return self.end(self.body(images))


def program(network: nn.Module, folder: Path) -> Program:
    return read_program(write_archive(network, folder / "net.pt2"))


def logits(program: Program, batch: Tensor) -> Tensor:
    return program.read(batch, [OUTPUT])[OUTPUT]


ENDS = {
    OutputScale.LOGITS: nn.Identity(),
    OutputScale.PROBABILITIES: nn.Softmax(dim=1),
    OutputScale.LOG_PROBABILITIES: nn.LogSoftmax(dim=1),
}


@pytest.mark.parametrize("scale", ENDS)
def test_the_scale_of_an_output_is_measured(tmp_path: Path, scale: OutputScale) -> None:
    network = program(Ending(ENDS[scale]), tmp_path)

    assert measured_scale(network, task=TaskKind.CLASSIFICATION) is scale


@pytest.mark.parametrize("stored", ["stored", None])
@pytest.mark.parametrize("scale", ENDS)
def test_softmax_gives_the_probabilities_of_every_network(
    tmp_path: Path, scale: OutputScale, stored: str | None
) -> None:
    batch = images(4)
    expected = made(Plain)(batch).softmax(dim=1)
    facts = {"task": "classification", "output_scale": stored and scale.value}

    network = with_logits_of(facts, program(Ending(ENDS[scale]), tmp_path))

    torch.testing.assert_close(logits(network, batch).softmax(dim=1), expected)


def test_sigmoid_gives_the_probabilities_of_every_multi_label_network(tmp_path: Path) -> None:
    batch = images(4)
    expected = made(Plain)(batch).sigmoid()
    facts = {"task": "multi_label", "output_scale": None}

    network = with_logits_of(facts, program(Ending(nn.Sigmoid()), tmp_path))

    torch.testing.assert_close(logits(network, batch).sigmoid(), expected)


def test_gradients_flow_through_the_conversion(tmp_path: Path) -> None:
    batch = images(2).requires_grad_()
    plain = made(Plain)(batch).log_softmax(dim=1)[:, 0].sum()
    (expected,) = torch.autograd.grad(plain, batch)
    facts = {"task": "classification", "output_scale": "probabilities"}
    network = with_logits_of(facts, program(Ending(nn.Softmax(dim=1)), tmp_path))

    (actual,) = torch.autograd.grad(logits(network, batch)[:, 0].sum(), batch)

    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-6)


def test_a_certain_network_stays_finite(tmp_path: Path) -> None:
    class Certain(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            scores = images.mean(dim=(2, 3)) * 1e4
            return scores.softmax(dim=1)

    facts = {"task": "classification", "output_scale": "probabilities"}
    network = with_logits_of(facts, program(Certain(), tmp_path))

    assert logits(network, images(3)).isfinite().all()


def test_a_map_of_probabilities_per_pixel_is_measured_along_its_classes() -> None:
    maps = torch.randn(2, 3, 4, 4)

    assert scale_of(maps.softmax(dim=1), task="segmentation") is OutputScale.PROBABILITIES
    assert scale_of(maps, task="segmentation") is OutputScale.LOGITS


def test_outputs_between_0_and_1_are_probabilities_of_a_multi_label_network_only() -> None:
    outputs = torch.rand(4, 3)

    assert scale_of(outputs, task="multi_label") is OutputScale.PROBABILITIES
    assert scale_of(outputs, task="classification") is OutputScale.LOGITS


def test_a_stored_scale_counts_more_than_the_values_of_a_few_images() -> None:
    outputs = torch.tensor([[0.25, 0.75]])

    probabilities = class_probabilities(outputs, task="classification", scale=OutputScale.LOGITS)

    torch.testing.assert_close(probabilities, outputs.softmax(dim=1))


Pair = namedtuple("Pair", ["scores", "features"])


class Several(nn.Module):
    """Returns two tensors in one of several forms."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.body = made(Plain)
        self.form = form

    def forward(self, images: Tensor):
        scores, features = self.body(images), images.mean(dim=(2, 3))
        return {
            "tuple": (scores, features),
            "dict": {"scores": scores, "features": features},
            "named tuple": Pair(scores, features),
            "nested": {"heads": {"a": scores}, "rest": [features]},
            "None": {"loss": None, "logits": scores},
        }[self.form]


NAMES = {
    "tuple": ["0", "1"],
    "dict": ["scores", "features"],
    "nested": ["heads.a", "rest.0"],
    "None": ["logits"],
}


@pytest.mark.parametrize("form", NAMES)
def test_outputs_have_the_names_of_their_keys_or_their_positions(
    tmp_path: Path, form: str
) -> None:
    outputs = program(Several(form), tmp_path).outputs

    assert [output.name for output in outputs] == NAMES[form]
    assert outputs[0].shape == (5,)


def test_a_chosen_output_is_the_only_one(tmp_path: Path) -> None:
    whole = program(Several("dict"), tmp_path)

    chosen = with_output(whole, "features")

    batch = images(2)
    assert chosen.output_shape == (3,)
    torch.testing.assert_close(chosen(batch), batch.mean(dim=(2, 3)))
    with pytest.raises(KeyError, match="scores, features"):
        with_output(whole, "missing")
