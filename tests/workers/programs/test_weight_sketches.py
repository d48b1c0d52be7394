"""A sketch depends on the weights and on the order in which they are used, not on names or files."""

import torch
from torch import Tensor, nn

from service.core.families.sketch import MOST_WEIGHTS, sample_of, sample_size
from workers.programs.exporting import export_network
from workers.programs.weight_sketches import WeightSketch, sketched_weight, weight_sketch

SHAPE = (3, 12, 12)


class HeadDefinedFirst(nn.Module):
    """A convolution that is defined after the head that uses it."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)
        self.body = nn.Conv2d(3, 4, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images).mean(dim=(2, 3)))


def sketch_of(network: nn.Module, tmp_path) -> WeightSketch:
    sketch = weight_sketch(export_network(network.eval(), SHAPE, tmp_path / "net.pt2"))
    assert sketch is not None
    return sketch


def test_weights_are_in_the_order_of_use(tmp_path):
    sketch = sketch_of(HeadDefinedFirst(), tmp_path)

    assert [weight.shape for weight in sketch.weights] == [(4, 3, 3, 3), (2, 4)]
    assert sketch.others == 2


def test_a_network_without_weights_has_no_sketch(tmp_path):
    program = export_network(nn.Flatten().eval(), SHAPE, tmp_path / "net.pt2")

    assert weight_sketch(program) is None


def test_very_deep_networks_are_sketched_in_part(tmp_path):
    deep = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(MOST_WEIGHTS + 1)))

    assert len(sketch_of(deep, tmp_path).weights) == MOST_WEIGHTS


def test_a_sample_has_entries_of_the_tensor_at_fixed_positions():
    tensor = torch.arange(64 * 32 * 9, dtype=torch.float32).reshape(64, 32, 3, 3)

    sample = sample_of(sketched_weight(tensor).sample)

    assert len(sample) == sample_size(tensor.shape) == 128
    assert len(set(sample)) == 128
    assert sample == sample_of(sketched_weight(tensor).sample)
    # The entries of a row come from eight positions of the kernel.
    assert len({entry % 9 for entry in sample}) == 8
