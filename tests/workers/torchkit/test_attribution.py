"""One pass gives every probe its own unit map, the same as the slow definition, or says why not."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from service.core.catalog.measurement import Attribution, Channel, Precision
from service.core.manifest import ChannelOrder
from tests.methods.oracles import attribution_map as oracle
from tests.workers.torchkit.small_networks import (
    PLAIN,
    SIDE,
    convolutional,
    reader_of,
    seeded,
    some_images,
    some_inputs,
)
from workers.torchkit.attribution.attribution import (
    FeatureMaps,
    MapSettings,
    MapStatus,
    feature_maps,
    require_features_fit,
    unit_rows,
)
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.captum_methods import METHODS
from workers.torchkit.attribution.features import (
    BatchDependentError,
    DetachedFeatureError,
    FeatureReader,
    FeaturesTooLargeError,
    Slope,
    UnknownLayerError,
    UnstableMapsError,
    UnusableFeatureError,
)

GXI = METHODS[Attribution.GRADIENT_X_INPUT]
FLOAT32 = MapSettings(precision=Precision.FLOAT32)


def measured(
    network: nn.Module,
    images: torch.Tensor,
    *,
    preprocessing: Preprocessing = PLAIN,
    attribution: Attribution = Attribution.GRADIENT_X_INPUT,
    choices: MapSettings = FLOAT32,
) -> FeatureMaps:
    reader = reader_of(network, channels=preprocessing.channels)
    return feature_maps(reader, images, preprocessing, METHODS[attribution], settings=choices)


def per_probe_cosines(left: FeatureMaps, right: FeatureMaps) -> torch.Tensor:
    return (left.maps * right.maps).sum(dim=1)


def test_epsilon_lrp_is_gradient_x_input_on_relu_and_another_thing_on_tanh() -> None:
    images = some_images(6)
    cosines = {
        activation: per_probe_cosines(
            measured(convolutional(activation), images),
            measured(convolutional(activation), images, attribution=Attribution.EPSILON_LRP),
        )
        for activation in (nn.ReLU, nn.Tanh)
    }

    assert float(cosines[nn.ReLU].min()) > 0.999
    assert float(cosines[nn.Tanh].mean()) < 0.99


def test_unit_rows_are_divided_by_their_length_and_the_useless_are_masked() -> None:
    maps = torch.tensor([[3.0, 4.0], [0.0, 0.0], [math.nan, 1.0], [math.inf, 1.0], [1.0, 1.0]])
    features = torch.tensor([[1.0], [1.0], [1.0], [1.0], [0.0]])

    rows, mask = unit_rows(maps, features)

    assert mask.tolist() == [True, False, False, False, False]
    assert_close(rows[0], torch.tensor(oracle.unit_row([3.0, 4.0])))
    assert rows[1:].abs().sum() == 0


@settings(max_examples=25)
@given(scale=st.floats(1e-18, 1e18), seed=st.integers(0, 2**31))
def test_a_maps_scale_does_not_change_its_unit_row(scale: float, seed: int) -> None:
    maps = torch.randn(2, 7, generator=torch.Generator().manual_seed(seed))

    rows, _ = unit_rows(maps, torch.ones(2, 1))
    scaled, _ = unit_rows(maps * scale, torch.ones(2, 1), zero_tolerance=0.0)

    assert_close(rows, scaled)


def test_maps_and_features_do_not_depend_on_the_batch() -> None:
    network, images = convolutional(), some_images(7)

    whole = measured(network, images)
    small = measured(network, images, choices=replace(FLOAT32, memory_bytes=1))

    assert (whole.batch_size, small.batch_size) == (7, 1)
    assert_close(whole.maps, small.maps)
    assert_close(whole.features, small.features)


def test_a_network_that_looks_at_its_neighbors_is_refused() -> None:
    class Whitening(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images - images.mean(dim=0, keepdim=True)

    network = nn.Sequential(Whitening(), *convolutional()[:7])

    with pytest.raises(BatchDependentError, match="alone and in a batch"):
        feature_maps(reader_of(network, "7"), some_images(4), PLAIN, GXI, settings=FLOAT32)


def test_a_network_whose_gradient_rounding_decides_is_refused_for_what_it_is() -> None:
    class Tied(nn.Module):
        """The larger of two equal numbers; which one it is changes with the size of the batch."""

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            left, right = images.flatten(2).split(images[0, 0].numel() // 2, dim=2)
            larger = torch.maximum(left, right)
            winner = left if len(images) > 1 else right
            return larger.detach() + winner - winner.detach()

    images = some_images(4)
    images[:, 6:] = images[:, :6].clone()

    with pytest.raises(UnstableMapsError, match="has equal features"):
        feature_maps(reader_of(nn.Sequential(Tied()), "0"), images, PLAIN, GXI, settings=FLOAT32)


def test_training_mode_is_put_aside_and_given_back_and_weights_stay_as_they_were() -> None:
    network = convolutional().train()
    before = [weight.clone() for weight in network.parameters()]

    measured(network, some_images(3))

    assert all(module.training for module in network.modules())
    assert all(weight.requires_grad and weight.grad is None for weight in network.parameters())
    assert_close(list(network.parameters()), before)


def test_a_bgr_network_and_its_rgb_twin_have_the_same_maps() -> None:
    network = convolutional()
    twin = convolutional()
    with torch.no_grad():
        twin[0].weight.copy_(network[0].weight.flip(1))
    bgr = replace(PLAIN, channel_order=ChannelOrder.BGR)
    keep_channels = replace(FLOAT32, channel=Channel.KEEP)

    there = measured(network, some_images(), choices=keep_channels)
    here = measured(twin, some_images(), preprocessing=bgr, choices=keep_channels)

    assert_close(there.maps, here.maps)


def test_a_one_channel_network_gives_maps_on_the_same_grid() -> None:
    gray = Preprocessing(1, SIDE, SIDE, mean=(0.5,), std=(0.25,))

    result = measured(convolutional(channels=1), some_images(), preprocessing=gray)
    by_channel = measured(
        convolutional(channels=1),
        some_images(),
        preprocessing=gray,
        choices=replace(FLOAT32, channel=Channel.KEEP),
    )

    assert result.maps.shape == (5, SIDE * SIDE)
    assert_close(by_channel.maps.unflatten(1, (3, -1)).sum(dim=1) / math.sqrt(3), result.maps)


def test_maps_lie_on_the_grid_that_was_asked_for() -> None:
    result = measured(convolutional(), some_images(3, side=20), choices=replace(FLOAT32, grid=9))

    assert result.maps.shape == (3, 81)
    assert_close(result.maps.norm(dim=1), torch.ones(3))


class NanOrZero(nn.Module):
    """NaN for images whose first byte is 255, a zero feature for those with 0."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = images[:, 0, 0, 0].detach()
        factor = torch.where(first > 0.99, math.nan, torch.where(first < 0.01, 0.0, 1.0))
        return images * factor.view(-1, 1, 1, 1)


def poisoned_images(count: int) -> torch.Tensor:
    images = some_images(count).clamp(10, 240)
    images[1, 0, 0, 0] = 255
    images[2, 0, 0, 0] = 0
    return images


def unbiased_poisoned_network() -> nn.Sequential:
    return nn.Sequential(
        NanOrZero(), nn.Conv2d(3, 4, 3, bias=False), nn.Flatten(), nn.Linear(400, 3, bias=False)
    )


def test_probes_with_nan_or_zero_maps_are_masked_and_the_others_untouched() -> None:
    network = seeded(unbiased_poisoned_network())
    raw = Preprocessing(3, SIDE, SIDE)

    result = feature_maps(reader_of(network, "3"), poisoned_images(6), raw, GXI, settings=FLOAT32)

    assert result.mask.tolist() == [True, False, False, True, True, True]
    assert result.maps[1:3].abs().sum() == 0
    assert result.features[1:3].abs().sum() == 0
    assert result.maps.isfinite().all()
    assert result.features.isfinite().all()


@pytest.mark.parametrize(("probes", "status"), [(6, MapStatus.DEGENERATE), (30, MapStatus.USABLE)])
def test_too_few_valid_probes_make_a_network_degenerate(probes: int, status: MapStatus) -> None:
    network = seeded(unbiased_poisoned_network())

    result = feature_maps(
        reader_of(network, "3"),
        poisoned_images(probes),
        Preprocessing(3, SIDE, SIDE),
        GXI,
        settings=FLOAT32,
    )

    assert result.status is status


def test_a_feature_detached_from_the_image_is_named() -> None:
    class Constant(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.detach().flatten(1)

    network = nn.Sequential(Constant(), nn.Identity())

    with pytest.raises(DetachedFeatureError) as refusal:
        feature_maps(reader_of(network, "1"), some_images(2), PLAIN, GXI, settings=FLOAT32)
    assert refusal.value.remedy


def test_an_integer_feature_is_refused() -> None:
    class Integer(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.long()

    with pytest.raises(UnusableFeatureError, match="int64"):
        feature_maps(
            reader_of(nn.Sequential(Integer()), "0"), some_images(2), PLAIN, GXI, settings=FLOAT32
        )


def test_an_unknown_layer_is_refused_with_one_that_exists() -> None:
    with pytest.raises(UnknownLayerError, match="nowhere") as refusal:
        measured(convolutional(), some_images(2), choices=replace(FLOAT32, layer="nowhere"))
    assert "7" in (refusal.value.remedy or "")


def test_features_beyond_the_limit_are_refused_before_they_are_stored() -> None:
    require_features_fit(1000, 500_000)

    with pytest.raises(FeaturesTooLargeError, match="GiB"):
        require_features_fit(1000, 1_000_000)


def test_progress_ends_at_the_number_of_probes() -> None:
    steps: list[tuple[int, int]] = []

    def note(step: int, total: int, message: str = "") -> None:
        steps.append((step, total))

    feature_maps(
        reader_of(convolutional()),
        some_images(5),
        PLAIN,
        GXI,
        settings=replace(FLOAT32, memory_bytes=1),
        report=note,
    )

    assert steps == [(done, 5) for done in range(1, 6)]


def test_a_module_reader_is_a_feature_reader_and_lists_its_layers_in_order() -> None:
    reader = reader_of(convolutional())

    assert isinstance(reader, FeatureReader)
    assert [layer.name for layer in reader.layers] == [str(n) for n in range(8)]
    assert reader.layers[0].shape == (6, SIDE, SIDE)


def test_a_layer_before_an_inplace_step_is_read_as_it_was() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten())
    seeded(network)
    inputs = some_inputs(2)

    outputs = reader_of(network, "2").read(inputs, ["0", "2"], slope=Slope.EXACT)

    assert_close(outputs["0"], network[0](inputs))
    assert bool((outputs["0"] < 0).any())
