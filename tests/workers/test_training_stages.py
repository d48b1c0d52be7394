"""Outputs that nobody named never pass for those of another network."""

from typing import Any

from service.container import Zoo
from service.core.tables import JobRecord
from tests.rest.served import PROJECT, a_model
from workers.worker.stage.trainings import training_stage


def called(zoo: Zoo, *names: str) -> list[tuple[str, str]]:
    """Ids of teachers of these names, and what their outputs are called."""
    size = {"height": 8, "width": 8, "channels": 3}
    with zoo.transaction() as session:
        teachers = [
            a_model(
                session,
                name=name,
                manifest={"name": name, "input": size},
                output_kind="vector",
                program_sha256="0" * 64,
            )
            for name in names
        ]
        inputs: dict[str, Any] = {
            "teachers": [teacher.id for teacher in teachers],
            "dataset_id": None,
            "eval_dataset_id": None,
        }
        job = JobRecord(
            project=PROJECT, method="dual_gan_amalgamation", inputs=inputs, params={"name": None}
        )
        facts = training_stage(session, job).facts["teachers"]
        return [(fact["id"], fact["outputs_called"]) for fact in facts]


def test_outputs_are_called_after_the_network(shared_zoo: Zoo):
    assert [name for _, name in called(shared_zoo, "hen", "fox")] == ["hen", "fox"]


def test_outputs_of_networks_of_one_name_are_called_after_their_ids(shared_zoo: Zoo):
    (hen, first_name), (other, second_name), (_, third_name) = called(
        shared_zoo, "hen", "hen", "fox"
    )

    assert (first_name, second_name, third_name) == (hen, other, "fox")


def test_a_long_name_leaves_room_for_the_number(shared_zoo: Zoo):
    ((_, prefix),) = called(shared_zoo, "n" * 200)

    assert len(f"{prefix} 9999") <= 200
