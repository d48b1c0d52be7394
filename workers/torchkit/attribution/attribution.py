"""Attribution maps on the canonical frame: one forward and one input-gradient per batch.

Sources: Song et al., Deep Model Transferability from Attribution Maps, NeurIPS 2019 (below:
"maps paper"); Song et al., DEPARA, CVPR 2020 ("DEPARA").

Axes: ``probe`` one image, ``channel row column`` the network's input, ``unit`` one number of the
feature F, ``pixel`` one position of the flattened canonical map.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from service.core.catalog.measurement import Attribution, Channel, Precision, Target
from workers.programs import PassKind, Program
from workers.programs.fixed_program import FixedProgram
from workers.programs.memory_needs import images_that_fit
from workers.torchkit.attribution.canonical import Preprocessing, to_canonical, to_network_input
from workers.torchkit.attribution.features import (
    BatchDependentError,
    FeatureReader,
    FeaturesTooLargeError,
    UnstableMapsError,
    read_feature,
    resolve_layer,
)
from workers.torchkit.attribution.gradients import (
    AttributionMethod,
    AttributionTarget,
    gradient_x_input,
)
from workers.torchkit.devices import (
    REFERENCE,
    NumericPolicy,
    Trial,
    batch_size_for,
    bytes_kept_for_backward,
    computing_under,
    device_of,
    images_in_cache,
    layout_policy,
    memory_budget,
    multiplies_bfloat16,
    numeric_policy,
    smallest_cosine,
)
from workers.torchkit.protocols import Report, silent

FEATURE_LIMIT_BYTES = 2 * 2**30
_SAMPLE = 8
_LAYOUT_SAMPLE = 1
_LAYOUT_FROM = 16
_MEASURE_FROM = 32 * _SAMPLE
_INDEPENDENT_COSINE = 0.99
# A layout suits a network, whatever the attribution: it is tried with the cheapest.
_ONE_GRADIENT = AttributionMethod(
    Attribution.GRADIENT_X_INPUT, "gradient × input", "the layout's trial", gradient_x_input
)


class MapStatus(StrEnum):
    """Whether a network's maps can be compared with those of other networks."""

    USABLE = "usable"
    DEGENERATE = "degenerate"


@dataclass(frozen=True)
class MapSettings:
    """Choices of a pass; networks compare only when all agree.

    Attributes:
        grid: Side of the canonical maps; None keeps the side of the images.
        layer: None takes the network's feature layer.
        min_valid: Smallest share of valid probes of a network that may be ranked.
        zero_tolerance: A map is zero below this times the square root of its size.
        memory_bytes: Budget of a batch; None uses the device's free memory.
        limit_bytes: What weights and values may take at their peak; None if nothing limits them.
    """

    target: Target = Target.L2
    channel: Channel = Channel.MEAN
    grid: int | None = None
    layer: str | None = None
    precision: Precision = Precision.FASTEST_FAITHFUL
    min_valid: float = 0.9
    zero_tolerance: float = 1e-12
    seed: int = 0
    memory_bytes: int | None = None
    limit_bytes: int | None = None


DEFAULTS = MapSettings()


@dataclass(frozen=True)
class FeatureMaps:
    """Attribution maps and features of one network on all probes.

    Attributes:
        maps: Unit rows, float32 on the CPU; zero for invalid probes.
        features: Raw F, float32 on the CPU; zero for invalid probes.
        mask: Which probes are valid: finite, map and feature not zero.
        grid: Side of the maps; ``maps`` has grid² pixels per plane.
    """

    maps: Float[Tensor, "probe pixel"]
    features: Float[Tensor, "probe unit"]
    mask: Bool[Tensor, " probe"]
    status: MapStatus
    policy: NumericPolicy
    batch_size: int
    grid: int


def unit_rows(
    maps: Float[Tensor, "probe pixel"],
    features: Float[Tensor, "probe unit"],
    *,
    zero_tolerance: float = 1e-12,
) -> tuple[Float[Tensor, "probe pixel"], Bool[Tensor, " probe"]]:
    """Maps of length 1 and which probes are valid; invalid rows are zero.

    Valid: map and feature finite, ‖map‖ > tolerance·√pixels, ‖F‖ > 0. Norms are taken in
    float64 and nothing is added to them, so that scale cannot leak into similarities.

    Source: transferability of maps needs cos(A_i, A_j) per probe: maps paper equation 1.
    """
    norms = torch.linalg.vector_norm(maps, dim=1, dtype=torch.float64)
    sizes = torch.linalg.vector_norm(features, dim=1, dtype=torch.float64)
    # (probe,): √pixels makes the floor a bound on the root mean square, independent of the grid.
    floor = zero_tolerance * maps.shape[1] ** 0.5
    mask = norms.isfinite() & sizes.isfinite() & (norms > floor) & (sizes > 0)
    rows = maps / norms.to(maps.dtype).unsqueeze(1)
    return rows.masked_fill(~mask.unsqueeze(1), 0.0), mask


def require_features_fit(probes: int, units: int) -> None:
    """Raises FeaturesTooLargeError when all features would exceed 2 GiB of float32."""
    needed = probes * units * 4
    if needed > FEATURE_LIMIT_BYTES:
        raise FeaturesTooLargeError(
            f"{probes} probes of {units} units need {needed / 2**30:.1f} GiB, above the 2 GiB"
            " limit",
            remedy="choose a later feature layer or fewer probes",
        )


@dataclass(frozen=True)
class Pass:
    """One configured pass: canonical images in, raw maps and features out."""

    reader: FeatureReader
    preprocessing: Preprocessing
    method: AttributionMethod
    question: AttributionTarget
    channel: Channel
    grid: int

    def __call__(
        self, images: UInt8[Tensor, "probe side side 3"], policy: NumericPolicy = REFERENCE
    ) -> Trial:
        """Raw maps (probe, grid²·planes) and features, float32, on the network's device."""
        inputs = to_network_input(
            images.to(device_of(self.reader)),
            self.preprocessing,
            memory_format=policy.memory_format,
        )
        attributed = self.method.attribute(self.reader, inputs, self.question)
        planes = to_canonical(
            attributed.maps.float(), self.preprocessing, channel=self.channel, grid=self.grid
        )
        return Trial(planes.flatten(1), attributed.features)

    def under(self, images: UInt8[Tensor, "probe side side 3"], policy: NumericPolicy) -> Trial:
        """The same under ``policy``; the network's layout is restored afterwards."""
        with computing_under(policy, self.reader):
            return self(images, policy)


def feature_maps(
    reader: FeatureReader,
    images: UInt8[Tensor, "probe side side 3"],
    preprocessing: Preprocessing,
    method: AttributionMethod,
    *,
    settings: MapSettings,
    report: Report = silent,
) -> FeatureMaps:
    """Unit attribution maps and features of a network on all probes.

    Raises:
        UnknownLayerError: ``settings.layer`` is not a layer of the network.
        DetachedFeatureError: No gradient reaches the image.
        BatchDependentError: A probe's feature changes with the other images of its batch.
        UnstableMapsError: A probe's feature is stable, but its map is not.
        FeaturesTooLargeError: The features of all probes exceed 2 GiB.

    Source: maps paper section 3.2, DEPARA section 3.
    """
    reader = FixedProgram(reader) if isinstance(reader, Program) else reader
    question = AttributionTarget(
        resolve_layer(reader, settings.layer), settings.target, settings.seed
    )
    copies = _fitting(reader, question.copies_at_once, settings)
    grid = settings.grid or images.shape[1]
    one_pass = Pass(
        reader,
        preprocessing,
        method,
        replace(question, copies_at_once=copies),
        settings.channel,
        grid,
    )
    policy = chosen_policy(one_pass, images, settings)
    size = chosen_batch_size(one_pass, images, settings)
    maps = collect_maps(one_pass, images, policy, size, settings=settings, report=report)
    _require_independence(one_pass, images, maps)
    return maps


def collect_maps(
    one_pass: Pass,
    images: UInt8[Tensor, "probe side side 3"],
    policy: NumericPolicy,
    batch_size: int,
    *,
    settings: MapSettings = DEFAULTS,
    report: Report = silent,
) -> FeatureMaps:
    """Maps and features of all batches under the chosen policy."""
    store = _Store(probes=len(images), zero_tolerance=settings.zero_tolerance)
    with computing_under(policy, one_pass.reader):
        for start in range(0, len(images), batch_size):
            store.add(one_pass(images[start : start + batch_size], policy), start)
            report(min(start + batch_size, len(images)), len(images))
    return store.feature_maps(settings.min_valid, policy, batch_size, one_pass.grid)


def chosen_policy(
    one_pass: Pass, images: UInt8[Tensor, "probe side side 3"], settings: MapSettings
) -> NumericPolicy:
    """Float32 in the layout that suits the network, or the fastest faithful policy.

    The search for the fastest costs about as much as passes over 48 probes. Small probe sets and
    multi-pass methods skip it, and so does a processor that has no products of bfloat16. The
    layout costs two probes, and sets of fewer than 16 keep the plain one.
    """
    fastest = settings.precision is Precision.FASTEST_FAITHFUL
    searched = fastest and one_pass.method.passes == 1 and len(images) >= _MEASURE_FROM
    if searched and multiplies_bfloat16(device_of(one_pass.reader)):
        count = _fitting(one_pass.reader, _SAMPLE, settings)
        sample = _spread(images, count)
        return numeric_policy(lambda policy: one_pass.under(sample, policy), images=count)
    if len(images) < _LAYOUT_FROM:
        return REFERENCE
    gradients = replace(one_pass, method=_ONE_GRADIENT)
    sample = _spread(images, _LAYOUT_SAMPLE)
    return layout_policy(lambda policy: gradients.under(sample, policy), one_pass.reader)


def _spread(images: UInt8[Tensor, "probe side side 3"], count: int) -> Tensor:
    """``count`` images, evenly over the set."""
    return images[torch.linspace(0, len(images) - 1, count).round().long()]


def _fitting(reader: FeatureReader, most: int, settings: MapSettings) -> int:
    """Images of one pass, halved from ``most`` until its peak fits the limit."""
    return images_that_fit(
        reader, most=most, kind=PassKind.GRADIENT, limit_bytes=settings.limit_bytes
    )


def chosen_batch_size(
    one_pass: Pass, images: UInt8[Tensor, "probe side side 3"], settings: MapSettings
) -> int:
    """Images per batch, from the bytes that autograd keeps for one image, and from the peak."""
    device = device_of(one_pass.reader)
    inputs = to_network_input(images[:1].to(device), one_pass.preprocessing).requires_grad_()

    def forward() -> Tensor:
        return read_feature(one_pass.reader, inputs, one_pass.question.layer)

    with computing_under(REFERENCE, one_pass.reader):
        kept_bytes = bytes_kept_for_backward(
            forward, apart_from=list(one_pass.reader.parameters())
        )
    budget = memory_budget(device) if settings.memory_bytes is None else settings.memory_bytes
    most = min(images_in_cache(one_pass.reader), len(images))
    size = batch_size_for(kept_bytes, budget_bytes=budget, device=device, most=most)
    copies = one_pass.method.copies
    return max(1, _fitting(one_pass.reader, size * copies, settings) // copies)


def _require_independence(
    one_pass: Pass, images: UInt8[Tensor, "probe side side 3"], maps: FeatureMaps
) -> None:
    """Checks that the first valid probe gives the same result alone as in a batch.

    Raises:
        BatchDependentError: Its feature differs.
        UnstableMapsError: Its feature agrees but its map differs: rounding decides the gradient,
            as at max-pool ties on flat areas.
    """
    if maps.batch_size == 1 or not maps.mask.any():
        return
    first = int(maps.mask.nonzero()[0])
    row = slice(first, first + 1)
    single_probe = one_pass.under(images[row], maps.policy)
    feature = smallest_cosine(single_probe.features.cpu(), maps.features[row])
    if feature < _INDEPENDENT_COSINE:
        raise BatchDependentError(
            f"features of an image alone and in a batch have cosine {feature:.3f}",
            remedy="export the network in evaluation mode: batch statistics and dropout fixed",
        )
    cosine = smallest_cosine(single_probe.maps.cpu(), maps.maps[row])
    if cosine < _INDEPENDENT_COSINE:
        raise UnstableMapsError(
            f"an image alone and in a batch has equal features, but maps with cosine {cosine:.3f}",
            remedy="use images without flat areas, another feature layer or another attribution",
        )


class _Store:
    """Collects batches into tensors of the final size on the CPU."""

    def __init__(self, *, probes: int, zero_tolerance: float) -> None:
        self._probes = probes
        self._zero_tolerance = zero_tolerance
        self._maps = torch.empty(0)
        self._features = torch.empty(0)
        self._mask = torch.zeros(probes, dtype=torch.bool)

    def add(self, trial: Trial, start: int) -> None:
        """Stores the batch that begins at probe ``start``."""
        if start == 0:
            require_features_fit(self._probes, trial.features.shape[1])
            self._maps = torch.empty(self._probes, trial.maps.shape[1])
            self._features = torch.empty(self._probes, trial.features.shape[1])
        rows, mask = unit_rows(trial.maps, trial.features, zero_tolerance=self._zero_tolerance)
        rows_of_batch = slice(start, start + len(mask))
        self._maps[rows_of_batch] = rows.cpu()
        self._features[rows_of_batch] = trial.features.masked_fill(~mask.unsqueeze(1), 0.0).cpu()
        self._mask[rows_of_batch] = mask.cpu()

    def feature_maps(
        self, min_valid: float, policy: NumericPolicy, batch_size: int, grid: int
    ) -> FeatureMaps:
        """All maps and features; the share of valid probes sets the status."""
        usable = float(self._mask.float().mean()) >= min_valid
        status = MapStatus.USABLE if usable else MapStatus.DEGENERATE
        return FeatureMaps(
            self._maps, self._features, self._mask, status, policy, batch_size, grid
        )
