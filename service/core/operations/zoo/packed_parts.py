"""Parts of a dataset's packed file: images, masks, and pictures of clips."""

import hashlib
from dataclasses import dataclass

from service.core.blobs import VerifiedStore


@dataclass(frozen=True)
class PackedPart:
    """Where the bytes of one thing are in the packed file of its dataset, and their digest."""

    packed_sha256: str
    start: int
    length: int
    sha256: str

    def read(self, blobs: VerifiedStore) -> bytes:
        """The bytes.

        Raises:
            BlobDamagedError: The packed file is damaged.
        """
        data = b"".join(blobs.read(self.packed_sha256, start=self.start, length=self.length))
        if hashlib.sha256(data).hexdigest() != self.sha256:
            blobs.verify(self.packed_sha256)
        return data
