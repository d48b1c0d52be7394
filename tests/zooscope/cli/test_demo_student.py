"""The demo trains its student once and reports its accuracy and rank."""

from typing import Any

from service.container import Zoo
from service.core.operations.access import keys
from tests.rest.families import a_student
from tests.rest.served import a_model, serving
from zooscope import ZooClient
from zooscope.cli import demo_student
from zooscope.cli.context import CliContext
from zooscope.cli.demo_report import rank_of, worth_of
from zooscope.cli.demo_zoo import UploadedZoo
from zooscope.cli.output import TextOutput


def student(**measured: float) -> Any:
    return {"name": "pocket", "parameters": 19_890, "lineage": {"measured": measured}}


def ranked(*names: str) -> Any:
    items = [
        {"rank": rank, "model_id": f"mdl_{name}", "name": name, "score": 1 / rank}
        for rank, name in enumerate(names, start=1)
    ]
    return {"metric": "depara_plus", "items": items}


def test_a_student_of_an_earlier_demo_with_the_same_teachers_is_reused(zoo: Zoo):
    with zoo.transaction() as session:
        teachers = {name: a_model(session, name=name).id for name in demo_student.TEACHERS}
        expected = a_student(session, demo_student.NAME, list(teachers.values())).id
        a_student(session, demo_student.NAME, [a_model(session).id])
        key = keys.issue(session, project="default", name="a key", scopes=["admin"]).token
    there = UploadedZoo(teachers, probes="dst_1", target="dst_2", eval_dataset="dst_3")

    with serving(zoo) as url, ZooClient(url, key=key) as client:
        result = demo_student.student_of(CliContext(client, TextOutput()), there)

    assert result["id"] == expected


def test_a_distillation_reports_teachers_student_and_chance_in_one_line():
    output = worth_of(
        student(
            accuracy=0.9,
            chance=0.11,
            teacher_1_accuracy=0.8,
            teacher_2_accuracy=1.0,
            lead_over_teacher_1_accuracy=0.1,
        )
    )

    assert output == (
        "accuracy on the evaluation digits: teachers 80.0% and 100.0%, pocket"
        " (19,890 parameters) 90.0%, chance 11.0%"
    )


def test_the_rank_is_shown_between_its_neighbors():
    lines = rank_of("mdl_d", ranked(*"abcdefg")).splitlines()

    assert [line.split()[1] for line in lines[1:] if not line.startswith("→")] == list("bcef")
    assert lines[3].split() == ["→", "4", "d", "0.250"]


def test_an_unranked_network_is_reported_as_such():
    assert "no rank" in rank_of("mdl_z", ranked("a"))
