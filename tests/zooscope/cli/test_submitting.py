"""Each part of a training has its word on the command line; a method tells what it takes."""

import pytest

from service.container import Zoo
from tests.rest.served import a_dataset, a_model
from tests.zooscope.cli.shells import Shell


@pytest.fixture
def words(zoo: Zoo) -> list[str]:
    """The words of a training that fits."""
    manifest = {"name": "hen", "classes": ["cat", "dog"], "input": {"height": 8, "width": 8}}
    with zoo.transaction() as session:
        teacher = a_model(session, manifest=manifest, output_kind="vector").id
        data, evaluation = a_dataset(zoo, session).id, a_dataset(zoo, session).id
    method = "knowledge_distillation"
    return [
        "jobs",
        "submit",
        method,
        "--teacher",
        teacher,
        "--dataset",
        data,
        "--eval-dataset",
        evaluation,
    ]


def test_a_training_is_submitted_word_by_word(shell: Shell, words: list[str]):
    student = ("--student", "architecture=plain", "--student", 'labels=["dog"]')
    course = ("--seed", "3", "--device", "cpu", "--budget", "500", "--set", "temperature=2")

    job = shell.json(*words, *student, *course)

    assert job["inputs"] == {
        "teachers": [words[4]],
        "dataset_id": words[6],
        "eval_dataset_id": words[8],
    }
    told = job["params"]
    assert (told["student"]["architecture"], told["student"]["labels"]) == ("plain", ["dog"])
    assert (told["seed"], told["device"], told["temperature"]) == (3, "cpu", 2)
    assert told["budget"] == {"steps": 500, "seconds": None}


def test_a_budget_may_be_a_time(shell: Shell, words: list[str]):
    job = shell.json(*words, "--budget", "2.5s")

    assert job["params"]["budget"] == {"steps": None, "seconds": 2.5}


def test_a_budget_that_is_neither_is_wrong_usage(shell: Shell, words: list[str]):
    assert shell.run(*words, "--budget", "soon").returncode == 2


def test_a_field_that_does_not_fit_is_named(shell: Shell, words: list[str]):
    done = shell.run(*words, "--student", "width=1")

    assert done.returncode == 1
    assert "/student/width" in done.stderr


def test_what_is_said_twice_is_refused(shell: Shell, words: list[str]):
    done = shell.run(*words, "--seed", "1", "--set", "seed=2")

    assert (done.returncode, "repeated_field" in done.stderr) == (1, True)


def test_a_method_tells_its_fields_with_type_default_range_and_meaning(shell: Shell):
    said = shell.said("methods", "show", "knowledge_distillation")

    rows = {line.split("  ")[0]: line.split() for line in said.splitlines()}
    assert "must be given" in said
    assert rows["--set temperature="][2:8] == ["number", "4", ">", "0,", "≤", "100"]
    assert rows["--student width="][2:4] == ["integer", "16"]
    assert "plain, residual, lenet" in said
    assert "Number of channels of the first stage" in said
    assert "Comparison of the student's outputs with the teachers'. Comparison of outputs" in said
