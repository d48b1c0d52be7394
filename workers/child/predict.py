"""The predict child: sandboxed like a job's child, but it serves many requests.

It receives groups of compatible requests through a socket, runs each group in one pass and sends
the responses. Programs stay loaded until their weights exceed the size of the cache.

A group is {program, file, model, output, layer, requests: [{top_k, images}]} and the images;
``file`` None means that the program is loaded. The reply is {missing: true}, or {responses: [...]}
with the parts of all responses.
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
from workers.child.job import enter_sandbox
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
    "remedy": "look at the worker's log, then try other or fewer images",
    "pointer": None,
}


@dataclass
class ProgramCache:
    """Loaded programs, the least recently used first; bounded by the bytes of their weights."""

    max_bytes: int
    device: torch.device
    _programs: OrderedDict[str, Program] = field(default_factory=OrderedDict)

    def get(self, digest: str) -> Program | None:
        """The program if it is loaded, marked as used just now."""
        if digest in self._programs:
            self._programs.move_to_end(digest)
        return self._programs.get(digest)

    def put(self, digest: str, file: Path) -> Program:
        """Load a program and evict the least recently used ones. Raises ZooError."""
        program = read_program(file).to(self.device)
        self._programs[digest] = program
        while len(self._programs) > 1 and self._bytes() > self.max_bytes:
            self._programs.popitem(last=False)
        return program

    def _bytes(self) -> int:
        return sum(
            weight.numel() * weight.element_size()
            for program in self._programs.values()
            for _, weight in program.named_weights()
        )


def run(config: Mapping[str, Any], messages: int) -> int:
    """Serve requests until the dispatcher closes the socket.

    Args:
        config: As for a job's child, and ``cache_bytes``, ``image_bytes``, ``image_pixels``.
        messages: Descriptor of the socket to the dispatcher.
    """
    enter_sandbox(config, Scratch(Path(config["folder"])))
    connection = Connection(messages)
    cache = ProgramCache(config["cache_bytes"], torch.device(config["device"]))
    while True:
        try:
            request, images = unpack(connection.recv_bytes())
        except EOFError:
            return 0
        connection.send_bytes(_reply(request, images, cache, config))


def _reply(
    request: dict[str, Any],
    images: Sequence[bytes],
    cache: ProgramCache,
    config: Mapping[str, Any],
) -> bytes:
    """The reply to one group."""
    try:
        program = cache.get(request["program"])
        if program is None and request["file"] is None:
            return pack({"missing": True})
        if program is None:
            program = cache.put(request["program"], Path(request["file"]))
        responses = _RequestGroup(program, request, config).responses(images)
    except Exception as error:  # noqa: BLE001 - the only handler of a request's failures
        responses = [
            PredictResponse(None, error=_error_details(error)) for _ in request["requests"]
        ]
    return pack(
        {"responses": [{**_without_parts(r), "parts": len(r.parts)} for r in responses]},
        [part for response in responses for part in response.parts],
    )


def _without_parts(response: PredictResponse) -> dict[str, Any]:
    return {"kind": response.kind, "classes": response.classes, "error": response.error}


def _error_details(error: Exception) -> dict[str, Any]:
    """The error for the client; the trace goes to the child's log.

    Raises a fault of the machine, which ends the child: the requests go to a new one.
    """
    if isinstance(error, predict_outputs.OutputNotPossibleError):
        return predict_outputs.error_details(error, "/output")
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
    """An image of a request cannot be read."""

    code = "image_unreadable"


class _RequestGroup:
    """Compatible requests and the program that serves them."""

    def __init__(
        self, program: Program, request: Mapping[str, Any], config: Mapping[str, Any]
    ) -> None:
        self._program = program
        self._request = request
        self._config = config
        spec = InputSpec.model_validate(request["model"]["input"])
        self._image_size = max(spec.height, spec.width)
        self._preprocessing = Preprocessing.of(spec)
        self._task = request["model"]["task"]

    def responses(self, images: Sequence[bytes]) -> list[PredictResponse]:
        """The response to each request; an unreadable image affects only its own request."""
        decoded = [self._decode(files) for files in self._images_per_request(images)]
        readable = [frames for frames in decoded if isinstance(frames, Tensor)]
        output = self._output(torch.cat(readable)) if readable else torch.empty(0)
        rows = iter(output.split([len(frames) for frames in readable]))  # type: ignore[no-untyped-call]
        return [
            self._response(next(rows), request["top_k"]) if isinstance(frames, Tensor) else frames
            for frames, request in zip(decoded, self._request["requests"], strict=True)
        ]

    def _images_per_request(self, images: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
        """The images of each request."""
        start = 0
        for request in self._request["requests"]:
            yield images[start : start + request["images"]]
            start += request["images"]

    def _decode(self, files: Sequence[bytes]) -> Tensor | PredictResponse:
        """The images as canonical frames, or the response that names the unreadable one."""
        try:
            return torch.stack([self._frame(index, data) for index, data in enumerate(files)])
        except UnreadableImageError as error:
            return PredictResponse(None, error=predict_outputs.error_details(error, "/images"))

    def _frame(self, index: int, data: bytes) -> Tensor:
        try:
            frame = checked_frame(
                data,
                self._image_size,
                bytes_limit=self._config["image_bytes"],
                pixels_limit=self._config["image_pixels"],
            )
        except ImageProblemError as error:
            raise UnreadableImageError(
                f"image {index}: {error.detail}", remedy="send JPEG, PNG, WebP or BMP files"
            ) from error
        return torch.from_numpy(frame)

    def _output(self, frames: Tensor) -> Tensor:
        """The output of the requested layer for all images, in one pass."""
        inputs = to_network_input(frames, self._preprocessing).to(self._program.device)
        layer = self._layer()
        with torch.inference_mode():
            return self._program.read(inputs, [layer])[layer].float().cpu()

    def _layer(self) -> str:
        """The layer to read: the network's output unless features are requested."""
        if self._request["output"] != OutputKind.FEATURES:
            return OUTPUT
        layer = self._request["layer"] or self._request["model"]["feature_layer"]
        return layer or self._program.feature_layer

    def _kind(self, output: Tensor) -> OutputKind:
        kind = self._request["output"]
        if kind is not None:
            return OutputKind(kind)
        return predict_outputs.kind_of(predict_outputs.squeezed(output), self._task)

    def _response(self, output: Tensor, top_k: int) -> PredictResponse:
        kind = self._kind(output)
        if kind is OutputKind.CLASSES:
            scores = predict_outputs.squeezed(output)
            classes = predict_outputs.likely_classes(scores, task=self._task, top_k=top_k)
            return PredictResponse(kind, classes=classes)
        if kind is OutputKind.IMAGE:
            return PredictResponse(kind, parts=predict_outputs.pictures(output))
        return PredictResponse(kind, parts=(predict_outputs.array_file(output),))
