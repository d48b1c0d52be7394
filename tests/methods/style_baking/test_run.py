"""A stylizer with one style is an ordinary network that paints what the stylizer would."""

from pathlib import Path

import torch

from service.core.catalog.style_baking import StyleBakingParams
from service.core.manifest import TaskKind
from tests.methods.dynamic_instance_normalization.ready_stylizer import HEAD, SmallStylizer
from workers.methods.style_baking import StyleBakingData, run
from workers.programs.exporting import export_network
from workers.torchkit.protocols import silent
from workers.torchkit.stylization.networks import Conditions
from workers.torchkit.stylization.painting import style_parameters

SIDE = 16


def test_the_network_paints_what_the_stylizer_paints(tmp_path: Path) -> None:
    stylizer = SmallStylizer().eval()
    program = export_network(stylizer, (3, SIDE, SIDE), tmp_path / "stylizer.pt2")
    generator = torch.Generator().manual_seed(1)
    style = torch.randint(0, 256, (40, 40, 3), generator=generator).to(torch.uint8)
    inputs = StyleBakingData(
        name="baked",
        stylizer=program,
        stylizer_name="stylizer",
        head=HEAD,
        style=style,
        style_name="styles",
        license="CC0",
    )

    result = run(inputs, StyleBakingParams(image_size=24, stroke=1.5), silent)

    baked = export_network(result.network, (3, 24, 24), tmp_path / "baked.pt2")
    pictures = torch.rand(2, 3, 24, 24, generator=generator)
    parameters = style_parameters(program, style.permute(2, 0, 1)[None].float() / 255, reach=1.5)
    with torch.no_grad():
        expected = stylizer.content(pictures, Conditions([parameters.expand(2, -1)], reach=1.5))
    painted = baked(pictures)
    assert isinstance(painted, torch.Tensor)
    torch.testing.assert_close(painted, expected, rtol=1e-4, atol=1e-5)
    assert result.manifest.task.kind is TaskKind.STYLIZATION
    assert result.manifest.stylizer is None
    assert result.manifest.license == "CC0"
    assert result.manifest.input.height == 24
