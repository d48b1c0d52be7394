"""Client of the datasets."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, cast

from zooscope.client.archives import Links, OnNote, archive_of, ignore_note
from zooscope.client.downloads import content
from zooscope.client.label_files import is_label_file
from zooscope.client.models import SizeClass
from zooscope.client.paging import ListCounts, counted, paged
from zooscope.client.pictures import ImageBytes
from zooscope.client.polling import wait_until_final
from zooscope.client.references import path_of
from zooscope.client.results import Clip, Dataset
from zooscope.client.transport import Resource
from zooscope.client.uploads import OnProgress, ignore_progress, upload

DatasetSort = Literal[
    "created_at", "-created_at", "name", "-name", "size", "-size", "images", "-images"
]


class DatasetFilters(TypedDict, total=False):
    """Which datasets to list; a filter that is absent or None does not restrict.

    Attributes:
        q: Words that the name, id, tags, labels or license contain.
        state: State, such as ``ready``.
        name: Any part of the name.
        tag: A tag.
        size: Size of the uploaded file.
        kind: ``images`` or ``clips``.
    """

    q: str | None
    state: str | None
    name: str | None
    tag: str | None
    size: SizeClass | None
    kind: Literal["images", "clips"] | None


class Datasets(Resource):
    """``zoo.datasets``: datasets of images or clips. A ``dataset_id`` may be a name."""

    def _path(self, dataset: str) -> str:
        return path_of(self._transport, "datasets", dataset)

    def push(
        self,
        source: Path | Sequence[Path],
        manifest: Mapping[str, Any],
        *,
        links: Links = Links.INSIDE,
        on_progress: OnProgress = ignore_progress,
        on_note: OnNote = ignore_note,
    ) -> Dataset:
        """Upload a dataset, and resume after broken connections. The zoo then checks it: see ``wait``.

        Args:
            source: A zip, tar or Parquet file; a folder, whose sub-folders name classes; a CSV file
                or JSON lines with paths of images or clips; or image files. All but the first are
                zipped.
            manifest: ``name`` and optionally ``layout``, ``labels``, ``split``, ``label_folder``,
                ``label_column``, ``image_column``, ``encoding`` and ``on_error``. For clips ``kind``
                is ``clips``, and there are ``crop``, ``crop_box`` and ``transcript_column``.
            links: Whether symbolic links that lead out of the folder are followed.
            on_progress: Called with the bytes sent and the total bytes.
            on_note: Called with what was left out of the folder, such as hidden files.

        Returns:
            The new dataset in the state ``uploaded``.

        Raises:
            ZooClientError: ``no_images``, ``duplicate_name``, ``link_outside``, ``broken_label_file``,
                ``file_empty``, or a refusal.
        """
        with archive_of(source, links=links, on_note=on_note) as path:
            upload_id = upload(self._transport, path, on_progress=on_progress)
        body = {**manifest, "upload_id": upload_id}
        return cast("Dataset", self._transport.json("POST", "/datasets", body=body))

    def transcribe(
        self,
        dataset_id: str,
        source: Path,
        manifest: Mapping[str, Any],
        *,
        on_progress: OnProgress = ignore_progress,
    ) -> Dataset:
        """Make a dataset of the clips of another, with new transcripts. The zoo then checks it: see ``wait``.

        Clips that the source does not name keep what they have. Nothing is decoded again.

        Args:
            dataset_id: The dataset of clips, which stays as it is.
            source: A CSV, TSV or JSON lines file that names clips, with columns such as
                ``transcript``, ``pinyin`` and ``speaker``; or a folder, zip or tar of such files or of
                ``.txt`` or ``.align`` files with the names of the clips.
            manifest: ``name`` of the new dataset, and optionally ``transcript_column``, ``encoding``,
                ``on_error``, ``license`` and ``tags``.
            on_progress: Called with the bytes sent and the total bytes.

        Returns:
            The new dataset in the state ``uploaded``.

        Raises:
            ZooClientError: ``unknown_dataset``, ``dataset_has_images``, ``dataset_not_ready``, or
                another refusal.
        """
        if is_label_file(source):
            upload_id = upload(self._transport, source, on_progress=on_progress)
        else:
            with archive_of(source) as path:
                upload_id = upload(self._transport, path, on_progress=on_progress)
        about = {"kind": "clips", "clips_of": dataset_id, "upload_id": upload_id}
        return cast(
            "Dataset", self._transport.json("POST", "/datasets", body={**manifest, **about})
        )

    def show(self, dataset_id: str) -> Dataset:
        """Get a dataset. Raises ZooClientError ``dataset_not_found``."""
        return cast("Dataset", self._transport.json("GET", self._path(dataset_id)))

    def wait(self, dataset_id: str, *, timeout_seconds: float = 600.0) -> Dataset:
        """Wait until the dataset is ``ready``, or ``rejected`` or ``damaged`` with its problems.

        Raises:
            ZooClientError: ``timed_out``.
        """
        return wait_until_final(lambda: self.show(dataset_id), timeout_seconds=timeout_seconds)

    def ls(
        self,
        *,
        sort: DatasetSort | None = None,
        limit: int | None = None,
        **filters: Unpack[DatasetFilters],
    ) -> Iterator[Dataset]:
        """List datasets, newest first.

        Args:
            sort: Field to sort by, with ``-`` for the largest first; None means ``-created_at``.
            limit: Maximum number of datasets; None lists all.
            filters: Which datasets to list.
        """
        return paged(self._transport, "/datasets", params={**filters, "sort": sort}, limit=limit)

    def counts(self, **filters: Unpack[DatasetFilters]) -> ListCounts:
        """The number of datasets, in total and by state, kind, tag and size."""
        return counted(self._transport, "/datasets", params=filters)

    def rm(self, dataset_id: str) -> None:
        """Delete a dataset and every measurement on it."""
        self._transport.request("DELETE", self._path(dataset_id))

    def image(self, dataset_id: str, index: int) -> ImageBytes:
        """The bytes of one image as it was uploaded; ``index`` counts from 0."""
        return ImageBytes(content(self._transport, f"{self._path(dataset_id)}/images/{index}"))

    def mask(self, dataset_id: str, index: int) -> ImageBytes:
        """The bytes of the mask of one image: a PNG of its size; ``index`` counts from 0.

        Its values are indices of the dataset's ``labels``, 255 for none; its palette only gives each
        class a color.

        Raises:
            ZooClientError: ``mask_not_found``.
        """
        return ImageBytes(content(self._transport, f"{self._path(dataset_id)}/masks/{index}"))

    def clips(self, dataset_id: str, *, limit: int | None = None) -> Iterator[Clip]:
        """The clips of a dataset in order, with their transcripts; None lists all.

        Raises:
            ZooClientError: ``dataset_has_images``.
        """
        return paged(self._transport, f"{self._path(dataset_id)}/clips", params={}, limit=limit)

    def clip_poster(self, dataset_id: str, index: int) -> ImageBytes:
        """The middle frame of a clip with a box around the part that is read, as PNG."""
        path = f"{self._path(dataset_id)}/clips/{index}/poster"
        return ImageBytes(content(self._transport, path))

    def clip_mel(self, dataset_id: str, index: int) -> ImageBytes:
        """A picture of a clip's log-mel frames, as PNG.

        Raises:
            ZooClientError: ``clip_without_sound``.
        """
        return ImageBytes(content(self._transport, f"{self._path(dataset_id)}/clips/{index}/mel"))
