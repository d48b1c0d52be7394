"""Every equation equals its plain twin, the worked example of the specification, and its limits."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.testing import assert_close

from service.core.catalog.class_regularization import ClassRegularizationParams
from tests.methods.oracles import class_regularization as oracle
from workers.methods.class_regularization import maths
from workers.methods.class_regularization.heads import (
    Centroids,
    ClassDomain,
    CosineCentroids,
    LinearMap,
    Mixing,
    QueryForm,
    ScaledCentroids,
)
from workers.torchkit import few_shot

WEIGHT = torch.tensor([[1.0, 0], [0, 1], [-1, -1]], dtype=torch.float64)
BIAS = torch.zeros(3, dtype=torch.float64)
BASIS = torch.tensor([[2.0, 0], [0, 2], [-2, -2]], dtype=torch.float64)
FIRST = torch.tensor([[1.0, 0], [3, 0]], dtype=torch.float64)
SECOND = torch.tensor([[0.0, 2]], dtype=torch.float64)
QUERY = torch.tensor([[1.0, 1]], dtype=torch.float64)


def numbers(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def domain(**forms: object) -> ClassDomain:
    """A class domain with the numbers of the worked example."""
    made = ClassDomain(2, 3, torch.Generator().manual_seed(0), **forms).double()  # type: ignore[arg-type]
    values = {"weight": WEIGHT, "bias": BIAS, "basis": BASIS}
    made.load_state_dict(made.state_dict() | values)
    return made


def test_codes_and_what_is_decoded_are_those_worked_out_by_hand() -> None:
    codes = maths.code(torch.cat([FIRST, SECOND]), WEIGHT, BIAS)
    recalled = maths.decoded(codes, BASIS)

    expected = [
        [0.665241, 0.244728, 0.090031],
        [0.950330, 0.047314, 0.002356],
        [0.117310, 0.866813, 0.015876],
    ]
    assert_close(codes, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)
    means = torch.stack([recalled[:2].mean(0), recalled[2]])
    worked = torch.tensor([[1.523185, 0.199656], [0.202868, 1.701874]], dtype=torch.float64)
    assert_close(means, worked, atol=1e-6, rtol=0)


def test_descriptors_and_probabilities_are_those_worked_out_by_hand() -> None:
    with torch.no_grad():
        descriptors = [domain().descriptors(s[None, None])[0, 0] for s in (FIRST, SECOND)]
    distances = few_shot.squared_distances(QUERY[None], torch.stack(descriptors)[None])[0, 0]

    worked = torch.tensor([[1.841062, 0.066552], [0.101434, 1.850937]], dtype=torch.float64)
    assert_close(torch.stack(descriptors), worked, atol=1e-6, rtol=0)
    expected = torch.tensor([1.578710, 1.531514], dtype=torch.float64)
    assert_close(distances, expected, atol=2e-6, rtol=0)
    probabilities = (-0.05 * distances).softmax(0)
    shares = torch.tensor([0.499410, 0.500590], dtype=torch.float64)
    assert_close(probabilities, shares, atol=1e-6, rtol=0)


def test_the_share_of_the_class_domain_fades_with_shots() -> None:
    shares = few_shot.class_share(torch.tensor(1.0), torch.tensor([1.0, 2.0]))

    assert_close(shares, torch.tensor([1 / 2, 1 / 3]))
    assert float(few_shot.class_share(torch.tensor(0.0), torch.tensor(3.0))) == 0


@pytest.mark.parametrize("prior", [0.001, 0.05, 1.0, 100.0])
def test_the_class_domain_first_counts_as_the_chosen_number_of_images(prior: float) -> None:
    chosen = ClassDomain(2, 3, torch.Generator().manual_seed(0), first_prior=prior)
    default = ClassDomain(2, 3, torch.Generator().manual_seed(0))

    assert chosen.share(1).item() == pytest.approx(prior / (prior + 1))
    assert chosen.share(5).item() == pytest.approx(prior / (prior + 5))
    assert default.share(1).item() == 0.5
    assert_close(chosen.basis, default.basis, rtol=0, atol=0)


def test_end_to_end_the_class_domain_counts_little_at_first() -> None:
    def starting(**params: float) -> float:
        return ClassRegularizationParams.model_validate(params).starting_prior

    assert (starting(), starting(body_rate=0.1)) == (1.0, 0.05)
    assert starting(first_prior=2) == starting(first_prior=2, body_rate=1) == 2


@pytest.mark.parametrize("prior", [0, -1, 0.0005, 101, float("nan"), float("inf")])
def test_a_first_prior_is_a_positive_number_of_images(prior: float) -> None:
    with pytest.raises(ValidationError, match="first_prior"):
        ClassRegularizationParams.model_validate({"first_prior": prior})


def test_descriptors_equal_their_plain_twin() -> None:
    support, weight, bias, basis = numbers(3, 2), numbers(4, 2, seed=1), numbers(4), numbers(4, 2)
    made = ClassDomain(2, 4, torch.Generator()).double()
    values = {"weight": weight, "bias": bias, "basis": basis}
    made.load_state_dict(made.state_dict() | values)

    with torch.no_grad():
        descriptor = made.descriptors(support[None, None])[0, 0]

    plain = [value.tolist() for value in (support, weight, bias, basis)]
    expected = oracle.descriptor(*plain, 1.0)  # type: ignore[arg-type]
    assert_close(descriptor, torch.tensor(expected, dtype=torch.float64))


def test_distances_and_losses_equal_their_plain_twins() -> None:
    queries, descriptors, truth = numbers(1, 4, 3), numbers(1, 2, 3, seed=1), [0, 0, 1, 1]
    distances = few_shot.squared_distances(queries, descriptors)
    loss = maths.episode_loss(-distances, torch.tensor(truth))

    rows = [
        [oracle.squared_distance(q, d) for d in descriptors[0].tolist()]
        for q in queries[0].tolist()
    ]
    assert_close(distances[0], torch.tensor(rows, dtype=torch.float64))
    losses = [
        oracle.cross_entropy([-v for v in row], t) for row, t in zip(rows, truth, strict=True)
    ]
    assert float(loss) == pytest.approx(sum(losses) / 4)


def test_the_class_loss_equals_its_plain_twin() -> None:
    features, labels = numbers(3, 2), torch.tensor([0, 2, 1])

    loss = maths.class_loss(features, labels, WEIGHT, BIAS)

    scores = (features @ WEIGHT.T).tolist()
    losses = [
        oracle.cross_entropy(row, label)
        for row, label in zip(scores, labels.tolist(), strict=True)
    ]
    assert float(loss) == pytest.approx(sum(losses) / 3)


def test_whitened_features_have_equal_variances_within_classes() -> None:
    labels = torch.arange(600) % 3
    features = numbers(600, 3) @ numbers(3, 3, seed=1) + 5 * labels[:, None]

    axes = maths.whitening(features, labels, shrinkage=0.0)

    inner = (features - maths.class_means(features, labels)[labels]) @ axes
    assert_close(inner.T @ inner / 600, torch.eye(3, dtype=torch.float64))


def test_shrinkage_is_a_tenth_of_the_mean_variance() -> None:
    features = torch.tensor([[1.0, 0], [-1, 0], [3, 0], [1, 0]], dtype=torch.float64)

    axes = maths.whitening(features, torch.tensor([0, 0, 1, 1]))

    variances = torch.tensor([1 + 0.05, 0.05], dtype=torch.float64)
    assert_close(axes, torch.diag(variances.rsqrt()))


def test_the_meta_shift_is_that_worked_out_by_hand_and_its_plain_twin() -> None:
    worked = torch.tensor([[[0.0], [2]], [[10], [12]]])
    descriptors = numbers(3, 4, 2)

    assert maths.meta_shift(worked) == pytest.approx(0.04)
    assert maths.meta_shift(descriptors) == pytest.approx(oracle.meta_shift(descriptors.tolist()))


def test_the_paired_interval_is_that_worked_out_by_hand_and_its_plain_twin() -> None:
    first, second = torch.tensor([0.8, 0.6, 1, 0.7, 0.9]), torch.tensor([0.7, 0.6, 0.8, 0.7, 0.9])

    difference = maths.paired_difference(first, second)

    assert difference.mean == pytest.approx(0.06)
    assert difference.half_width == pytest.approx(0.0784, abs=5e-5)
    twin = oracle.half_width((first - second).tolist())
    assert difference.half_width == pytest.approx(twin, rel=1e-5)


def test_the_entropy_of_codes_is_between_none_and_all() -> None:
    assert float(maths.entropy(torch.eye(4))) == 0
    assert_close(maths.entropy(torch.full((2, 4), 0.25)), torch.tensor(4.0).log())


def test_without_prior_the_learner_is_the_nearest_centroid_exactly() -> None:
    support, queries = numbers(2, 3, 4, 2), numbers(2, 6, 2, seed=1)
    made = domain()
    with torch.no_grad():
        made.log_prior.fill_(-torch.inf)
        made.log_scale.zero_()
        logits = made.logits(support, queries)

    assert_close(logits, Centroids().logits(support, queries), rtol=0, atol=0)


def test_with_many_shots_the_descriptor_tends_to_the_centroid() -> None:
    support = numbers(1, 1, 10_000, 2)

    with torch.no_grad():
        descriptor = domain().descriptors(support)

    assert_close(descriptor, support.mean(dim=2), atol=1e-3, rtol=0)


@pytest.mark.parametrize("head", [Centroids(), CosineCentroids(), domain(), LinearMap(2).double()])
def test_permuting_images_or_classes_permutes_the_answer(head: Centroids) -> None:
    support, queries = numbers(1, 3, 4, 2), numbers(1, 5, 2, seed=1)
    order = torch.tensor([2, 0, 1])

    with torch.no_grad():
        logits = head.logits(support, queries)
        shuffled = head.logits(support[:, order][:, :, torch.tensor([3, 1, 0, 2])], queries)

    assert_close(shuffled, logits[..., order])


def test_one_class_is_certain() -> None:
    with torch.no_grad():
        logits = domain().logits(numbers(1, 1, 2, 2), numbers(1, 3, 2))

    assert_close(logits.softmax(-1), torch.ones(1, 3, 1, dtype=torch.float64), rtol=0, atol=0)


def test_forms_of_mixing_differ_only_where_they_should() -> None:
    once, often, queries = numbers(1, 2, 1, 2), numbers(1, 2, 5, 2), numbers(1, 3, 2)
    aware, constant = domain(), domain(mixing=Mixing.CONSTANT)
    pure, mixed = domain(mixing=Mixing.PURE), domain(query_form=QueryForm.MIXED)

    with torch.no_grad():
        assert_close(aware.descriptors(once), constant.descriptors(once))
        assert not torch.equal(aware.descriptors(often), constant.descriptors(often))
        assert_close(pure.descriptors(often), pure.decoded(often).mean(dim=2))
        moved = torch.lerp(queries, mixed.decoded(queries), mixed.share(1))
        assert_close(mixed.logits(once, queries), aware.logits(once, moved))


def test_a_linear_map_starts_as_a_prototypical_network() -> None:
    support, queries = numbers(1, 2, 3, 4), numbers(1, 5, 4)

    with torch.no_grad():
        start = LinearMap(4).double().logits(support, queries)
        plain = ScaledCentroids(4).double().logits(support, queries)

    assert_close(start, plain)
