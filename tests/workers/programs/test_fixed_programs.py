"""A program at fixed weights has the values and image gradients of the program, at less cost."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.testing import assert_close

from workers.programs.fixed_calls import Geometry, clamp, convolution, prelu
from workers.programs.fixed_program import FixedProgram
from workers.programs.nonlinearities import ProgramSlope
from workers.programs.program import Program
from workers.programs.reading import read_program

_SIDE = 13


class Mixed(nn.Module):
    """Everything that is folded or called differently, and what must not be folded."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, bias=False)
        self.stem_norm = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8)
        self.depthwise_norm = nn.BatchNorm2d(8, affine=False)
        self.pointwise = nn.Conv2d(8, 6, 1)
        self.slopes = nn.PReLU(6)
        self.dilated = nn.Conv2d(6, 6, 3, padding=2, dilation=2)
        self.shared = nn.Conv2d(6, 6, 3, padding=1)
        self.shared_norm = nn.BatchNorm2d(6)
        self.joined_norm = nn.BatchNorm2d(12)
        self.slope = nn.PReLU()
        self.head = nn.Linear(12 * 6 * 6, 4)

    def forward(self, images: Tensor) -> Tensor:
        maps = functional.pad(images, (0, 1, 0, 1))
        maps = torch.clamp(self.stem_norm(self.stem(maps)), 0.0, 1.5)
        maps = self.depthwise_norm(self.depthwise(functional.pad(maps, (1, 1, 1, 1))))
        maps = self.slopes(self.pointwise(functional.relu6(maps)))
        maps = self.dilated(maps)
        raw = self.shared(maps)
        maps = torch.cat([self.shared_norm(raw), raw], dim=1)
        maps = self.slope(self.joined_norm(maps))
        return self.head(maps.view(maps.shape[0], -1))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    torch.manual_seed(0)
    network = Mixed().train()
    for _ in range(3):
        network(torch.randn(16, 3, _SIDE, _SIDE) * 2 + 1)
    return exported(network.eval(), tmp_path_factory.mktemp("fixed"))


def exported(network: nn.Module, folder: Path) -> Program:
    batch = torch.export.Dim("batch", min=1, max=64)
    example = torch.zeros(4, 3, _SIDE, _SIDE)
    graph = torch.export.export(network, (example,), dynamic_shapes=({0: batch},))
    torch.export.save(graph, folder / "network.pt2")
    return read_program(folder / "network.pt2")


def read(program: Program, images: Tensor, layer: str, slope: str) -> tuple[Tensor, Tensor]:
    """The layer's value, and the gradient of half its squared norm."""
    leaf = images.detach().requires_grad_()
    value = program.read(leaf, [layer], slope=slope)[layer]
    (gradient,) = torch.autograd.grad(0.5 * value.square().sum(), leaf)
    return value.detach(), gradient


@pytest.mark.parametrize(
    ("slope", "dtype", "relative"),
    [
        (ProgramSlope.EXACT, torch.float32, 1e-5),
        (ProgramSlope.EXACT, torch.float64, 1e-12),
        # In float32, slopes near 0 amplify the rounding of either.
        (ProgramSlope.EPSILON_LRP, torch.float64, 1e-10),
    ],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("layer", ["output", "stem", "stem_norm", "depthwise", "shared"])
def test_every_layer_has_the_same_value_and_image_gradient(
    program: Program,
    layer: str,
    layout: torch.memory_format,
    *,
    slope: ProgramSlope,
    dtype: torch.dtype,
    relative: float,
) -> None:
    program = program.to(dtype=dtype)
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(5, 3, _SIDE, _SIDE, generator=generator, dtype=dtype)
    images = images.contiguous(memory_format=layout)

    ours = read(FixedProgram(program), images, layer, slope)

    for value, plain in zip(ours, read(program, images.contiguous(), layer, slope), strict=True):
        assert (value - plain).norm() <= relative * plain.norm()


def test_normalizations_and_paddings_leave_the_instructions(program: Program) -> None:
    slots = (program.slot_of("output"),)

    listing = FixedProgram(program)._fixed_for(slots).listing

    names = [instruction.operator.name for instruction in listing.instructions]
    assert "batch_norm" not in names
    assert names.count("scaled") == 2
    assert names.count("pad") + names.count("constant_pad_nd") == 1


def test_weights_of_the_program_stay(program: Program) -> None:
    before = program.fingerprint

    read(FixedProgram(program), torch.randn(2, 3, _SIDE, _SIDE), "output", "exact")

    assert program.fingerprint == before
    assert FixedProgram(program).fingerprint == before


def test_other_weights_are_refused(program: Program) -> None:
    with pytest.raises(ValueError, match="constants"):
        FixedProgram(program).interpret(
            torch.zeros(1, 3, _SIDE, _SIDE), (0,), weights={0: torch.ones(1)}
        )


@pytest.mark.parametrize("channels", [3, 8])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 3), (7, 5)])
def test_a_convolution_has_the_gradient_of_atens(
    kernel: tuple[int, int], stride: int, padding: int, channels: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    maps, weight = (
        torch.randn(shape, generator=generator, dtype=torch.float64)
        for shape in ((2, channels, 11, 14), (4, channels, *kernel))
    )
    geometry = Geometry((stride, stride), (padding, padding), (1, 1), 1)

    def gradient(result: Tensor, leaf: Tensor) -> Tensor:
        return torch.autograd.grad(result.sin().sum(), leaf)[0]

    ours, atens = maps.clone().requires_grad_(), maps.clone().requires_grad_()

    assert_close(
        gradient(convolution(ours, weight, None, geometry), ours),
        gradient(functional.conv2d(atens, weight, None, stride, padding), atens),
    )


def test_the_gradient_of_a_clamp_passes_at_its_bounds() -> None:
    values = torch.tensor([-1.0, 0.0, 1e-40, 3.0, 6.0, 6.5])
    ours, atens = values.clone().requires_grad_(), values.clone().requires_grad_()

    clamp(ours, 0.0, 6.0).sum().backward()
    torch.clamp(atens, 0.0, 6.0).sum().backward()

    assert_close(ours.grad, atens.grad, atol=0, rtol=0)


def test_the_gradient_of_a_prelu_at_zero_is_that_of_its_lower_half() -> None:
    values, slope = torch.tensor([[-2.0, 0.0], [0.0, 3.0]]), torch.tensor([0.25, -0.5])
    ours, atens = values.clone().requires_grad_(), values.clone().requires_grad_()

    prelu(ours, slope).sum().backward()
    torch.prelu(atens, slope).sum().backward()

    assert_close(ours.grad, atens.grad)
