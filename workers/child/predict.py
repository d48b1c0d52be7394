"""The predict child: sandboxed like a job's child, but it serves many requests.

It receives groups of compatible requests through a socket, runs each group in one pass and sends
the responses. Programs stay loaded until their weights exceed the size of the cache.

A group is {file, forward_pass, requests: [{top_k, images, support, stylization, readings}]} and the
images of each request, those of its support, or styles and masks, last; or the clips of a reader.
``file`` None means that the program is loaded. The reply is {missing: true}, or {responses: [...]}
with the parts of all responses.
"""

import contextlib
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from service.core.errors import InvalidRequestError, ZooError
from service.core.frames import pack, unpack
from service.core.manifest import FewShotHead, InputSpec, StylizerHead
from service.core.predict_messages import ErrorDetails, ForwardPass, OutputKind, PredictResponse
from workers.child import predict_outputs
from workers.child.few_shot import OutputCache, few_shot_response
from workers.child.job import enter_sandbox, out_of_memory
from workers.child.program_cache import ProgramCache
from workers.child.reading import ClipPredictor, ReaderCache
from workers.child.style_files import FileLimits
from workers.child.stylize import Stylizer, files_beside
from workers.isolation import memory
from workers.isolation.workdir import Scratch
from workers.methods.dataset_ingestion.entries import ImageProblemError
from workers.methods.dataset_ingestion.images import checked_frame
from workers.programs import PassKind, Program
from workers.programs.machine_faults import is_out_of_memory, raise_machine_fault
from workers.programs.memory_needs import images_at_once
from workers.programs.outputs import with_output
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.attribution.features import OUTPUT
from workers.torchkit.few_shot import SupportConflictError
from workers.torchkit.stylization.painting import content_path_of

_FAILED: ErrorDetails = {
    "code": "prediction_failed",
    "detail": "the network failed on these images",
    "remedy": "look at the worker's log, then try other or fewer images",
    "pointer": None,
}


def run(config: Mapping[str, Any], messages: int) -> int:
    """Serve requests until the dispatcher closes the socket.

    Args:
        config: As for a job's child, and ``cache_bytes``, ``image_bytes``, ``image_pixels``,
            ``clip_bytes``, ``clip_seconds``.
        messages: Descriptor of the socket to the dispatcher.
    """
    enter_sandbox(config, Scratch(Path(config["folder"])))
    connection = Connection(messages)
    device = torch.device(config["device"])
    networks = _LoadedNetworks(
        config,
        ProgramCache(config["cache_bytes"], device),
        ReaderCache(config["cache_bytes"], device),
    )
    while True:
        try:
            request, files = unpack(connection.recv_bytes())
        except EOFError:
            return 0
        connection.send_bytes(_reply(request, files, networks))


@dataclass(frozen=True)
class _LoadedNetworks:
    """Networks that stay loaded between groups, and the limits of what they are served."""

    config: Mapping[str, Any]
    programs: ProgramCache
    readers: ReaderCache

    def responses(
        self, request: Mapping[str, Any], files: Sequence[bytes]
    ) -> list[PredictResponse] | None:
        """The responses to a group; None if the network's file is needed. Raises ZooError."""
        forward_pass = ForwardPass.of(request["forward_pass"])
        if forward_pass.reader is not None:
            return self._read(forward_pass, request, files)
        program = self.programs.get(forward_pass.program)
        if program is None and request["file"] is None:
            return None
        if program is None:
            program = self.programs.put(forward_pass.program, Path(request["file"]))
        group = _RequestGroup(program, forward_pass, request["requests"], self.config)
        return group.responses(files, self.programs.outputs)

    def _read(
        self, forward_pass: ForwardPass, request: Mapping[str, Any], clips: Sequence[bytes]
    ) -> list[PredictResponse] | None:
        reader = self.readers.get(forward_pass)
        if reader is None and request["file"] is None:
            return None
        if reader is None:
            reader = self.readers.put(forward_pass, Path(request["file"]))
        return ClipPredictor.of(reader, self.config).responses(request["requests"], clips)


def _reply(request: dict[str, Any], files: Sequence[bytes], networks: _LoadedNetworks) -> bytes:
    """The reply to one group."""
    try:
        responses = networks.responses(request, files)
        if responses is None:
            return pack({"missing": True})
    except Exception as error:  # noqa: BLE001 - the only handler of a request's failures
        details = _error_details(error, networks.config["memory_bytes"], len(request["requests"]))
        responses = [PredictResponse(None, error=details) for _ in request["requests"]]
    return pack(
        {"responses": [{**r.facts, "parts": len(r.parts)} for r in responses]},
        [part for response in responses for part in response.parts],
    )


def _error_details(error: Exception, share_bytes: int | None, requests: int) -> ErrorDetails:
    """The error for the clients of ``requests``; the trace goes to the child's log.

    Raises a fault of the machine, which ends the child: the requests go to a new one, each alone.
    """
    if isinstance(error, predict_outputs.OutputNotPossibleError):
        return predict_outputs.error_details(error, "/output")
    with contextlib.suppress(OSError):
        sys.stderr.write("".join(traceback.format_exception(error))[-20_000:])
    if isinstance(error, ZooError):
        return {
            "code": error.code,
            "detail": error.detail,
            "remedy": error.remedy,
            "pointer": None,
        }
    if requests == 1 and share_bytes is not None and is_out_of_memory(error):
        details = out_of_memory(share_bytes)
        return ErrorDetails(
            code=details["code"], detail=details["detail"], remedy=details["remedy"]
        )
    raise_machine_fault(error)
    return _FAILED


class UnreadableImageError(InvalidRequestError):
    """An image of a request cannot be read."""

    code = "image_unreadable"


class _RequestGroup:
    """Compatible requests and the program that serves them."""

    def __init__(
        self,
        program: Program,
        forward_pass: ForwardPass,
        requests: Sequence[Mapping[str, Any]],
        config: Mapping[str, Any],
    ) -> None:
        self._program = program
        self._pass = forward_pass
        self._requests = requests
        self._config = config
        spec = InputSpec.model_validate(forward_pass.input)
        self._image_size = max(spec.height, spec.width)
        self._preprocessing = Preprocessing.of(spec)

    def responses(self, images: Sequence[bytes], cache: OutputCache) -> list[PredictResponse]:
        """The response to each request; an unreadable image affects only its own request."""
        if any(request["stylization"] for request in self._requests):
            return self._stylized(images)
        decoded = [
            self._decode(files, request)
            for files, request in zip(
                self._images_per_request(images), self._requests, strict=True
            )
        ]
        if self._compares:
            return [
                self._compared(frames, request, cache) if isinstance(frames, Tensor) else frames
                for frames, request in zip(decoded, self._requests, strict=True)
            ]
        readable = [frames for frames in decoded if isinstance(frames, Tensor)]
        output = self._output(torch.cat(readable)) if readable else torch.empty(0)
        rows = iter(output.split([len(frames) for frames in readable]))  # type: ignore[no-untyped-call]
        return [
            self._response(next(rows), request["top_k"]) if isinstance(frames, Tensor) else frames
            for frames, request in zip(decoded, self._requests, strict=True)
        ]

    def _images_per_request(self, images: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
        """The images of each request."""
        start = 0
        for request in self._requests:
            count = request["images"] + len((request["support"] or {}).get("classes", ()))
            count += files_beside(request)
            yield images[start : start + count]
            start += count

    def _stylized(self, images: Sequence[bytes]) -> list[PredictResponse]:
        """The pictures that a stylizer paints for each request."""
        path = content_path_of(self._program, StylizerHead.model_validate(self._pass.stylizer))
        limits = FileLimits(self._config["image_bytes"], self._config["image_pixels"])
        stylizer = Stylizer(self._program, path, limits)
        return [
            stylizer.response(files, request)
            for files, request in zip(
                self._images_per_request(images), self._requests, strict=True
            )
        ]

    @property
    def _compares(self) -> bool:
        """Whether images are compared with a support, rather than run alone."""
        return self._pass.few_shot is not None and self._pass.output in (None, OutputKind.CLASSES)

    def _compared(
        self, frames: Tensor, request: Mapping[str, Any], cache: OutputCache
    ) -> PredictResponse:
        """The response of a few-shot learner."""
        outputs = cache.outputs(self._pass.key, frames, self._output)
        head = FewShotHead.model_validate(self._pass.few_shot)
        try:
            return few_shot_response(frames, outputs, request, head)
        except SupportConflictError as error:
            return PredictResponse(None, error=predict_outputs.error_details(error, "/support"))

    def _decode(
        self, files: Sequence[bytes], request: Mapping[str, Any]
    ) -> Tensor | PredictResponse:
        """The images as canonical frames, or the response that names the unreadable one."""
        frames = []
        for index, data in enumerate(files):
            support_index = index - request["images"]
            name = f"image {index}" if support_index < 0 else f"support image {support_index}"
            try:
                frames.append(self._frame(name, data))
            except UnreadableImageError as error:
                pointer = "/images" if support_index < 0 else "/support"
                return PredictResponse(None, error=predict_outputs.error_details(error, pointer))
        return torch.stack(frames)

    def _frame(self, name: str, data: bytes) -> Tensor:
        try:
            frame = checked_frame(
                data,
                self._image_size,
                bytes_limit=self._config["image_bytes"],
                pixels_limit=self._config["image_pixels"],
            )
        except ImageProblemError as error:
            raise UnreadableImageError(
                f"{name}: {error.detail}",
                remedy=error.remedy or "send JPEG, PNG, WebP, BMP, AVIF or HEIC files",
            ) from error
        return torch.from_numpy(frame)

    def _output(self, frames: Tensor) -> Tensor:
        """The output of the requested layer for all images, in one pass if the memory allows.

        Raises:
            NotEnoughMemoryError: Not even one image fits.
        """
        inputs = to_network_input(frames, self._preprocessing).to(self._program.device)
        layer = self._layer()
        network = with_output(self._program, self._pass.network_output)
        step = images_at_once(
            network,
            most=len(inputs),
            least=1,
            kind=PassKind.FORWARD,
            limit_bytes=memory.free_bytes(),
        )
        with torch.inference_mode():
            parts = [network.read(part, [layer])[layer] for part in inputs.split(step)]  # type: ignore[no-untyped-call]
        return torch.cat(parts).float().cpu()

    def _layer(self) -> str:
        """The layer to read: the network's output unless features are requested."""
        if self._pass.output is not OutputKind.FEATURES or self._reads_own_features:
            return OUTPUT
        layer = self._pass.layer or self._pass.feature_layer
        return layer or self._program.feature_layer

    @property
    def _reads_own_features(self) -> bool:
        """Whether the features are those that a few-shot learner compares."""
        return self._pass.few_shot is not None and self._pass.layer is None

    def _kind(self, output: Tensor) -> OutputKind:
        if self._pass.output is not None:
            return self._pass.output
        return predict_outputs.kind_of(predict_outputs.squeezed(output), self._pass.task)

    def _response(self, output: Tensor, top_k: int) -> PredictResponse:
        kind = self._kind(output)
        if kind is OutputKind.CLASSES:
            classes = predict_outputs.likely_classes(
                predict_outputs.squeezed(output),
                scale=self._pass.scale,
                task=self._pass.task,
                top_k=top_k,
            )
            return PredictResponse(kind, classes=classes)
        if kind is OutputKind.IMAGE:
            return PredictResponse(kind, parts=predict_outputs.pictures(output))
        if self._pass.few_shot is not None and self._reads_own_features:
            output = output[:, : self._pass.few_shot["units"]]
        return PredictResponse(kind, parts=(predict_outputs.array_file(output),))
