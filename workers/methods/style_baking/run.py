"""Computes the parameters of a style and stores them with the content path as one network."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from service.core.catalog.style_baking import StyleBakingParams
from service.core.manifest import (
    InputSpec,
    ModelFormat,
    ModelManifest,
    StylizerHead,
    Task,
    TaskKind,
)
from workers.programs import Program
from workers.torchkit.protocols import Report
from workers.torchkit.stylization.networks import Conditions, ContentPath
from workers.torchkit.stylization.painting import content_path_of, style_parameters

_LONGEST_TEXT = 2000


@dataclass(frozen=True)
class StyleBakingData:
    """A stylizer and a style.

    Attributes:
        stylizer_name: For the manifest.
        style_name: For the manifest.
        license: What the dataset says of the style.
    """

    name: str
    stylizer: Program
    stylizer_name: str
    head: StylizerHead
    style: UInt8[Tensor, "side side 3"]
    style_name: str
    license: str


@dataclass(frozen=True)
class StyleBakingResult:
    """The network in evaluation mode on the CPU, and its manifest."""

    network: nn.Module
    manifest: ModelManifest


class BakedNetwork(nn.Module):
    """A content path with the parameters of one style."""

    parameters_of_style: Tensor

    def __init__(
        self, content: ContentPath, parameters: Float[Tensor, "1 parameter"], *, reach: float
    ) -> None:
        super().__init__()
        self.content, self._reach = content, reach
        self.register_buffer("parameters_of_style", parameters)

    def forward(
        self, pictures: Float[Tensor, "image 3 row column"]
    ) -> Float[Tensor, "image 3 row column"]:
        """Pictures in the style."""
        parameters = self.parameters_of_style.expand(pictures.shape[0], -1)
        painted: Tensor = self.content(pictures, Conditions([parameters], reach=self._reach))
        return painted


def run(inputs: StyleBakingData, params: StyleBakingParams, report: Report) -> StyleBakingResult:
    """The network.

    Raises:
        UnfitStylizerError: The model is not built as its manifest says.
    """
    program = inputs.stylizer.to(torch.device("cpu"))
    content = content_path_of(program, inputs.head)
    colors = inputs.style.permute(2, 0, 1)[None].float() / 255
    parameters = style_parameters(program, colors, reach=params.stroke).clone()
    report(1, 1, "style")
    network = BakedNetwork(content, parameters, reach=params.stroke).eval()
    return StyleBakingResult(network, _manifest(inputs, params))


def _manifest(inputs: StyleBakingData, params: StyleBakingParams) -> ModelManifest:
    text = f"{inputs.stylizer_name} with image {params.image} of {inputs.style_name} as style"
    return ModelManifest(
        name=inputs.name,
        format=ModelFormat.PT2,
        task=Task(kind=TaskKind.STYLIZATION, text=text[:_LONGEST_TEXT]),
        input=InputSpec(height=params.image_size, width=params.image_size),
        trained_on=f"style: {inputs.style_name}"[:_LONGEST_TEXT],
        license=inputs.license,
        tags=("stylizer",),
    )
