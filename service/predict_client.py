"""Runs predictions for the APIs: look up the model, ask a worker, name the classes."""

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
    """A prediction: classes with names, PNG files, or one npy file."""

    model_id: str
    kind: OutputKind
    classes: list[list[dict[str, Any]]]
    parts: tuple[bytes, ...]


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
        """The model's prediction for the images; waits for a worker's response.

        Raises:
            ZooError: Those of ``predictions.request_for`` and ``PredictQueue.call``.
        """
        with self.zoo.transaction() as session:
            model, request = predictions.request_for(
                session,
                project=project,
                model_id=model_id,
                images=images,
                options=options,
                most_bytes=self.zoo.settings.max_image_bytes,
                timeout_seconds=self.zoo.settings.predict_timeout_seconds,
            )
        response = self._queue.call(request)
        assert response.kind is not None
        classes = predictions.named(model, response.classes)
        return PredictResult(model.id, response.kind, classes, response.parts)
