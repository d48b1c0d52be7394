"""Each equation of attribution equals its slow twin and, where captum has it, captum."""

import math

import pytest
import torch
from captum.attr import InputXGradient, Saliency
from torch import nn
from torch.testing import assert_close

from service.core.catalog.measurement import Target
from tests.methods.oracles import attribution_map as oracle
from tests.workers.torchkit.small_networks import (
    convolutional,
    reader_of,
    some_inputs,
)
from workers.torchkit.attribution.attribution import unit_rows
from workers.torchkit.attribution.gradients import (
    AttributionTarget,
    epsilon_lrp,
    gradient_x_input,
    input_gradient,
    saliency,
    saliency_exact,
    target_of_each,
)
from workers.torchkit.attribution.module_reader import ModuleReader


def question(target: Target = Target.L2, layer: str = "6") -> AttributionTarget:
    return AttributionTarget(layer, target)


def up_to_layer_six(network: nn.Sequential) -> oracle.Function:
    return network[:7]


@pytest.mark.parametrize(
    ("target", "twin"),
    [
        (Target.SUM, oracle.gradient_of_sum),
        (Target.L2, oracle.gradient_of_half_square),
    ],
)
def test_one_backward_pass_equals_a_pass_per_unit_and_image(target: Target, twin) -> None:
    network = convolutional()
    inputs = some_inputs()

    gradient, _ = input_gradient(reader_of(network), inputs, question(target))

    expected = torch.stack([twin(up_to_layer_six(network), image) for image in inputs])
    assert_close(gradient, expected)


def test_saliency_and_gradient_x_input_are_the_gradient_dressed() -> None:
    network, inputs = convolutional(), some_inputs()
    plain = torch.stack(
        [oracle.gradient_of_half_square(up_to_layer_six(network), image) for image in inputs]
    )

    assert_close(saliency(reader_of(network), inputs, question()).maps, plain.abs())
    assert_close(gradient_x_input(reader_of(network), inputs, question()).maps, inputs * plain)


@pytest.mark.parametrize("target", Target)
def test_captum_gives_the_same_saliency_and_input_x_gradient(target: Target) -> None:
    network, reader = convolutional(), reader_of(convolutional())
    leaf = some_inputs().requires_grad_()

    def scalar(inputs: torch.Tensor) -> torch.Tensor:
        return target_of_each(network[:7](inputs), target)

    captum_saliency = Saliency(scalar).attribute(leaf)
    captum_product = InputXGradient(scalar).attribute(leaf)

    inputs = leaf.detach()
    assert_close(saliency(reader, inputs, question(target)).maps, captum_saliency)
    assert_close(gradient_x_input(reader, inputs, question(target)).maps, captum_product.detach())


def test_the_norm_and_half_its_square_point_the_same_way_for_every_probe() -> None:
    network, inputs = convolutional(nn.Tanh), some_inputs()

    ours, _ = input_gradient(reader_of(network), inputs, question())

    norms = torch.stack(
        [oracle.gradient_of_norm(up_to_layer_six(network), image) for image in inputs]
    )
    cosines = torch.cosine_similarity(ours.flatten(1), norms.flatten(1))
    assert_close(cosines, torch.ones(len(inputs)))


def test_exact_saliency_of_few_units_is_the_mean_of_all_absolute_gradients() -> None:
    network, inputs = convolutional(), some_inputs(2)

    exact = saliency_exact(reader_of(network), inputs, question())

    expected = torch.stack(
        [
            oracle.mean_of_absolute_unit_gradients(up_to_layer_six(network), image)
            for image in inputs
        ]
    )
    assert_close(exact.maps, expected)


def test_exact_saliency_of_many_units_draws_the_same_units_for_the_same_seed() -> None:
    reader, inputs = reader_of(convolutional(), "5"), some_inputs(2)

    first, again, other = (
        saliency_exact(reader, inputs, AttributionTarget("5", seed=seed)).maps
        for seed in (1, 1, 2)
    )

    assert_close(first, again)
    assert not torch.allclose(first, other)


def test_epsilon_lrp_of_a_two_layer_net_is_the_definition_written_out() -> None:
    first, second = torch.tensor([[1.0, -2.0], [0.5, 3.0]]), torch.tensor([[2.0, 1.0]])
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(2, 2, bias=False), nn.Tanh(), nn.Linear(2, 1, bias=False)
    )
    with torch.no_grad():
        network[1].weight.copy_(first)
        network[3].weight.copy_(second)
    reader = ModuleReader(network, "3", input_shape=(1, 1, 2))
    image = [0.7, -0.4]

    result = epsilon_lrp(
        reader, torch.tensor(image).view(1, 1, 1, 2), AttributionTarget("3", Target.SUM)
    )

    expected = oracle.epsilon_lrp_of_two_layers(first, second, image, math.tanh)
    assert_close(result.maps.flatten(), torch.tensor(expected))


def test_on_two_pixels_and_one_unit_the_map_is_what_paper_gives() -> None:
    """F = 3a - 4b, x = (1, 2): ∂½F²/∂x = F (3, -4) = (-15, 20); times x: (-15, 40)/√1825."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[3.0, -4.0]]))
    reader = ModuleReader(network, "1", input_shape=(1, 1, 2))

    result = gradient_x_input(
        reader, torch.tensor([1.0, 2.0]).view(1, 1, 1, 2), question(layer="1")
    )

    assert result.maps.flatten().tolist() == [-15.0, 40.0]
    rows, _ = unit_rows(result.maps.flatten(1), result.features)
    assert_close(rows[0], torch.tensor([-15.0, 40.0]) / math.sqrt(1825))
