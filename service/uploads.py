"""Receives uploads: stages the bytes, verifies them, stores them and records them in the database.

The APIs call these functions from threads; no transaction is open while bytes arrive.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from service.container import Zoo
from service.core.errors import RefusedUploadError, TooLargeError, UnavailableError
from service.core.operations import owned_rows
from service.core.operations.quotas.admission import require_room
from service.core.operations.quotas.limits import Quota
from service.core.operations.zoo import uploads
from service.core.staging import CHECK_SPACE_BYTES, Received, Receiver, Staging
from service.core.tables import UploadRecord, UploadState


@dataclass(frozen=True)
class UploadPart:
    """One part of a resumable upload, open for writing."""

    upload: UploadRecord
    receiver: Receiver


@dataclass(frozen=True)
class UploadService:
    """Receives the uploads of one process: its staging folder and the running hashes."""

    zoo: Zoo

    @cached_property
    def staging(self) -> Staging:
        """The store of unfinished uploads."""
        return Staging(self.zoo.staging, self.zoo.disk_guard(self.zoo.staging))

    @property
    def largest_bytes(self) -> int:
        """Largest allowed size of any upload, in bytes."""
        return max(self.zoo.settings.max_model_bytes, self.zoo.settings.max_dataset_bytes)

    def require_space(self, size_bytes: int) -> None:
        """Refuse an upload that is too large or that arrives when the disk is full.

        Raises:
            TooLargeError: ``upload_too_large``.
            StorageFullError: The disk is full.
        """
        if size_bytes > self.largest_bytes:
            raise TooLargeError(
                f"{size_bytes} bytes announced, {self.largest_bytes} allowed",
                code="upload_too_large",
            )
        self.staging.guard.require_space()

    def require_quota(self, project: str, *, size_bytes: int) -> None:
        """Refuse a file before any of it arrives if the project has no room for it.

        Raises:
            TooLargeError: ``quota_exceeded``.
        """
        with self.zoo.transaction() as session:
            require_room(session, project, Quota.BYTES, wanted=size_bytes)

    def state(self, *, project: str, upload_id: str) -> UploadRecord:
        """The upload and its progress: the next byte is the first that is not in staging."""
        with self.zoo.transaction() as session:
            upload = owned_rows.get(session, UploadRecord, project=project, id=upload_id)
        if upload.state == UploadState.RECEIVING:
            upload.offset_bytes = self.staging.size(upload_id)
        return upload

    def open_part(self, *, project: str, upload_id: str, offset: int) -> UploadPart:
        """Open an upload at its next byte.

        Raises:
            ConflictError: The offset is not the next byte, or another request is sending.
        """
        with self.zoo.transaction() as session:
            upload = uploads.part_at(
                session,
                project=project,
                upload_id=upload_id,
                offset=offset,
                staged_bytes=self.staging.size(upload_id),
            )
        receiver = self.staging.receive(upload_id, offset=offset, limit=upload.size_bytes)
        return UploadPart(upload, receiver)

    def record_offset(self, part: UploadPart, *, offset: int) -> None:
        """Record that a resumed upload starts at ``offset``; called periodically while bytes arrive."""
        with self.zoo.transaction() as session:
            uploads.advance(
                session, project=part.upload.project, upload_id=part.upload.id, offset=offset
            )

    def close_part(self, part: UploadPart) -> UploadRecord:
        """Keep the received bytes; after the last byte, verify and store the file.

        Raises:
            RefusedUploadError: ``checksum_mismatch``; the upload restarts at offset 0.
            UnavailableError: The machine refused a write; the upload resumes after the last byte.
        """
        try:
            received = part.receiver.close()
        except UnavailableError:
            self.record_offset(part, offset=part.receiver.written)
            raise
        if received.size_bytes < part.upload.size_bytes:
            self.record_offset(part, offset=received.size_bytes)
            return self.state(project=part.upload.project, upload_id=part.upload.id)
        try:
            uploads.verify(part.upload, received)
        except RefusedUploadError:
            self.staging.remove(part.upload.id)
            self.record_offset(part, offset=0)
            raise
        self._store(part.upload.id, received)
        with self.zoo.transaction() as session:
            return uploads.complete(
                session,
                project=part.upload.project,
                upload_id=part.upload.id,
                received=received,
            )

    def discard_part(self, part: UploadPart, *, offset: int) -> None:
        """Close a part whose bytes are wrong; the upload continues at ``offset``, where it began."""
        part.receiver.discard(offset)
        self.record_offset(part, offset=offset)

    def receive_whole(self, *, limit: int) -> Receiver:
        """Open an unnamed upload whose bytes arrive in one request."""
        return self.staging.receive(f"whole-{uuid4().hex}", offset=0, limit=limit)

    def close_whole(self, receiver: Receiver) -> Received:
        """Store the bytes of an unnamed upload; they are gone if that fails."""
        try:
            received = receiver.close()
            self._store(receiver.name, received)
        except BaseException:
            receiver.abandon()
            raise
        return received

    def new_path(self) -> Path:
        """A new staging path for an API that writes the file itself."""
        self.staging.guard.require_space()
        return self.staging.path(f"whole-{uuid4().hex}")

    def store_file(self, path: Path) -> Received:
        """Store a file that an API has written."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        received = Received(path.stat().st_size, digest)
        self._store(path.name, received)
        return received

    def _store(self, name: str, received: Received) -> None:
        self.zoo.blobs.add(self.staging.path(name), sha256=received.sha256)
        self.staging.remove(name)


__all__ = ["CHECK_SPACE_BYTES", "UploadPart", "UploadService"]
