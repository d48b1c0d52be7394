"""Trainings on clips are refused at submission by what does not fit, each with its field and a remedy."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from service.core.tables import ClipRecord, ModelState
from tests.rest.clip_readers import LIPS, a_reader
from tests.rest.served import Served, a_dataset, a_model, a_set_of_clips
from tests.rest.trainings import refusal

ALONE = {"sequence": 0, "context": 0, "frame": 0}
Teacher = Callable[[Session], str]


def recognizer(session: Session) -> str:
    return a_reader(session).id


def lip_reader(session: Session) -> str:
    return a_reader(session, LIPS).id


def stranger(session: Session) -> str:
    return a_reader(session, vocabulary="abc").id


def damaged(session: Session) -> str:
    return a_reader(session, state=ModelState.DAMAGED).id


def classifier(session: Session) -> str:
    return a_model(session).id


def ask(served: Served, method: str, *teachers: Teacher, clips: int = 40, **fields: Any) -> Any:
    """The response to a training on so many clips, of which the first has sound."""
    with served.zoo.transaction() as session:
        dataset = a_set_of_clips(served.zoo, session)
        dataset.clips = clips
        body = {"method": method, "dataset_id": dataset.id, **fields}
        if teachers:
            body["teachers"] = [teacher(session) for teacher in teachers]
    return served.client.post("/v1/jobs", json=body)


@pytest.mark.parametrize(
    ("method", "teachers", "params"),
    [
        ("speech_recognizer", (), {}),
        ("lip_by_speech", (recognizer,), {}),
        ("lip_by_speech", (), {"weights": ALONE}),
    ],
)
def test_clips_that_fit_are_accepted(
    shared: Served, method: str, teachers: tuple[Teacher, ...], params: dict[str, Any]
):
    answer = ask(shared, method, *teachers, params=params)

    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("teachers", "params", "code", "pointer"),
    [
        ((), {}, "no_teacher", "/teachers"),
        ((classifier,), {}, "model_reads_images", "/teachers/0"),
        ((lip_reader,), {}, "not_a_recognizer", "/teachers/0"),
        ((stranger,), {}, "vocabulary_mismatch", "/teachers/0"),
        ((stranger,), {"weights": ALONE}, "vocabulary_mismatch", "/teachers/0"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(
    shared: Served,
    teachers: tuple[Teacher, ...],
    params: dict[str, Any],
    code: str,
    pointer: str,
):
    answer = ask(shared, "lip_by_speech", *teachers, params=params)

    assert refusal(answer) == (422, code, [pointer])


def test_a_damaged_teacher_is_refused(shared: Served):
    answer = ask(shared, "lip_by_speech", damaged)

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["pointer"] == "/teachers/0"


def test_two_teachers_are_refused(shared: Served):
    answer = ask(shared, "lip_by_speech", recognizer, recognizer)

    assert refusal(answer)[1:] == ("invalid_inputs", ["/teachers"])


@pytest.mark.parametrize("method", ["speech_recognizer", "lip_by_speech"])
def test_fewer_clips_than_a_batch_are_refused(shared: Served, method: str):
    teachers = (recognizer,) if method == "lip_by_speech" else ()

    answer = ask(shared, method, *teachers, clips=20)

    assert refusal(answer) == (422, "too_few_clips", ["/params/batch_size"])


@pytest.mark.parametrize("method", ["speech_recognizer", "lip_by_speech"])
def test_clips_without_any_sound_are_refused(served: Served, method: str):
    teachers = (recognizer,) if method == "lip_by_speech" else ()
    with served.zoo.transaction() as session:
        dataset = a_set_of_clips(served.zoo, session)
        dataset.clips = 40
        session.execute(update(ClipRecord).values(mel_frames=0))
        named = [teacher(session) for teacher in teachers]
    body = {"method": method, "dataset_id": dataset.id, **({"teachers": named} if named else {})}

    answer = served.client.post("/v1/jobs", json=body)

    assert refusal(answer) == (422, "no_audio", ["/dataset_id"])


@pytest.mark.parametrize("method", ["speech_recognizer", "lip_by_speech"])
@pytest.mark.parametrize("field", ["dataset_id", "eval_dataset_id"])
def test_images_are_refused(shared: Served, method: str, field: str):
    with shared.zoo.transaction() as session:
        images = a_dataset(shared.zoo, session).id

    answer = ask(shared, method, **{field: images})

    assert refusal(answer) == (422, "dataset_has_images", [f"/{field}"])


def test_clips_and_readers_are_refused_by_a_training_on_images(shared: Served):
    answer = ask(shared, "knowledge_distillation", recognizer)

    assert refusal(answer) == (422, "dataset_has_clips", ["/dataset_id"])
