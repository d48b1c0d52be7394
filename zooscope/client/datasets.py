"""Client of the datasets."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from zooscope.client.archives import archive_of
from zooscope.client.downloads import content
from zooscope.client.paging import paged
from zooscope.client.polling import wait_until_final
from zooscope.client.results import Dataset
from zooscope.client.transport import Resource
from zooscope.client.uploads import OnProgress, ignore_progress, upload


class Datasets(Resource):
    """``zoo.datasets``: datasets of images."""

    def push(
        self,
        source: Path | Sequence[Path],
        manifest: Mapping[str, Any],
        *,
        on_progress: OnProgress = ignore_progress,
    ) -> Dataset:
        """Upload a dataset, and resume after broken connections. The zoo then checks it: see ``wait``.

        Args:
            source: A zip, tar or Parquet file; a folder, whose sub-folders name classes; or image
                files. Folders and image files are zipped first.
            manifest: ``name`` and optionally ``layout``, ``labels`` and ``on_error``.
            on_progress: Called with the bytes sent and the total bytes.

        Returns:
            The new dataset in the state ``uploaded``.

        Raises:
            ZooClientError: ``nothing_to_send``, ``same_name``, ``file_empty``, or a refusal.
        """
        with archive_of(source) as path:
            upload_id = upload(self._transport, path, on_progress=on_progress)
        body = {**manifest, "upload_id": upload_id}
        return cast("Dataset", self._transport.json("POST", "/datasets", body=body))

    def show(self, dataset_id: str) -> Dataset:
        """Get a dataset. Raises ZooClientError ``dataset_not_found``."""
        return cast("Dataset", self._transport.json("GET", f"/datasets/{dataset_id}"))

    def wait(self, dataset_id: str, *, timeout_seconds: float = 600.0) -> Dataset:
        """Wait until the dataset is ``ready``, or ``rejected`` with its problems.

        Raises:
            ZooClientError: ``timed_out``.
        """
        return wait_until_final(lambda: self.show(dataset_id), timeout_seconds=timeout_seconds)

    def ls(
        self, *, state: str | None = None, name: str | None = None, limit: int | None = None
    ) -> Iterator[Dataset]:
        """List datasets, newest first; ``name`` matches any part of a name, ``limit`` None lists all."""
        query = {"state": state, "name": name}
        return paged(self._transport, "/datasets", params=query, limit=limit)

    def rm(self, dataset_id: str) -> None:
        """Delete a dataset and every measurement on it."""
        self._transport.request("DELETE", f"/datasets/{dataset_id}")

    def image(self, dataset_id: str, index: int) -> bytes:
        """The bytes of one image as it was uploaded; ``index`` counts from 0."""
        return content(self._transport, f"/datasets/{dataset_id}/images/{index}")
