"""What follows a cut answers, from the cut's output, as the whole network does from the image."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.workers.programs.networks import (
    Attention,
    FixedBatch,
    Plain,
    ViewWriter,
    images,
    made,
    write_archive,
)
from workers.programs import OUTPUT, NotACutError, Program, read_program
from workers.programs.exporting import export_network
from workers.programs.trainable import TrainableProgram

torch.set_num_threads(1)


class Block(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, values: Tensor) -> Tensor:
        return functional.relu(values + self.second(functional.relu(self.first(values))))


class Blocks(nn.Module):
    """A stem, two residual blocks, and rows flattened by the number of images."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.lower = Block(4)
        self.upper = Block(4)
        self.head = nn.Linear(4 * 12 * 12, 5)

    def forward(self, values: Tensor) -> Tensor:
        values = self.upper(self.lower(self.stem(values)))
        return self.head(values.view(values.size(0), -1))


class Bridged(nn.Module):
    """A small U: what leaves the stem is joined to what comes back up."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.down = nn.Conv2d(4, 4, 3, stride=2, padding=1)
        self.join = nn.Conv2d(8, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 2, 1)

    def forward(self, values: Tensor) -> Tensor:
        shallow = self.stem(values)
        grown = functional.interpolate(self.down(shallow), scale_factor=2.0)
        return self.last(self.join(torch.cat([shallow, grown], 1)))


def program_of(kind: type[nn.Module], folder) -> Program:
    return read_program(write_archive(made(kind), folder / "net.pt2"))


def names(program: Program) -> set[str]:
    return {cut.name for cut in program.cuts}


@pytest.mark.parametrize("kind", [Plain, Blocks, Bridged, Attention])
def test_every_rest_answers_and_differentiates_like_the_whole(tmp_path, kind):
    program = program_of(kind, tmp_path)
    batch = images(5).requires_grad_()

    assert program.cuts
    for cut in program.cuts:
        value = program.read(batch, [cut.name])[cut.name]
        answer = program.after(cut.name)(value)
        (gradient,) = torch.autograd.grad(answer.square().sum(), batch)

        whole = program(batch)
        (expected,) = torch.autograd.grad(whole.square().sum(), batch)
        torch.testing.assert_close(answer, whole)
        torch.testing.assert_close(gradient, expected)


def test_residual_networks_are_parted_between_blocks_only(tmp_path):
    cuts = names(program_of(Blocks, tmp_path))

    assert {"stem", "lower", "upper"} <= cuts
    assert not {"lower.first", "lower.second", "upper.first", "upper.second"} & cuts


def test_a_bridge_around_a_layer_makes_it_no_cut(tmp_path):
    program = program_of(Bridged, tmp_path)

    cuts = names(program)

    assert {"stem", "join"} <= cuts
    assert "down" not in cuts
    with pytest.raises(NotACutError, match="down"):
        program.after("down")


def test_the_answer_itself_is_no_cut(tmp_path):
    program = program_of(Plain, tmp_path)

    assert "head" not in names(program)
    with pytest.raises(NotACutError):
        program.after(OUTPUT)


def test_a_network_that_overwrites_memory_has_no_cuts(tmp_path):
    assert program_of(ViewWriter, tmp_path).cuts == ()


def test_a_layer_that_is_not_there_cannot_be_cut_at(tmp_path):
    with pytest.raises(KeyError, match="nowhere"):
        program_of(Plain, tmp_path).after("nowhere")


def test_a_rest_of_a_fixed_batch_takes_any_number(tmp_path):
    program = read_program(write_archive(made(FixedBatch), tmp_path / "net.pt2", batch=4))
    cut = program.cuts[0].name
    batch = images(8)

    answer = program.after(cut)(program.read(batch, [cut])[cut][:6])

    torch.testing.assert_close(answer, program(batch)[:6])


def test_a_rest_counts_only_what_it_still_has(tmp_path):
    program = program_of(Plain, tmp_path)
    rest = program.after("body")

    assert rest.parameter_count == 8 * 5 + 5
    assert rest.flops == 2 * 8 * 5
    assert rest.input_shape == (8, 5, 5)
    assert [layer.name for layer in rest.layers][-1] == "head"
    assert rest.fingerprint != program.fingerprint


def test_a_rest_goes_into_a_module_that_exports(tmp_path):
    program = program_of(Blocks, tmp_path)

    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 4, 3, padding=1)
            self.rest = TrainableProgram(program.after("stem"), OUTPUT)

        def forward(self, values: Tensor) -> Tensor:
            return self.rest(self.stem(values))

    joined = made(Joined)

    exported = export_network(joined, (3, 12, 12), tmp_path / "joined.pt2")

    torch.testing.assert_close(exported(images(3)), joined(images(3)))
