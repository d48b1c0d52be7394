"""Runs predictions for the APIs: look up the model, ask a worker, name the classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from service.adapters.predict_queue import PredictQueue
from service.container import Zoo
from service.core.errors import FieldProblem, InvalidRequestError, UnavailableError
from service.core.operations.zoo import predictions
from service.core.operations.zoo.predictions import PredictOptions
from service.core.operations.zoo.readings import ChosenClips, StoredClip
from service.core.predict_messages import OutputKind, PredictResponse, SupportFacts
from service.core.readings import ClipProblem, ClipReadingFacts
from service.core.stylizations import PictureFormat


@dataclass(frozen=True)
class FewShotResult:
    """What a few-shot learner says of the support and the images."""

    names: Sequence[str]
    facts: SupportFacts


@dataclass(frozen=True)
class ClipResult:
    """What a reader made of one clip, or why it did not read it.

    Attributes:
        attention: What each token of the text attends to, PNG; empty where nothing was read.
        stored: The clip, if it is one of a dataset.
    """

    reading: ClipReadingFacts | None
    problem: ClipProblem | None
    attention: bytes = b""
    stored: StoredClip | None = None


@dataclass(frozen=True)
class PredictResult:
    """A prediction: classes with names, picture files, one npy file, or texts of clips.

    Attributes:
        support: Only for a few-shot learner.
        picture_format: Format of the pictures among the parts.
        clips: Only for a reader.
    """

    model_id: str
    kind: OutputKind
    classes: list[list[dict[str, Any]]]
    parts: tuple[bytes, ...]
    support: FewShotResult | None = None
    picture_format: PictureFormat = PictureFormat.PNG
    clips: Sequence[ClipResult] = ()


@dataclass(frozen=True)
class PredictClient:
    """Sends predictions to the workers and waits for responses. Thread-safe."""

    zoo: Zoo

    @cached_property
    def _queue(self) -> PredictQueue:
        url = self.zoo.settings.redis_url
        if url is None:
            raise UnavailableError(
                "no broker is configured, so no worker can be reached",
                code="no_prediction_worker",
                remedy="set ZOO_REDIS_URL, or start everything with `zooscope up`",
            )
        return PredictQueue(url.get_secret_value())

    def predict(
        self, *, project: str, model_id: str, images: Sequence[bytes], options: PredictOptions
    ) -> PredictResult:
        """The model's prediction for the images or clips; waits for a worker's response.

        Raises:
            ZooError: Those of ``predictions.request_for`` and ``PredictQueue.call``; or that of the
                first clip, if no clip could be read.
        """
        with self.zoo.transaction() as session:
            checked = predictions.request_for(
                session,
                project=project,
                model_id=model_id,
                images=images,
                options=options,
                blobs=self.zoo.blobs,
                most_bytes=self.zoo.settings.max_image_bytes,
                timeout_seconds=self.zoo.settings.predict_timeout_seconds,
            )
        model, request = checked.model, checked.request
        response = self._queue.call(request)
        assert response.kind is not None
        names = request.support.names if request.support else model.manifest.get("classes") or ()
        classes = predictions.named(names, response.classes)
        support = None
        if request.support is not None and response.support is not None:
            support = FewShotResult(request.support.names, response.support)
        style = request.stylization
        return PredictResult(
            model.id,
            response.kind,
            classes,
            response.parts,
            support,
            picture_format=PictureFormat.PNG if style is None else style.settings.format,
            clips=() if checked.clips is None else _clip_results(response, checked.clips),
        )


def _clip_results(response: PredictResponse, chosen: ChosenClips) -> Sequence[ClipResult]:
    """What the reader made of every clip. Raises InvalidRequestError: it read none."""
    pictures = iter(response.parts)
    results = [
        ClipResult(
            answer["reading"],
            answer["problem"],
            b"" if answer["reading"] is None else next(pictures),
            clip if isinstance(clip, StoredClip) else None,
        )
        for answer, clip in zip(response.texts, chosen.clips, strict=True)
    ]
    if not response.parts:
        raise _unread([result.problem for result in results if result.problem is not None])
    return results


def _unread(problems: Sequence[ClipProblem]) -> InvalidRequestError:
    """The error of a request none of whose clips could be read: that of the first clip."""
    return InvalidRequestError(
        problems[0]["detail"],
        code=problems[0]["code"],
        remedy=problems[0]["remedy"],
        errors=[
            FieldProblem(f"/clips/{index}", problem["detail"])
            for index, problem in enumerate(problems)
        ],
    )
