"""A task finds the networks that know all of its labels, whatever the order of their outputs."""

from collections.abc import Callable

import pytest
from torch import nn

from service.core.catalog.adaptive_amalgamation import TargetTask
from service.core.manifest import InputSpec, TaskKind
from workers.methods.adaptive_amalgamation.tasks import Source, assignments
from workers.programs.exporting import export_network
from workers.torchkit.training.teachers import NotTeachableError, Teacher

TeacherFactory = Callable[..., Teacher]


@pytest.fixture(scope="module")
def teacher_of(tmp_path_factory: pytest.TempPathFactory) -> TeacherFactory:
    """A teacher that says of itself that it knows these labels."""
    program = export_network(nn.Flatten(), (1, 4, 4), tmp_path_factory.mktemp("net") / "net.pt2")
    spec = InputSpec(channels=1, height=4, width=4, mean=(0.0,), std=(1.0,))

    def made(name: str, *labels: str, task: TaskKind = TaskKind.CLASSIFICATION) -> Teacher:
        return Teacher(name, name, program, spec, task, labels)

    return made


def task(*labels: str, name: str = "wanted") -> TargetTask:
    return TargetTask(name=name, labels=labels)


def test_columns_follow_the_labels_and_not_the_order_of_the_outputs(
    teacher_of: TeacherFactory,
) -> None:
    teachers = [teacher_of("one", "cat", "dog", "owl"), teacher_of("two", "owl", "fox", "cat")]

    (assignment,) = assignments(teachers, [task("owl", "cat")])

    assert assignment.sources == (Source(0, (2, 0)), Source(1, (0, 2)))


def test_a_network_that_lacks_a_label_is_no_source(teacher_of: TeacherFactory) -> None:
    teachers = [teacher_of("one", "cat", "dog"), teacher_of("two", "cat", "owl")]

    (assignment,) = assignments(teachers, [task("dog", "cat")])

    assert [source.teacher for source in assignment.sources] == [0]


def test_a_task_that_nobody_knows_is_refused_with_what_is_known(
    teacher_of: TeacherFactory,
) -> None:
    teachers = [teacher_of("one", "cat", "dog"), teacher_of("two", "cat", "owl")]

    with pytest.raises(NotTeachableError, match=r"one has cat, dog \(lacks owl\)") as refusal:
        assignments(teachers, [task("dog", "owl")])

    assert refusal.value.code == "unsupported_teachers"


def test_by_default_each_group_of_linked_networks_has_its_common_labels(
    teacher_of: TeacherFactory,
) -> None:
    teachers = [
        teacher_of("one", "cat", "dog", "owl"),
        teacher_of("two", "red", "blue"),
        teacher_of("three", "dog", "fox", "cat"),
    ]

    tasks = assignments(teachers, None)

    assert [(assignment.name, assignment.labels) for assignment in tasks] == [
        ("task 1", ("cat", "dog")),
        ("task 2", ("red", "blue")),
    ]
    assert [source.teacher for source in tasks[0].sources] == [0, 2]


def test_networks_that_are_linked_by_a_third_are_one_group(teacher_of: TeacherFactory) -> None:
    teachers = [
        teacher_of("one", "a", "b"),
        teacher_of("two", "c", "d"),
        teacher_of("three", "b", "c"),
    ]

    with pytest.raises(NotTeachableError, match="no label is common to all of them"):
        assignments(teachers, None)


def test_a_choice_among_one_label_is_refused(teacher_of: TeacherFactory) -> None:
    with pytest.raises(NotTeachableError, match="only one label to choose from"):
        assignments([teacher_of("one", "cat", "dog")], [task("cat")])


def test_one_attribute_alone_is_a_task_of_networks_that_tell_several(
    teacher_of: TeacherFactory,
) -> None:
    teachers = [teacher_of("one", "hat", "beard", task=TaskKind.MULTI_LABEL)]

    (assignment,) = assignments(teachers, [task("beard")])

    assert assignment.sources == (Source(0, (1,)),)


@pytest.mark.parametrize("other", [TaskKind.MULTI_LABEL, TaskKind.SEGMENTATION])
def test_networks_that_answer_in_different_ways_are_refused(
    teacher_of: TeacherFactory, other: TaskKind
) -> None:
    with pytest.raises(
        NotTeachableError, match="the teachers have different or unsupported tasks"
    ):
        assignments([teacher_of("one", "a", "b"), teacher_of("two", "a", "b", task=other)], None)
