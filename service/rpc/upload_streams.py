"""Uploads as a stream of messages: a header, then chunks."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from service.core.errors import InvalidRequestError
from service.core.file_names import file_name
from service.core.operations.zoo import uploads as operations
from service.core.staging import Received
from service.core.tables import UploadRecord
from service.uploads import UploadService

H = TypeVar("H")


class Incoming(Generic[H]):
    """An upload under way: its header, and the store for what follows."""

    def __init__(self, requests: Iterator[Any]) -> None:
        first = next(requests, None)
        if first is None or first.WhichOneof("part") != "header":
            raise InvalidRequestError(
                "the first message of an upload is its header",
                code="header_missing",
                remedy="send `header` with the manifest, then `chunk` after `chunk`",
            )
        file_name(first.header.filename)
        self.header: H = first.header
        self._requests = requests

    def store(self, uploads: UploadService, *, limit: int) -> Received:
        """Write, hash and store the chunks; memory stays flat.

        Raises:
            InvalidRequestError: A second header.
            TooLargeError: More than ``limit`` bytes.
        """
        receiver = uploads.receive_whole(limit=limit)
        try:
            for chunk in self._chunks():
                receiver.feed(chunk)
                if (waiting := receiver.backlog()) is not None:
                    waiting.result()
        except BaseException:
            receiver.abandon()
            raise
        return uploads.close_whole(receiver)

    def _chunks(self) -> Iterator[bytes]:
        for request in self._requests:
            if request.WhichOneof("part") != "chunk":
                raise InvalidRequestError("an upload has one header", code="header_repeated")
            yield request.chunk


def noted(session: Any, *, project: str, header: Any, received: Received) -> UploadRecord:
    """The stored bytes as a finished upload, if they are those that the header announced.

    Raises:
        RefusedUploadError: ``checksum_mismatch``.
    """
    record = operations.completed(
        session, project=project, filename=file_name(header.filename), received=received
    )
    record.expected_sha256 = header.sha256 if header.HasField("sha256") else None
    operations.verify(record, received)
    return record
