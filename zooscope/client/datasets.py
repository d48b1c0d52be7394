"""The sets of images, as a client handles them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from zooscope.client.archives import archive_of
from zooscope.client.downloads import content
from zooscope.client.paging import paged
from zooscope.client.polling import wait_until_final
from zooscope.client.results import Dataset
from zooscope.client.transport import Transport
from zooscope.client.uploads import OnProgress, ignore_progress, upload


class Datasets:
    """``zoo.datasets``: send, look, remove."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def push(
        self,
        source: Path | Sequence[Path],
        manifest: Mapping[str, Any],
        *,
        on_progress: OnProgress = ignore_progress,
    ) -> Dataset:
        """Send images. They are then checked by the zoo: see ``wait``.

        Args:
            source: A zip, tar or Parquet file; a folder, whose sub-folders name classes; or
                images. Folders and images are put into a zip on the way.
            manifest: At least a name; layout, labels, on_error as the zoo takes them.
            on_progress: Told the bytes sent and those there are. A broken connection is resumed.
        """
        with archive_of(source) as path:
            upload_id = upload(self._transport, path, on_progress=on_progress)
        body = {**manifest, "upload_id": upload_id}
        return cast("Dataset", self._transport.json("POST", "/datasets", body=body))

    def show(self, dataset_id: str) -> Dataset:
        """One set of images."""
        return cast("Dataset", self._transport.json("GET", f"/datasets/{dataset_id}"))

    def wait(self, dataset_id: str, *, timeout_seconds: float = 600.0) -> Dataset:
        """The set once its check has ended: ``ready``, or ``rejected`` with its problems."""
        return wait_until_final(lambda: self.show(dataset_id), timeout_seconds=timeout_seconds)

    def ls(
        self, *, state: str | None = None, name: str | None = None, limit: int | None = None
    ) -> Iterator[Dataset]:
        """Sets that fit, newest first; ``name`` is a part of the name."""
        where = {"state": state, "name": name}
        return paged(self._transport, "/datasets", params=where, limit=limit)

    def rm(self, dataset_id: str) -> None:
        """Remove a set and every measurement on it."""
        self._transport.request("DELETE", f"/datasets/{dataset_id}")

    def image(self, dataset_id: str, index: int) -> bytes:
        """One image as it was uploaded."""
        return content(self._transport, f"/datasets/{dataset_id}/images/{index}")
