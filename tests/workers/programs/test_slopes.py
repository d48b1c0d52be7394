"""Every elementwise nonlinearity hands back its secant f(z) / (z + ε·sgn z) when ε-LRP asks."""

import pytest
import torch
from torch import Tensor, nn

from tests.workers.programs.networks import PreactivationBlock, images, made, write_archive
from workers.programs import OUTPUT, ProgramSlope, read_program

torch.set_num_threads(1)

ACTIVATIONS = {
    "relu": nn.ReLU(), "relu6": nn.ReLU6(), "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(),
    "gelu": nn.GELU(), "gelu_tanh": nn.GELU("tanh"), "silu": nn.SiLU(), "elu": nn.ELU(),
    "selu": nn.SELU(), "softplus": nn.Softplus(), "hardswish": nn.Hardswish(),
    "hardsigmoid": nn.Hardsigmoid(), "hardtanh": nn.Hardtanh(), "leaky": nn.LeakyReLU(0.2),
    "mish": nn.Mish(), "prelu": nn.PReLU(), "softsign": nn.Softsign(), "relu_": nn.ReLU(inplace=True),
    "logsigmoid": nn.LogSigmoid(),
}  # fmt: skip


class OneActivation(nn.Module):
    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, batch: Tensor) -> Tensor:
        return self.activation(batch * 2.0).flatten(1)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_nonlinearity_hands_back_its_secant(tmp_path, name):
    activation = ACTIVATIONS[name]
    program = read_program(write_archive(OneActivation(activation).eval(), tmp_path / "net.pt2"))
    batch = images(2)
    batch[0, 0, 0, 0] = 0.0
    batch.requires_grad_()

    answer = program.read(batch, [OUTPUT], slope="epsilon_lrp")[OUTPUT]
    (gradient,) = torch.autograd.grad(answer.sum(), batch)

    with torch.no_grad():
        z = batch.detach() * 2.0
        value = activation(z.clone())
        expected = 2.0 * value / (z + torch.where(z < 0, -1e-4, 1e-4))
    torch.testing.assert_close(answer.detach(), value.flatten(1))
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5)


def test_exact_slopes_are_the_default(tmp_path):
    program = read_program(write_archive(made(PreactivationBlock), tmp_path / "net.pt2"))
    batch = images(2).requires_grad_()

    default = torch.autograd.grad(program(batch).sum(), batch)[0]
    exact = torch.autograd.grad(
        program.read(batch, [OUTPUT], slope=ProgramSlope.EXACT)[OUTPUT].sum(), batch
    )[0]

    torch.testing.assert_close(default, exact)
