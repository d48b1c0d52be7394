"""A network that goes on from one of the zoo has the layers of that one, and can be cut there again."""

from pathlib import Path

import torch
from torch import Tensor, nn

from workers.programs.exporting import export_network
from workers.programs.trainable import Probed, TrainableProgram

torch.set_num_threads(1)

BEFORE_THE_CUT = ("stem.0", "stem.1", "stem.2", "stem", "square", "add")


class Net(nn.Module):
    """A sum outside of all modules, between two of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Linear(4, 5)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.stem(images)
        logits: Tensor = self.head((maps + maps.square()).mean(dim=(2, 3)))
        return logits


def test_layers_before_the_cut_keep_name_kind_and_value_below_the_body(tmp_path: Path) -> None:
    torch.manual_seed(0)
    images = torch.randn(3, 3, 8, 8)
    source = export_network(Net().eval(), (3, 8, 8), tmp_path / "source.pt2")
    body = TrainableProgram(source, "add")
    probed = Probed(body, body(images).detach(), labels=2).eval()

    program = export_network(probed, (3, 8, 8), tmp_path / "found.pt2")

    kinds = {layer.name: layer.kind for layer in source.layers}
    below = {layer.name: layer.kind for layer in program.layers}
    for name in BEFORE_THE_CUT:
        assert below[f"body.{name}"] == kinds[name]
        torch.testing.assert_close(
            program.read(images, [f"body.{name}"])[f"body.{name}"],
            source.read(images, [name])[name],
        )
