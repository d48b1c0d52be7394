"""Speed is taken only where the answer stays, and borrowed weights come back as they were."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from service.core.catalog.measurement import Attribution, Precision
from tests.workers.torchkit.small_networks import (
    PLAIN,
    SIDE,
    convolutional,
    reader_of,
    some_images,
)
from workers.programs.refusal import ProgramFailedError
from workers.torchkit import devices
from workers.torchkit.attribution.attribution import MapSettings, feature_maps
from workers.torchkit.attribution.captum_methods import METHODS
from workers.torchkit.devices import (
    REFERENCE,
    Arithmetic,
    MemoryLayout,
    NumericPolicy,
    Trial,
    batch_size_for,
    bytes_kept_for_backward,
    computing_under,
    layout_policy,
    memory_budget,
    multiplies_bfloat16,
    numeric_policy,
    smallest_cosine,
)

CPU = torch.device("cpu")
FAST = NumericPolicy(Arithmetic.BFLOAT16, MemoryLayout.CHANNELS_LAST)


class Clock:
    """Stands still while nobody takes time, however busy the machine is."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def perf_counter(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(devices, "time", clock)
    return clock


def attempt_that_turns_by(angle: float, clock: Clock):
    """Float32 takes a second; another policy takes half of one and turns the maps."""

    def attempt(policy: NumericPolicy) -> Trial:
        clock.seconds += 0.5
        if policy.arithmetic is Arithmetic.FLOAT32:
            clock.seconds += 0.5
            return Trial(torch.tensor([[1.0, 0.0]]), torch.ones(1, 3))
        turned = torch.tensor([[1.0, angle]])
        return Trial(turned, torch.ones(1, 3))

    return attempt


@pytest.mark.parametrize(
    ("angle", "chosen"), [(0.01, Arithmetic.BFLOAT16), (0.1, Arithmetic.FLOAT32)]
)
def test_a_faster_policy_is_taken_only_above_the_faithful_cosine(
    clock: Clock, angle: float, chosen: Arithmetic
) -> None:
    policy = numeric_policy(attempt_that_turns_by(angle, clock), images=1, candidates=(FAST,))

    assert policy.arithmetic is chosen
    assert policy.map_cosine > 0.999


def test_a_policy_that_is_not_faster_is_left_alone(clock: Clock) -> None:
    def attempt(policy: NumericPolicy) -> Trial:
        clock.seconds += 1.0 if policy.arithmetic is Arithmetic.BFLOAT16 else 0.0
        return attempt_that_turns_by(0.0, clock)(REFERENCE)

    assert numeric_policy(attempt, images=1, candidates=(FAST,)).arithmetic is Arithmetic.FLOAT32


def test_a_policy_the_graph_cannot_follow_is_ruled_out(clock: Clock) -> None:
    def attempt(policy: NumericPolicy) -> Trial:
        if policy.layout is MemoryLayout.CHANNELS_LAST:
            raise RuntimeError("view size is not compatible")
        return attempt_that_turns_by(0.0, clock)(REFERENCE)

    assert numeric_policy(attempt, images=1).layout is MemoryLayout.CONTIGUOUS


def test_a_program_that_fails_under_a_policy_rules_it_out(clock: Clock) -> None:
    def attempt(policy: NumericPolicy) -> Trial:
        if policy.layout is MemoryLayout.CHANNELS_LAST:
            raise ProgramFailedError("view failed: view size is not compatible")
        return attempt_that_turns_by(0.0, clock)(REFERENCE)

    assert numeric_policy(attempt, images=1).layout is MemoryLayout.CONTIGUOUS
    assert layout_policy(attempt, reader_of(convolutional())) == REFERENCE


def test_the_layout_is_chosen_without_a_clock_and_only_for_convolutions(clock: Clock) -> None:
    attempt = attempt_that_turns_by(0.0, clock)
    perceptron = reader_of(nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 4)), "1")

    assert layout_policy(attempt, reader_of(convolutional())).layout is MemoryLayout.CHANNELS_LAST
    assert layout_policy(attempt, perceptron) == REFERENCE


def test_the_smallest_cosine_is_the_worst_probes_and_nan_is_the_worst_of_all() -> None:
    left = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    right = torch.tensor([[2.0, 0.0], [0.0, 0.0], [1.0, 0.0]])

    assert smallest_cosine(left, right) == pytest.approx(0.5**0.5)
    assert smallest_cosine(left, right.index_fill(0, torch.tensor(0), torch.nan)) == -1.0


def test_weights_are_frozen_and_laid_out_inside_and_given_back_after_an_error() -> None:
    network = convolutional()
    reader = reader_of(network)
    strides = [weight.stride() for weight in network.parameters()]

    with pytest.raises(KeyError), computing_under(FAST, reader):
        assert not network[2].weight.requires_grad
        assert network[2].weight.is_contiguous(memory_format=torch.channels_last)
        raise KeyError

    assert [weight.stride() for weight in network.parameters()] == strides
    assert all(weight.requires_grad for weight in network.parameters())


def test_bytes_kept_count_activations_once_and_weights_not_at_all() -> None:
    """x·W needs W for its gradient; the square keeps its own argument; the result counts too."""
    weight = torch.ones(10, 10)
    image = torch.ones(1, 10, requires_grad=True)

    def forward() -> torch.Tensor:
        return (image @ weight).square()

    num_bytes = bytes_kept_for_backward(forward, apart_from=[weight])

    assert num_bytes == 2 * 10 * 4


def test_the_batch_fits_the_budget_and_is_never_empty() -> None:
    assert batch_size_for(1000, budget_bytes=10_000, device=CPU) == 5
    assert batch_size_for(1000, budget_bytes=1, device=CPU) == 1
    assert batch_size_for(1, budget_bytes=10**12, device=CPU) == 16


def test_there_is_some_memory_to_spend() -> None:
    assert memory_budget(CPU) > 2**24


def test_a_large_probe_set_is_measured_under_a_policy_whose_cosine_was_measured() -> None:
    reader, images = reader_of(convolutional(nn.Tanh)), some_images(256)
    method = METHODS[Attribution.GRADIENT_X_INPUT]

    chosen = feature_maps(reader, images, PLAIN, method, settings=MapSettings())
    plain = feature_maps(
        reader, images, PLAIN, method, settings=MapSettings(precision=Precision.FLOAT32)
    )

    assert (chosen.policy.seconds_per_image is not None) == multiplies_bfloat16(CPU)
    assert chosen.policy.map_cosine > 0.999
    cosines = (chosen.maps * plain.maps).sum(dim=1)
    assert_close(cosines, torch.ones(256), atol=5e-3, rtol=0)
