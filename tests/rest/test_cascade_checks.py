"""A cascade is refused at submission by clips and first stages that do not fit."""

from typing import Any

import pytest
from sqlalchemy import update

from service.core.tables import ClipRecord, ModelState
from tests.rest.cascades import THREE_STAGES, a_cascade, a_set_of_chinese_clips
from tests.rest.clip_readers import a_reader
from tests.rest.served import Served, a_dataset, a_model, a_set_of_clips
from tests.rest.trainings import refusal


def ask(served: Served, *, first_stage: str | None = None, **fields: Any) -> Any:
    """The response to a cascade on eight clips with pinyin."""
    with served.zoo.transaction() as session:
        dataset = a_set_of_chinese_clips(served.zoo, session).id
    body = {
        "method": "cascade_seq2seq",
        "dataset_id": dataset,
        "inputs": {"first_stage": first_stage},
        **fields,
        "params": {"batch_size": 8, **fields.get("params", {})},
    }
    return served.client.post("/v1/jobs", json=body)


def a_model_of(served: Served, kind: str) -> str:
    """The id of a model of this kind."""
    with served.zoo.transaction() as session:
        if kind == "classifier":
            return a_model(session).id
        if kind == "recognizer":
            return a_reader(session).id
        if kind == "one_stage":
            return a_cascade(session, stages={"character": ("你", "好")}).id
        if kind == "stranger":
            return a_cascade(session, stages={**THREE_STAGES, "pinyin": ("ma", "mi")}).id
        if kind == "damaged":
            return a_cascade(session, state=ModelState.DAMAGED).id
        return a_cascade(session).id


@pytest.mark.parametrize(
    "stages", [["character"], ["pinyin", "character"], ["pinyin", "tone", "character"]]
)
def test_clips_with_pinyin_are_accepted(shared: Served, stages: list[str]):
    answer = ask(shared, params={"stages": stages})

    assert answer.status_code == 202, answer.text


def test_a_fitting_first_stage_is_accepted_by_id(shared: Served):
    answer = ask(shared, first_stage=a_model_of(shared, "cascade"))

    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("kind", "params", "code"),
    [
        ("classifier", {}, "model_reads_images"),
        ("recognizer", {}, "not_a_cascade"),
        ("one_stage", {}, "other_first_stage"),
        ("stranger", {}, "vocabulary_mismatch"),
        ("cascade", {"stages": ["character"]}, "other_first_stage"),
        ("cascade", {"width": 16}, "other_first_stage"),
        ("cascade", {"layers": 2}, "other_first_stage"),
        ("cascade", {"frame_rate": 30}, "other_first_stage"),
        ("cascade", {"components": 8}, "other_first_stage"),
    ],
)
def test_a_first_stage_that_does_not_fit_is_refused(
    shared: Served, kind: str, params: dict[str, Any], code: str
):
    answer = ask(shared, first_stage=a_model_of(shared, kind), params=params)

    assert refusal(answer) == (422, code, ["/inputs/first_stage"])
    assert answer.json()["remedy"]


def test_a_damaged_first_stage_is_refused(shared: Served):
    answer = ask(shared, first_stage=a_model_of(shared, "damaged"))

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["pointer"] == "/inputs/first_stage"


@pytest.mark.parametrize("field", ["dataset_id", "eval_dataset_id"])
def test_clips_without_chinese_text_are_refused(shared: Served, field: str):
    with shared.zoo.transaction() as session:
        clips = a_set_of_clips(shared.zoo, session)
        clips.clips = 40
        without = update(ClipRecord).where(ClipRecord.dataset_id == clips.id)
        session.execute(without.values(transcript="hello", pinyin=None))
        other = clips.id

    answer = ask(shared, **{field: other})

    assert refusal(answer) == (422, "no_chinese_text", [f"/{field}"])


@pytest.mark.parametrize("field", ["dataset_id", "eval_dataset_id"])
def test_images_are_refused(shared: Served, field: str):
    with shared.zoo.transaction() as session:
        images = a_dataset(shared.zoo, session).id

    answer = ask(shared, **{field: images})

    assert refusal(answer) == (422, "dataset_has_images", [f"/{field}"])


def test_fewer_clips_with_pinyin_than_a_batch_are_refused_unless_there_is_one_stage(
    served: Served,
):
    with served.zoo.transaction() as session:
        clips = a_set_of_chinese_clips(served.zoo, session)
        last = (ClipRecord.dataset_id == clips.id) & (ClipRecord.position == 7)
        session.execute(update(ClipRecord).where(last).values(pinyin=None))
        dataset = clips.id

    refused = ask(served, dataset_id=dataset)
    accepted = ask(served, dataset_id=dataset, params={"stages": ["character"]})

    assert refusal(refused) == (422, "too_few_clips", ["/params/batch_size"])
    assert accepted.status_code == 202, accepted.text


@pytest.mark.parametrize(("first", "fewest"), [(None, 13), ("cascade", 6)])
def test_a_budget_that_leaves_a_phase_without_a_step_is_refused(
    shared: Served, first: str | None, fewest: int
):
    first_stage = None if first is None else a_model_of(shared, first)

    short = ask(shared, first_stage=first_stage, budget={"steps": fewest - 1})
    enough = ask(shared, first_stage=first_stage, budget={"steps": fewest})

    assert refusal(short) == (422, "budget_too_short", ["/budget"])
    assert f"at least {fewest} steps" in short.json()["remedy"]
    assert enough.status_code == 202, enough.text
