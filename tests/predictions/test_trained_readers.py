"""What trainings on clips leave in the zoo reads clips in a real child."""

from collections.abc import Iterator
from typing import Any

import pytest

from service.container import Zoo
from service.core.operations.zoo.predictions import PredictOptions, request_for
from service.core.operations.zoo.readings import ReadingOptions
from service.core.readings import ReadingSettings
from tests.workers.reader_jobs import (
    CLIPS,
    QUICK,
    job_of,
    submitted,
    training,
    worker_with_clips,
)
from tests.workers.test_every_method_end_to_end import PROJECT
from workers.isolation.fork_client import ForkServerClient
from workers.worker.predict_child import PredictChild
from workers.worker.run_job import WorkerContext, run_next

SHARES = ("first_share", "tone_share", "character_share", "joint_share")


@pytest.fixture(scope="module")
def context(shared_zoo: Zoo, fork_server: ForkServerClient) -> WorkerContext:
    return worker_with_clips(shared_zoo, fork_server)


@pytest.fixture(scope="module")
def recognizer(context: WorkerContext) -> str:
    return model_of(context, training(context.zoo))


@pytest.fixture(scope="module")
def lip_reader(context: WorkerContext, recognizer: str) -> str:
    inputs = {"dataset_id": "dst_1", "teachers": [recognizer]}
    params = QUICK | {"components": 4}
    return model_of(context, submitted(context.zoo, "lip_by_speech", inputs, **params))


@pytest.fixture(scope="module")
def cascade(context: WorkerContext) -> str:
    params: dict[str, Any] = QUICK | dict.fromkeys(SHARES, 1.0) | {"components": 4}
    inputs = {"dataset_id": "dst_1"}
    return model_of(context, submitted(context.zoo, "cascade_seq2seq", inputs, **params))


@pytest.fixture(scope="module")
def child(shared_zoo: Zoo, fork_server: ForkServerClient) -> Iterator[PredictChild]:
    child = PredictChild.start(shared_zoo, fork_server)
    yield child
    child.end()


def model_of(context: WorkerContext, job_id: str) -> str:
    """The model that the job leaves."""
    assert run_next(context)
    job = job_of(context.zoo, job_id)
    assert job.state == "succeeded", job.error
    model_id: str = job.result["model_id"]
    return model_id


@pytest.mark.parametrize("kind", ["recognizer", "lip_reader", "cascade"])
def test_a_trained_reader_reads_stored_clips_and_compares_them_with_their_words(
    context: WorkerContext, child: PredictChild, kind: str, request: pytest.FixtureRequest
) -> None:
    reading = ReadingOptions(
        settings=ReadingSettings(beam_width=2), dataset_id="dst_1", positions=(0, 3)
    )
    with context.zoo.transaction() as session:
        checked = request_for(
            session,
            project=PROJECT,
            model_id=request.getfixturevalue(kind),
            images=(),
            options=PredictOptions(reading=reading),
            blobs=context.zoo.blobs,
            most_bytes=10**8,
            timeout_seconds=60,
        )

    (response,) = child.responses([checked.request])

    assert checked.clips is not None
    assert [clip.words["transcript"] for clip in checked.clips.stored] == [
        CLIPS[0][1],
        CLIPS[3][1],
    ]
    assert len(response.parts) == 2
    for answer in response.texts:
        assert answer["reading"] is not None
        assert answer["reading"]["error_rate"] is not None
        assert (answer["reading"]["cascade"] is not None) is (kind == "cascade")
