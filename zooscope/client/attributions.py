"""Heat maps of several networks on several images, as a client asks for them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from zooscope.client.downloads import download
from zooscope.client.errors import ZooClientError
from zooscope.client.polling import Order, made
from zooscope.client.results import Job
from zooscope.client.transport import Transport
from zooscope.client.uploads import OnProgress, ignore_progress

_FILES: Mapping[str, str] = {".png": "sheet_artifact_id", ".zip": "archive_artifact_id"}


class Attributions:
    """``zoo.attributions``: which pixels networks look at, many at once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        model_ids: Sequence[str],
        *,
        dataset_id: str,
        indices: Sequence[int],
        method: str | None = None,
        layer: str | None = None,
        style: str | None = None,
        timeout_seconds: float = 3600.0,
    ) -> Job:
        """The job that has drawn a heat map of every network on every image.

        Args:
            model_ids: At most 32 networks: the columns of the sheet.
            dataset_id: Where the images are,
            indices: and their positions there, counted from 0: the rows. At most 256 heat maps.
            method: An attribution such as ``gxi``, ``saliency``, ``elrp`` or ``grad_cam``.
            layer: None means every network's feature layer.
            style: ``overlay``, ``signed`` or ``absolute``.
            timeout_seconds: Longest wait; the job continues after it.

        Raises:
            ZooClientError: The job failed, with its code; or ``timed_out``.
        """
        body = {
            "model_ids": list(model_ids),
            "dataset_id": dataset_id,
            "indices": list(indices),
            "method": method,
            "layer": layer,
            "style": style,
        }
        order = Order("/attributions", body)
        return cast("Job", made(self._transport, order, timeout_seconds=timeout_seconds))

    def download(
        self, job: Job, destination: Path, *, on_progress: OnProgress = ignore_progress
    ) -> Path:
        """Lay what such a job drew at ``destination``: a ``.png`` sheet, or a ``.zip`` of all.

        Raises:
            ZooClientError: ``invalid_suffix``.
        """
        name = _FILES.get(destination.suffix)
        if name is None:
            raise ZooClientError(
                f"heat maps are not written to {destination.suffix or 'a file without suffix'}",
                code="invalid_suffix",
                remedy="name a .png file for the sheet, or a .zip file for all pictures",
            )
        result: Any = job["result"]
        path = f"/artifacts/{result[name]}/content"
        return download(self._transport, path, destination, on_progress=on_progress)
