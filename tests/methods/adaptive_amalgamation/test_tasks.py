"""A task finds the networks that know all of its labels, whatever the order of their outputs."""

from collections.abc import Callable

import pytest
from torch import nn

from service.core.catalog.adaptive_amalgamation import TargetTask
from service.core.manifest import InputSpec, TaskKind
from workers.methods.adaptive_amalgamation.tasks import Source, assignments
from workers.programs.exporting import export_network
from workers.torchkit.training.teachers import NotTeachableError, Teacher

Known = Callable[..., Teacher]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """A teacher that says of itself that it knows these labels."""
    program = export_network(nn.Flatten(), (1, 4, 4), tmp_path_factory.mktemp("net") / "net.pt2")
    spec = InputSpec(channels=1, height=4, width=4, mean=(0.0,), std=(1.0,))

    def made(name: str, *labels: str, task: TaskKind = TaskKind.CLASSIFICATION) -> Teacher:
        return Teacher(name, name, program, spec, task, labels)

    return made


def task(*labels: str, name: str = "wanted") -> TargetTask:
    return TargetTask(name=name, labels=labels)


def test_columns_follow_the_labels_and_not_the_order_of_the_outputs(known: Known) -> None:
    teachers = [known("one", "cat", "dog", "owl"), known("two", "owl", "fox", "cat")]

    (found,) = assignments(teachers, [task("owl", "cat")])

    assert found.sources == (Source(0, (2, 0)), Source(1, (0, 2)))


def test_a_network_that_lacks_a_label_is_no_source(known: Known) -> None:
    teachers = [known("one", "cat", "dog"), known("two", "cat", "owl")]

    (found,) = assignments(teachers, [task("dog", "cat")])

    assert [source.teacher for source in found.sources] == [0]


def test_a_task_that_nobody_knows_is_refused_with_what_is_known(known: Known) -> None:
    teachers = [known("one", "cat", "dog"), known("two", "cat", "owl")]

    with pytest.raises(NotTeachableError, match=r"one has cat, dog \(lacks owl\)") as refusal:
        assignments(teachers, [task("dog", "owl")])

    assert refusal.value.code == "unsupported_teachers"


def test_unless_told_each_group_of_linked_networks_has_the_labels_common_to_it(
    known: Known,
) -> None:
    teachers = [
        known("one", "cat", "dog", "owl"),
        known("two", "red", "blue"),
        known("three", "dog", "fox", "cat"),
    ]

    found = assignments(teachers, None)

    assert [(one.name, one.labels) for one in found] == [
        ("task 1", ("cat", "dog")),
        ("task 2", ("red", "blue")),
    ]
    assert [source.teacher for source in found[0].sources] == [0, 2]


def test_networks_that_are_linked_by_a_third_are_one_group(known: Known) -> None:
    teachers = [known("one", "a", "b"), known("two", "c", "d"), known("three", "b", "c")]

    with pytest.raises(NotTeachableError, match="no label is common to all of them"):
        assignments(teachers, None)


def test_a_choice_among_one_label_is_refused(known: Known) -> None:
    with pytest.raises(NotTeachableError, match="only one label to choose from"):
        assignments([known("one", "cat", "dog")], [task("cat")])


def test_one_attribute_alone_is_a_task_of_networks_that_tell_several(known: Known) -> None:
    teachers = [known("one", "hat", "beard", task=TaskKind.MULTI_LABEL)]

    (found,) = assignments(teachers, [task("beard")])

    assert found.sources == (Source(0, (1,)),)


@pytest.mark.parametrize("other", [TaskKind.MULTI_LABEL, TaskKind.SEGMENTATION])
def test_networks_that_answer_in_different_ways_are_refused(known: Known, other: TaskKind) -> None:
    with pytest.raises(
        NotTeachableError, match="the teachers have different or unsupported tasks"
    ):
        assignments([known("one", "a", "b"), known("two", "a", "b", task=other)], None)
