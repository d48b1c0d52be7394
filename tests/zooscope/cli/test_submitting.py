"""Each part of a training has an option; `methods show` lists what a method accepts."""

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
        data, eval_dataset = a_dataset(zoo, session).id, a_dataset(zoo, session).id
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
        eval_dataset,
    ]


def test_a_training_is_submitted_with_options(shell: Shell, words: list[str]):
    student = ("--student", "architecture=plain", "--student", 'labels=["dog"]')
    course = ("--seed", "3", "--device", "cpu", "--budget", "500", "--set", "temperature=2")

    job = shell.json(*words, *student, *course)

    assert job["inputs"] == {
        "teachers": [words[4]],
        "dataset_id": words[6],
        "eval_dataset_id": words[8],
    }
    reported = job["params"]
    assert (reported["student"]["architecture"], reported["student"]["labels"]) == (
        "plain",
        ["dog"],
    )
    assert (reported["seed"], reported["device"], reported["temperature"]) == (3, "cpu", 2)
    assert reported["budget"] == {"steps": 500, "seconds": None}


def test_a_budget_may_be_in_seconds(shell: Shell, words: list[str]):
    job = shell.json(*words, "--budget", "2.5s")

    assert job["params"]["budget"] == {"steps": None, "seconds": 2.5}


def test_an_invalid_budget_is_wrong_usage(shell: Shell, words: list[str]):
    assert shell.run(*words, "--budget", "soon").returncode == 2


def test_an_invalid_field_is_named(shell: Shell, words: list[str]):
    done = shell.run(*words, "--student", "width=1")

    assert done.returncode == 1
    assert "--student width" in done.stderr
    assert "/student" not in done.stderr


def test_a_value_given_twice_is_refused(shell: Shell, words: list[str]):
    done = shell.run(*words, "--seed", "1", "--set", "seed=2")

    assert (done.returncode, "repeated_field" in done.stderr) == (1, True)
    assert "--seed: also set as --set seed" in done.stderr
    assert "with its own option, or with --input or --set" in done.stderr


def test_methods_show_lists_fields_with_type_default_range_and_meaning(shell: Shell):
    output = shell.output("methods", "show", "knowledge_distillation")

    rows = {line.split("  ")[0]: line.split() for line in output.splitlines()}
    assert "required" in output
    assert rows["--set temperature="][2:8] == ["number", "4", ">", "0,", "≤", "100"]
    assert rows["--student width="][2:4] == ["integer", "16"]
    assert "plain, residual, lenet" in output
    assert "Number of channels of the first stage" in output
    assert (
        "Comparison of the student's outputs with the teachers'. Cross-entropy at a temp" in output
    )
