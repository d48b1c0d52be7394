"""Asking a network about images, on behalf of a door: look it up, ask a worker, name the classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from service.adapters.predict_queue import PredictQueue
from service.container import Zoo
from service.core.errors import UnavailableError
from service.core.operations.zoo import predictions
from service.core.operations.zoo.predictions import PredictOptions
from service.core.predict_messages import OutputKind


@dataclass(frozen=True)
class PredictResult:
    """What a network says: classes with names, or PNG files, or one npy file."""

    model_id: str
    kind: OutputKind
    classes: list[list[dict[str, Any]]]
    parts: tuple[bytes, ...]


@dataclass(frozen=True)
class PredictClient:
    """One process's end of the line to the workers. Thread-safe."""

    zoo: Zoo

    @cached_property
    def _line(self) -> PredictQueue:
        url = self.zoo.settings.redis_url
        if url is None:
            raise UnavailableError(
                "no broker is set, so no worker can be asked",
                code="no_prediction_worker",
                remedy="set ZOO_REDIS_URL, or start everything with `zooscope up`",
            )
        return PredictQueue(url.get_secret_value())

    def ask(
        self, *, project: str, model_id: str, images: Sequence[bytes], options: PredictOptions
    ) -> PredictResult:
        """What the model says to the images; waits for a worker's answer.

        Raises:
            ZooError: As ``predictions.question`` and ``PredictQueue.ask`` say.
        """
        with self.zoo.transaction() as session:
            model, question = predictions.question(
                session,
                project=project,
                model_id=model_id,
                images=images,
                options=options,
                most_bytes=self.zoo.settings.max_image_bytes,
                timeout_seconds=self.zoo.settings.predict_timeout_seconds,
            )
        answer = self._line.ask(question)
        assert answer.kind is not None
        classes = predictions.named(model, answer.classes)
        return PredictResult(model.id, answer.kind, classes, answer.parts)
