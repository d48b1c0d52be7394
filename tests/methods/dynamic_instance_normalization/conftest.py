"""A loss network of three sizes, contents of noise and styles of one color each."""

import pytest
import torch
from torch import nn

from service.core.manifest import InputSpec, TaskKind
from tests.methods.dynamic_instance_normalization.small_stylizers import params
from workers.methods.dynamic_instance_normalization import run
from workers.programs.exporting import export_network
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.task import PictureInputs, TrainingResult
from workers.torchkit.training.teachers import Teacher


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 4),
    ).eval()  # fmt: skip
    folder = tmp_path_factory.mktemp("loss_network")
    program = export_network(network, (3, 48, 48), folder / "loss.pt2")
    spec = InputSpec(height=48, width=48, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    return Teacher("mdl_loss", "loss", program, spec, TaskKind.CLASSIFICATION, tuple("abcd"))


@pytest.fixture(scope="session")
def inputs(teacher: Teacher) -> PictureInputs:
    generator = torch.Generator().manual_seed(0)
    contents = torch.randint(0, 256, (12, 40, 40, 3), generator=generator).to(torch.uint8)
    colors = torch.randint(40, 216, (12, 1, 1, 3), generator=generator)
    texture = torch.randint(-40, 40, (12, 36, 36, 1), generator=generator)
    styles = (colors + texture).to(torch.uint8)
    return PictureInputs(
        name="stylizer",
        teachers=(teacher,),
        evaluation_set=EvaluationSet(contents[8:], None, ()),
        images=contents[:8],
        styles=styles[:8],
        held_out_styles=styles[8:],
    )


@pytest.fixture(scope="session")
def stylizer(inputs: PictureInputs) -> TrainingResult:
    return run(inputs, params(), RecordingReporter())
