"""Labels of several teachers have one target, which no constant added to a teacher's logits moves."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from service.core.catalog.training import SharedLabels
from service.core.manifest import TaskKind
from tests.methods.oracles import shared_labels as oracle
from workers.torchkit.training.shared_labels import label_logits
from workers.torchkit.training.teachers import Head, TeacherOutput

CLASSES = [("a", "b", "c"), ("c", "d"), ("b", "e", "c")]
ORDERS = (("a", "b", "c", "d", "e"), ("e", "b", "c"))
CHOICE = (TaskKind.CLASSIFICATION, TaskKind.SEGMENTATION)


def head_of(labels: tuple[str, ...]) -> Head:
    columns = [
        TeacherOutput(number, column, labels.index(name))
        for number, classes in enumerate(CLASSES)
        for column, name in enumerate(classes)
        if name in labels
    ]
    return Head(labels, tuple(columns))


def drawn(*pixels: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        3 * torch.randn(4, len(classes), *pixels, generator=generator, dtype=torch.float64)
        for classes in CLASSES
    ]


def rows(logits: list[Tensor]) -> list[list[list[float]]]:
    """The logits of all teachers, image by image."""
    return [[values[image].tolist() for values in logits] for image in range(len(logits[0]))]


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("labels", ORDERS)
def test_the_target_is_the_mean_of_the_teachers_probabilities(
    labels: tuple[str, ...], temperature: float
) -> None:
    logits = drawn()

    merged = label_logits(logits, head_of(labels), CHOICE[0], temperature=temperature)

    expected = [oracle.target(row, CLASSES, labels, temperature) for row in rows(logits)]
    torch.testing.assert_close(
        (merged / temperature).softmax(dim=1), torch.tensor(expected, dtype=torch.float64)
    )


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("labels", ORDERS)
def test_presence_is_the_mean_of_the_teachers_sigmoids(
    labels: tuple[str, ...], temperature: float
) -> None:
    logits = drawn()

    merged = label_logits(logits, head_of(labels), TaskKind.MULTI_LABEL, temperature=temperature)

    expected = [oracle.presence(row, CLASSES, labels, temperature) for row in rows(logits)]
    torch.testing.assert_close(
        (merged / temperature).sigmoid(), torch.tensor(expected, dtype=torch.float64)
    )


@pytest.mark.parametrize("rule", [SharedLabels.LOGITS, SharedLabels.LARGEST])
@pytest.mark.parametrize("labels", ORDERS)
def test_other_rules_reduce_centered_logits(labels: tuple[str, ...], rule: SharedLabels) -> None:
    logits = drawn()

    merged = label_logits(logits, head_of(labels), CHOICE[0], rule=rule)

    largest = rule is SharedLabels.LARGEST
    expected = [
        oracle.of_centered_logits(row, CLASSES, labels, largest=largest) for row in rows(logits)
    ]
    torch.testing.assert_close(merged.softmax(dim=1), torch.tensor(expected, dtype=torch.float64))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(SharedLabels)),
    st.sampled_from(ORDERS),
    st.integers(0, 2),
    st.floats(-50, 50),
    st.sampled_from([0.5, 1.0, 4.0]),
)
def test_a_constant_added_to_a_teachers_logits_changes_no_target(
    rule: SharedLabels, labels: tuple[str, ...], teacher: int, shift: float, temperature: float
) -> None:
    logits = drawn()
    shifted = [values + shift * (number == teacher) for number, values in enumerate(logits)]

    before, after = (
        label_logits(values, head_of(labels), CHOICE[0], rule=rule, temperature=temperature)
        for values in (logits, shifted)
    )

    torch.testing.assert_close(after, before, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("task", CHOICE)
def test_two_teachers_of_the_same_two_labels_weigh_alike_however_loud(task: TaskKind) -> None:
    """One says a, the other b; 5 more on all logits of either says nothing new."""
    head = Head(("a", "b"), tuple(TeacherOutput(i, j, j) for i in range(2) for j in range(2)))
    first, second = torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 4.0]])

    for shift in (-5.0, 0.0, 5.0):
        merged = label_logits([first + shift, second], head, task)
        torch.testing.assert_close(merged.softmax(dim=1), torch.tensor([[0.5, 0.5]]))


def test_pixels_are_merged_like_images() -> None:
    logits, head = drawn(2, 3), head_of(ORDERS[0])

    merged = label_logits(logits, head, TaskKind.SEGMENTATION)

    flat = [values.movedim(1, -1).reshape(-1, values.shape[1]) for values in logits]
    torch.testing.assert_close(
        merged.movedim(1, -1).reshape(-1, 5), label_logits(flat, head, TaskKind.SEGMENTATION)
    )


def test_one_teacher_keeps_its_own_logits() -> None:
    logits = torch.randn(4, 3)
    own = Head(("c", "a"), (TeacherOutput(0, 0, 1), TeacherOutput(0, 2, 0)))

    merged = label_logits([logits], own, TaskKind.CLASSIFICATION)

    assert torch.equal(merged, logits[:, [2, 0]])


@pytest.mark.parametrize("task", [TaskKind.MULTI_LABEL, TaskKind.CLASSIFICATION])
def test_certain_teachers_give_finite_targets_and_gradients(task: TaskKind) -> None:
    logits = [(1e3 * values.sign()).requires_grad_() for values in drawn()]

    merged = label_logits(logits, head_of(ORDERS[1]), task)
    gradients = torch.autograd.grad(merged.square().sum(), logits)

    assert merged.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients)
