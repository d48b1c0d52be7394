"""Every registered attribution runs on what a reader offers, agrees with captum, or says why not."""

import pytest
import torch
from captum.attr import (
    DeepLift,
    IntegratedGradients,
    LayerGradCam,
    NoiseTunnel,
    Occlusion,
    Saliency,
)
from torch import nn
from torch.testing import assert_close

from service.core.catalog.measurement import Attribution, Target
from service.core.errors import ZooError
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
from workers.torchkit.attribution.attribution import MapSettings, feature_maps
from workers.torchkit.attribution.canonical import resize
from workers.torchkit.attribution.captum_methods import (
    METHODS,
    class_activation,
    deep_lift,
    grad_cam,
)
from workers.torchkit.attribution.features import AttributionNotPossibleError
from workers.torchkit.attribution.gradients import Attributed, AttributionTarget
from workers.torchkit.attribution.slopes import SlopeMode, deep_lift_rescale, rescale_slope

ALL = list(Attribution)


def attributed(name: Attribution, network: nn.Module, inputs: torch.Tensor) -> Attributed:
    return METHODS[name].attribute(reader_of(network), inputs, AttributionTarget("6", Target.SUM))


def sum_of(network: nn.Sequential):
    return lambda inputs: network[:7](inputs).sum(dim=1)


def test_the_table_holds_every_attribution_of_the_catalogue_and_its_source() -> None:
    assert set(METHODS) == set(Attribution)
    assert all(method.name is name and method.source for name, method in METHODS.items())


@pytest.mark.parametrize("name", ALL)
def test_every_attribution_gives_finite_maps_of_the_inputs_size(name: Attribution) -> None:
    inputs = some_inputs(3)

    result = attributed(name, convolutional(), inputs)

    assert result.maps.shape[0] == 3
    assert result.maps.shape[2:] == inputs.shape[2:]
    assert result.maps.isfinite().all()
    assert result.features.shape == (3, 5)
    assert not result.maps.requires_grad


@pytest.mark.parametrize("name", ALL)
def test_every_attribution_gives_the_same_map_alone_and_in_company(name: Attribution) -> None:
    inputs = some_inputs(3)

    together = attributed(name, convolutional(), inputs)
    alone = attributed(name, convolutional(), inputs[1:2])

    assert_close(together.maps[1:2], alone.maps, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ALL)
def test_every_attribution_can_be_measured_with(name: Attribution) -> None:
    result = feature_maps(
        reader_of(convolutional()), some_images(3), PLAIN, METHODS[name], settings=MapSettings()
    )

    assert result.mask.all()
    assert_close(result.maps.norm(dim=1), torch.ones(3))


@pytest.mark.parametrize("name", ALL)
def test_the_process_keeps_its_random_state(name: Attribution) -> None:
    network = convolutional()
    before = torch.random.get_rng_state()

    attributed(name, network, some_inputs(2))

    assert torch.random.get_rng_state().equal(before)


def test_integrated_gradients_are_captums() -> None:
    network, inputs = convolutional(nn.Tanh), some_inputs(2)

    expected = IntegratedGradients(sum_of(network)).attribute(inputs, n_steps=32)

    result = attributed(Attribution.INTEGRATED_GRADIENTS, network, inputs)
    assert_close(result.maps, expected.float(), atol=1e-5, rtol=1e-4)


def test_occlusion_is_captums_with_a_sixth_of_the_side() -> None:
    network, inputs = convolutional(), some_inputs(2)

    expected = Occlusion(sum_of(network)).attribute(inputs, (3, 2, 2), strides=(3, 1, 1))

    assert_close(attributed(Attribution.OCCLUSION, network, inputs).maps, expected.detach())


def test_smooth_grad_is_captums_noise_tunnel_around_saliency() -> None:
    network, image = convolutional(), some_inputs(1)
    spread = float(image.max() - image.min()) * 0.15

    result = attributed(Attribution.SMOOTH_GRAD, network, image)

    tunnel = NoiseTunnel(Saliency(sum_of(network)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        leaf = image.clone().requires_grad_()
        expected = tunnel.attribute(leaf, nt_samples=16, stdevs=spread)
    assert_close(result.maps, expected.detach())


def test_another_seed_gives_other_noise() -> None:
    reader, inputs = reader_of(convolutional()), some_inputs(1)
    smooth = METHODS[Attribution.SMOOTH_GRAD].attribute

    first, second = (
        smooth(reader, inputs, AttributionTarget("6", seed=seed)).maps for seed in (0, 1)
    )

    assert not torch.allclose(first, second)


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Softplus])
def test_deep_lift_is_captums_where_captum_can_hook_modules(activation: type[nn.Module]) -> None:
    network, inputs = convolutional(activation), some_inputs(3)

    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = network[:7]

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.body(images).sum(dim=1, keepdim=True)

    expected = DeepLift(Sum()).attribute(inputs.clone().requires_grad_(), target=0)

    result = attributed(Attribution.DEEP_LIFT, network, inputs)
    assert_close(result.maps, expected.detach(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("target", Target)
def test_deep_lift_hands_out_exactly_what_the_target_gained(target: Target) -> None:
    network, inputs = convolutional(nn.Softplus), some_inputs(3)

    result = deep_lift(reader_of(network), inputs, AttributionTarget("6", target))

    with torch.no_grad():
        here, there = network[:7](inputs), network[:7](torch.zeros_like(inputs))
    reduce = torch.sum if target is Target.SUM else lambda f, dim: 0.5 * f.square().sum(dim)
    gained = reduce(here, dim=1) - reduce(there, dim=1)
    assert_close(result.maps.sum(dim=(1, 2, 3)), gained, atol=1e-4, rtol=1e-4)


def test_the_rescale_slope_is_the_chord_and_the_derivative_where_ends_meet() -> None:
    z, z0 = 1.5, -0.5
    rows = torch.tensor([[z, 0.3], [z0, 0.3]])

    slopes = rescale_slope(rows, rows.tanh(), 1 - rows.tanh().square())

    chord = oracle.rescale_multiplier(z, z0, lambda v: float(torch.tensor(v).tanh()))
    assert_close(slopes[:, 0], torch.full((2,), chord))
    assert_close(slopes[:, 1], 1 - torch.full((2,), 0.3).tanh().square())


def test_deep_lift_on_a_graph_of_fixed_batch_size_is_refused() -> None:
    reader = reader_of(convolutional())
    reader.batch = 4

    with pytest.raises(AttributionNotPossibleError) as refusal:
        deep_lift(reader, some_inputs(4), AttributionTarget("6"))
    assert isinstance(refusal.value, ZooError)
    assert refusal.value.code == "attribution_not_supported"
    assert "dynamic" in (refusal.value.remedy or "")


@pytest.mark.parametrize("call", [torch.ops.aten.relu.default, torch.relu, nn.ReLU(), nn.GELU()])
def test_slopes_are_replaced_for_modules_functions_and_aten_operators(call) -> None:
    rows = torch.tensor([[1.0], [-3.0]], requires_grad=True)

    with SlopeMode(deep_lift_rescale) as mode:
        (slopes,) = torch.autograd.grad(call(rows).sum(), rows)

    with torch.no_grad():
        high, low = call(rows)
    assert mode.replaced == 1
    assert_close(slopes, ((high - low) / 4).expand(2, 1))


def test_grad_cam_is_captums_on_the_last_spatial_layer() -> None:
    network, inputs = convolutional(), some_inputs(2)

    result = attributed(Attribution.GRAD_CAM, network, inputs)

    captum = LayerGradCam(sum_of(network), network[4])
    plane = captum.attribute(inputs.clone().requires_grad_(), relu_attributions=True).detach()
    assert_close(result.maps, resize(plane, (SIDE, SIDE)))


def test_grad_cam_of_planes_is_the_loop_over_them() -> None:
    network = nn.Sequential(nn.Conv2d(1, 3, 3, bias=False), nn.Flatten(), nn.Linear(3 * 16, 2))
    seeded(network)
    image = some_inputs(1, channels=1)[..., :6, :6]
    activation = network[0](image)
    gradient = torch.autograd.grad(network[1:](activation).sum(), activation)[0]

    plane = class_activation(activation.detach(), gradient)

    expected = oracle.class_activation(activation.detach()[0], gradient[0])
    assert_close(plane[0, 0], torch.tensor(expected))


def test_grad_cam_without_a_spatial_layer_is_refused() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 5))

    with pytest.raises(AttributionNotPossibleError, match="rows and columns"):
        grad_cam(reader_of(network, "1"), some_inputs(2), AttributionTarget("1"))
