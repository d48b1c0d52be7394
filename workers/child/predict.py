"""The warm child: sandboxed like a job's, but alive from question to question.

It hears groups of kindred questions through a socket, runs each group in one pass, and says what
it found. Programs it was given stay loaded until their weights together are too many bytes.

A request is {program, file, model, output, layer, questions: [{top_k, images}]} and the images;
``file`` None means: as loaded before. The reply is {missing: true}, or {answers: [...]} with the
parts of all answers.
"""

import sys
import traceback
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from service.core.errors import InvalidRequestError, ZooError
from service.core.frames import pack, unpack
from service.core.manifest import InputSpec
from service.core.predict_messages import OutputKind, PredictResponse
from workers.child import predict_outputs
from workers.child.job import settle
from workers.isolation.workdir import Scratch
from workers.methods.dataset_ingestion.entries import ImageProblemError
from workers.methods.dataset_ingestion.images import checked_frame
from workers.programs import Program, read_program
from workers.programs.machine_faults import raise_machine_fault
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.attribution.features import OUTPUT

_FAILED = {
    "code": "prediction_failed",
    "detail": "the network failed on these images",
    "remedy": "look at the worker's log; other images or fewer of them may do",
    "pointer": None,
}


@dataclass
class Shelf:
    """Loaded programs, the least recently used first; bounded by the bytes of their weights."""

    most_bytes: int
    device: torch.device
    _programs: OrderedDict[str, Program] = field(default_factory=OrderedDict)

    def get(self, digest: str) -> Program | None:
        """The program, if it is loaded; it counts as used now."""
        if digest in self._programs:
            self._programs.move_to_end(digest)
        return self._programs.get(digest)

    def put(self, digest: str, file: Path) -> Program:
        """Load a program; the longest unused ones make room. Raises ZooError."""
        program = read_program(file).to(self.device)
        self._programs[digest] = program
        while len(self._programs) > 1 and self._bytes() > self.most_bytes:
            self._programs.popitem(last=False)
        return program

    def _bytes(self) -> int:
        return sum(
            weight.numel() * weight.element_size()
            for program in self._programs.values()
            for _, weight in program.named_weights()
        )


def live(order: Mapping[str, Any], messages: int) -> int:
    """Answer until the attendant hangs up.

    Args:
        order: As for a job's child, and ``shelf_bytes``, ``image_bytes``, ``image_pixels``.
        messages: Descriptor of the socket to the attendant.
    """
    settle(order, Scratch(Path(order["folder"])))
    line = Connection(messages)
    shelf = Shelf(order["shelf_bytes"], torch.device(order["device"]))
    while True:
        try:
            request, images = unpack(line.recv_bytes())
        except EOFError:
            return 0
        line.send_bytes(_replied(request, images, shelf, order))


def _replied(
    request: dict[str, Any], images: Sequence[bytes], shelf: Shelf, order: Mapping[str, Any]
) -> bytes:
    """The reply to one group."""
    try:
        program = shelf.get(request["program"])
        if program is None and request["file"] is None:
            return pack({"missing": True})
        if program is None:
            program = shelf.put(request["program"], Path(request["file"]))
        found = _Group(program, request, order).answered(images)
    except Exception as error:  # noqa: BLE001 - the one place where a failure is told
        found = [PredictResponse(None, error=_told(error)) for _ in request["questions"]]
    return pack(
        {"answers": [{**_without_parts(one), "parts": len(one.parts)} for one in found]},
        [part for one in found for part in one.parts],
    )


def _without_parts(answer: PredictResponse) -> dict[str, Any]:
    return {"kind": answer.kind, "classes": answer.classes, "error": answer.error}


def _told(error: Exception) -> dict[str, Any]:
    """What the asker hears of a failure; the trace goes to the child's log.

    Raises a fault of the machine, which ends the child: another one is asked once more.
    """
    if isinstance(error, predict_outputs.OutputNotPossibleError):
        return predict_outputs.told(error, "/output")
    sys.stderr.write("".join(traceback.format_exception(error))[-20_000:])
    if isinstance(error, ZooError):
        return {
            "code": error.code,
            "detail": error.detail,
            "remedy": error.remedy,
            "pointer": None,
        }
    raise_machine_fault(error)
    return _FAILED


class UnreadableImageError(InvalidRequestError):
    """An image of a question cannot be read."""

    code = "image_unreadable"


class _Group:
    """Kindred questions and the program they are for."""

    def __init__(
        self, program: Program, request: Mapping[str, Any], order: Mapping[str, Any]
    ) -> None:
        self._program = program
        self._request = request
        self._order = order
        spec = InputSpec.model_validate(request["model"]["input"])
        self._side = max(spec.height, spec.width)
        self._preprocessing = Preprocessing.of(spec)
        self._task = request["model"]["task"]

    def answered(self, images: Sequence[bytes]) -> list[PredictResponse]:
        """An answer to each question; a bad image spoils only its own question."""
        read = [self._read(files) for files in self._shared_out(images)]
        good = [frames for frames in read if isinstance(frames, Tensor)]
        output = self._output(torch.cat(good)) if good else torch.empty(0)
        rows = iter(output.split([len(frames) for frames in good]))  # type: ignore[no-untyped-call]
        return [
            self._answer(next(rows), question["top_k"]) if isinstance(frames, Tensor) else frames
            for frames, question in zip(read, self._request["questions"], strict=True)
        ]

    def _shared_out(self, images: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
        """The images of each question."""
        start = 0
        for question in self._request["questions"]:
            yield images[start : start + question["images"]]
            start += question["images"]

    def _read(self, files: Sequence[bytes]) -> Tensor | PredictResponse:
        """The images as canonical frames, or the answer that says which one is bad."""
        try:
            return torch.stack([self._frame(place, data) for place, data in enumerate(files)])
        except UnreadableImageError as error:
            return PredictResponse(None, error=predict_outputs.told(error, "/images"))

    def _frame(self, place: int, data: bytes) -> Tensor:
        try:
            frame = checked_frame(
                data,
                self._side,
                bytes_limit=self._order["image_bytes"],
                pixels_limit=self._order["image_pixels"],
            )
        except ImageProblemError as error:
            raise UnreadableImageError(
                f"image {place}: {error.detail}", remedy="send JPEG, PNG, WebP or BMP files"
            ) from error
        return torch.from_numpy(frame)

    def _output(self, frames: Tensor) -> Tensor:
        """What the wanted layer says to all images, in one pass."""
        inputs = to_network_input(frames, self._preprocessing).to(self._program.device)
        layer = self._layer()
        with torch.inference_mode():
            return self._program.read(inputs, [layer])[layer].float().cpu()

    def _layer(self) -> str:
        """The layer that is read: the answer itself unless features are asked for."""
        if self._request["output"] != OutputKind.FEATURES:
            return OUTPUT
        named = self._request["layer"] or self._request["model"]["feature_layer"]
        return named or self._program.feature_layer

    def _kind(self, output: Tensor) -> OutputKind:
        wanted = self._request["output"]
        if wanted is not None:
            return OutputKind(wanted)
        return predict_outputs.kind_of(predict_outputs.squeezed(output), self._task)

    def _answer(self, output: Tensor, top_k: int) -> PredictResponse:
        kind = self._kind(output)
        if kind is OutputKind.CLASSES:
            scores = predict_outputs.squeezed(output)
            found = predict_outputs.likely_classes(scores, task=self._task, top_k=top_k)
            return PredictResponse(kind, classes=found)
        if kind is OutputKind.IMAGE:
            return PredictResponse(kind, parts=predict_outputs.pictures(output))
        return PredictResponse(kind, parts=(predict_outputs.array_file(output),))
