"""Client of heat maps of several networks on several images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from zooscope.client.downloads import download
from zooscope.client.errors import ZooClientError
from zooscope.client.polling import CreateRequest, create_and_wait
from zooscope.client.results import Job
from zooscope.client.transport import Resource
from zooscope.client.uploads import OnProgress, ignore_progress

_FILES: Mapping[str, str] = {".png": "sheet_artifact_id", ".zip": "archive_artifact_id"}


class Attributions(Resource):
    """``zoo.attributions``: heat maps of several networks on several images in one job."""

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
        """Compute a heat map of every network on every image, and wait for the job.

        Args:
            model_ids: Ids of at most 32 networks, the rows of the sheet.
            dataset_id: Id of the dataset that holds the images.
            indices: Positions of the images in the dataset, from 0, the columns of the sheet. A job
                computes at most 256 heat maps.
            method: Attribution method, such as ``gxi``, ``saliency``, ``elrp`` or ``grad_cam``.
            layer: Layer to attribute; None means the feature layer of each network.
            style: ``overlay``, ``signed`` or ``absolute``.
            timeout_seconds: Longest wait; the job continues after it.

        Returns:
            The succeeded job; ``download`` fetches its heat maps.

        Raises:
            ZooClientError: The code of the failed job; or ``timed_out``.
        """
        body = {
            "model_ids": list(model_ids),
            "dataset_id": dataset_id,
            "indices": list(indices),
            "method": method,
            "layer": layer,
            "style": style,
        }
        create_request = CreateRequest("/attributions", body)
        return cast(
            "Job",
            create_and_wait(self._transport, create_request, timeout_seconds=timeout_seconds),
        )

    def download(
        self, job: Job, destination: Path, *, on_progress: OnProgress = ignore_progress
    ) -> Path:
        """Download the heat maps of a job to ``destination``: a ``.png`` sheet, or a ``.zip`` of all.

        Raises:
            ZooClientError: ``invalid_suffix``.
        """
        name = _FILES.get(destination.suffix)
        if name is None:
            raise ZooClientError(
                f"heat maps cannot be written to {destination.suffix or 'a file without suffix'}",
                code="invalid_suffix",
                remedy="pass a .png file for the sheet, or a .zip file for all heat maps",
            )
        result: Any = job["result"]
        path = f"/artifacts/{result[name]}/content"
        return download(self._transport, path, destination, on_progress=on_progress)
