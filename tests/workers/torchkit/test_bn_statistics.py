"""Batch statistics are read in the pass that answers, and compared as the plain twin does."""

from pathlib import Path

import pytest
import torch
from torch import nn

from workers.programs import Program, read_program
from workers.programs.exporting import export_network
from workers.torchkit.training.bn_statistics import (
    Over,
    TeacherWithoutBatchNormError,
    batch_norm_distance,
    logits_and_statistics,
    require_batch_norm,
)

SIDE = 8


class NormalizedNetwork(nn.Module):
    """Two kinds of batch normalization, each remembering something of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU())
        self.second = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE**2, 4), nn.BatchNorm1d(4))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits."""
        answer: torch.Tensor = self.second(self.first(images))
        return answer


def drawn(count: int = 12) -> torch.Tensor:
    return torch.randn(count, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def network() -> NormalizedNetwork:
    torch.manual_seed(0)
    network = NormalizedNetwork().train()
    network(5 * torch.rand(50, 1, SIDE, SIDE) - 1)
    return network.eval()


@pytest.fixture(scope="module")
def program(network: NormalizedNetwork, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return export_network(network, (1, SIDE, SIDE), tmp_path_factory.mktemp("net") / "net.pt2")


def plain_distance(entered: torch.Tensor, layer: nn.Module) -> float:
    """Slow twin: channel by channel over lists of numbers."""
    means, variances = 0.0, 0.0
    for channel in range(entered.shape[1]):
        values = entered[:, channel].flatten().tolist()
        mean = sum(values) / len(values)
        variance = sum((value - mean) ** 2 for value in values) / len(values)
        means += (mean - float(layer.running_mean[channel])) ** 2  # type: ignore[index]
        variances += (variance - float(layer.running_var[channel])) ** 2  # type: ignore[index]
    return float(means**0.5 + variances**0.5)


def test_the_distance_follows_its_twin_summed_and_averaged(
    network: NormalizedNetwork, program: Program
) -> None:
    with torch.no_grad():
        first = network.first[0](drawn())
        second = network.second[:2](network.first(drawn()))
    twins = [plain_distance(first, network.first[1]), plain_distance(second, network.second[2])]

    _, layers = logits_and_statistics(program, drawn())

    total = float(batch_norm_distance(layers, over=Over.SUM))
    assert total == pytest.approx(sum(twins), rel=1e-4)
    assert float(batch_norm_distance(layers, over=Over.MEAN)) == pytest.approx(total / 2)


def test_the_same_pass_gives_the_answers(network: NormalizedNetwork, program: Program) -> None:
    answers, _ = logits_and_statistics(program, drawn())

    torch.testing.assert_close(answers, network(drawn()))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_both_ways_of_writing_batch_normalization_are_found(
    network: NormalizedNetwork, tmp_path: Path
) -> None:
    exported = torch.export.export(network, (drawn(2),)).run_decompositions()
    torch.export.save(exported, tmp_path / "lower.pt2")
    lower = read_program(tmp_path / "lower.pt2")

    assert len(lower.batch_norms) == 2
    remembered = [batch_norm.mean for batch_norm in lower.batch_norms]
    torch.testing.assert_close(remembered, [network.first[1].running_mean, network.second[2].running_mean])  # fmt: skip


def test_gradients_reach_the_images_and_no_weight(program: Program) -> None:
    images = drawn().requires_grad_()

    _, layers = logits_and_statistics(program, images)
    torch.autograd.backward(batch_norm_distance(layers, over=Over.SUM))

    assert images.grad is not None
    assert images.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in program.parameters())


def test_images_with_the_remembered_statistics_are_at_no_distance(program: Program) -> None:
    _, layers = logits_and_statistics(program, drawn())
    blended = [
        layer.blended(layer.running_mean, layer.running_variance, share=1.0) for layer in layers
    ]

    assert float(batch_norm_distance(blended, over=Over.SUM)) == pytest.approx(0, abs=1e-6)


def test_a_network_without_batch_normalization_is_refused_with_a_remedy(tmp_path: Path) -> None:
    plain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 2)).eval()
    program = export_network(plain, (1, SIDE, SIDE), tmp_path / "plain.pt2")

    with pytest.raises(TeacherWithoutBatchNormError, match="no batch normalization") as refused:
        require_batch_norm(program, "plain")

    assert refused.value.code == "teacher_without_batch_norm"
    assert "weight" in str(refused.value.remedy)
