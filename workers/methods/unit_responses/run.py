"""One pass of one network over images: the response of every output unit to every image."""

import time
from dataclasses import dataclass

import torch
from jaxtyping import Float32, Float64, UInt8
from torch import Tensor

from service.core.catalog.unit_responses import UnitResponsesParams
from service.core.errors import MethodError
from service.core.manifest import TaskKind
from workers.methods.unit_responses.maths import breadth, log_odds
from workers.programs import PassKind
from workers.programs.memory_needs import images_that_fit
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.attribution.features import OUTPUT, FeatureReader, Slope, as_feature
from workers.torchkit.devices import REFERENCE, computing_under, device_of
from workers.torchkit.protocols import Report

_LARGEST_BATCH = 32


class UnusableResponsesError(MethodError):
    """The network's outputs are not finite numbers for every image."""

    code = "responses_unusable"


@dataclass(frozen=True)
class UnitResponsesData:
    """One network, whose outputs are logits, and images as canonical frames.

    Attributes:
        task: ``multi_label`` outputs, like a single output, are log-odds already.
        limit_bytes: What the weights and values of a pass may take; None if nothing limits them.
    """

    network: FeatureReader
    preprocessing: Preprocessing
    task: TaskKind
    images: UInt8[Tensor, "image side side 3"]
    limit_bytes: int | None = None


@dataclass(frozen=True)
class UnitResponsesResult:
    """Log-odds of every class for every image, and what the zoo must know of them.

    Attributes:
        breadth: Number of directions that the responses span.
        seconds: Time spent in the network.
    """

    responses: Float32[Tensor, "image unit"]
    breadth: float
    seconds: float


def run(
    inputs: UnitResponsesData, params: UnitResponsesParams, report: Report
) -> UnitResponsesResult:
    """The responses of all output units to all images.

    Raises:
        UnusableFeatureError: The output is not real numbers, one row per image.
        UnusableResponsesError: An output is not finite.
    """
    del params
    began = time.perf_counter()
    outputs = _outputs(inputs, report)
    seconds = time.perf_counter() - began
    if not bool(outputs.isfinite().all()):
        raise UnusableResponsesError(
            "the network's output is not a finite number for every image and class",
            remedy="check the network's input range, mean and std with a prediction",
        )
    independent = inputs.task is TaskKind.MULTI_LABEL or outputs.shape[1] == 1
    responses = outputs if independent else log_odds(outputs)
    return UnitResponsesResult(responses.float(), breadth(responses), seconds)


def _outputs(inputs: UnitResponsesData, report: Report) -> Float64[Tensor, "image unit"]:
    """The logits of every image."""
    network, count = inputs.network, len(inputs.images)
    size = images_that_fit(
        network, most=_LARGEST_BATCH, kind=PassKind.FORWARD, limit_bytes=inputs.limit_bytes
    )
    parts = []
    with torch.no_grad(), computing_under(REFERENCE, network):
        for start in range(0, count, size):
            batch = inputs.images[start : start + size].to(device_of(network))
            pixels = to_network_input(batch, inputs.preprocessing)
            values = network.read(pixels, [OUTPUT], slope=Slope.EXACT)[OUTPUT]
            parts.append(as_feature(values, OUTPUT, len(batch)).cpu().double())
            report(min(start + size, count), count, "responses")
    return torch.cat(parts)
