"""The command shows a lineage as a tree that lists each node once, or writes it to a file."""

from pathlib import Path

import pytest

from service.container import Zoo
from tests.rest.families import FamilyIds, a_family
from tests.zooscope.cli.shells import Shell


@pytest.fixture
def family(zoo: Zoo) -> FamilyIds:
    with zoo.transaction() as session:
        return a_family(zoo, session)


def test_the_tree_includes_teachers_and_datasets(shell: Shell, family: FamilyIds):
    lines = shell.output("models", "lineage", family.hare).splitlines()

    assert lines[0].startswith(f"hare {family.hare} classification · 7 parameters")
    assert "made by knowledge_distillation job_" in lines[1]
    assert "succeeded · seed 3 · 100 steps" in lines[1]
    assert "teacher fox" in lines[2]
    assert sum("dataset sea" in line for line in lines) == 2
    assert sum(line.endswith("↑") for line in lines) == 3  # owl, sea and sky, each listed before
    assert any("eval_dataset sky" in line for line in lines)


def test_the_tree_includes_students_with_their_other_teachers(shell: Shell, family: FamilyIds):
    lines = shell.output(
        "models", "lineage", family.fox, "--direction", "descendants"
    ).splitlines()

    assert "taught knowledge_distillation" in lines[1]
    assert "with teacher hen" in lines[2]
    assert "with dataset sea" in lines[3]
    assert f"student hare {family.hare}" in lines[4]


def test_a_cut_tree_has_a_remedy(shell: Shell, family: FamilyIds):
    output = shell.output("models", "lineage", family.hare, "--generations", "1")

    assert "more than 1 generations; request up to 50 generations" in output


def test_json_has_nodes_and_edges(shell: Shell, family: FamilyIds):
    lineage = shell.json("models", "lineage", family.hare)

    assert lineage["model_id"] == family.hare
    assert {item["role"] for item in lineage["edges"]} == {
        "teacher",
        "dataset",
        "eval_dataset",
        "student",
    }


@pytest.mark.parametrize(("suffix", "begin"), [("svg", b"<svg"), ("graphml", b"<?xml"), ("json", b"{")])  # fmt: skip
def test_the_suffix_of_the_file_selects_its_format(
    shell: Shell, family: FamilyIds, tmp_path: Path, suffix: str, begin: bytes
):
    path = tmp_path / f"lineage.{suffix}"

    output = shell.output("models", "lineage", family.hare, "--out", str(path))

    assert path.read_bytes().startswith(begin)
    assert str(path) in output
