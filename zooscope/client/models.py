"""Client of the networks of the zoo."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from zooscope.client.downloads import download
from zooscope.client.maps import Theme
from zooscope.client.paging import paged
from zooscope.client.polling import CreateRequest, get_or_create, wait_until_final
from zooscope.client.predictions import Prediction, prediction_of
from zooscope.client.results import Layer, Lineage, Model, Neighbor
from zooscope.client.transport import Resource
from zooscope.client.uploads import OnProgress, ignore_progress, upload

Direction = Literal["ancestors", "descendants", "both"]


class Models(Resource):
    """``zoo.models``: the networks of the zoo."""

    def push(
        self, path: Path, manifest: Mapping[str, Any], *, on_progress: OnProgress = ignore_progress
    ) -> Model:
        """Upload a network, and resume after broken connections. The zoo then checks it: see ``wait``.

        Args:
            path: A ``pt2`` archive or a ``safetensors`` file.
            manifest: Name, format, task, input and more, as ``zooscope pack`` writes it.
            on_progress: Called with the bytes sent and the total bytes.

        Returns:
            The new network in the state ``uploaded``.

        Raises:
            ZooClientError: ``file_empty``, or a refusal by the zoo.
        """
        upload_id = upload(self._transport, path, on_progress=on_progress)
        body = {**manifest, "upload_id": upload_id}
        return cast("Model", self._transport.json("POST", "/models", body=body))

    def show(self, model_id: str) -> Model:
        """Get a network. Raises ZooClientError ``model_not_found``."""
        return cast("Model", self._transport.json("GET", f"/models/{model_id}"))

    def wait(self, model_id: str, *, timeout_seconds: float = 600.0) -> Model:
        """Wait until the network is ``ready``, or ``rejected`` with its problems.

        Raises:
            ZooClientError: ``timed_out``.
        """
        return wait_until_final(lambda: self.show(model_id), timeout_seconds=timeout_seconds)

    def ls(
        self,
        *,
        state: str | None = None,
        task: str | None = None,
        tag: str | None = None,
        name: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Model]:
        """List networks, newest first; ``name`` matches any part of a name, ``limit`` None lists all."""
        query = {"state": state, "task": task, "tag": tag, "name": name}
        return paged(self._transport, "/models", params=query, limit=limit)

    def update(
        self, model_id: str, changes: Mapping[str, Any], *, etag: str | None = None
    ) -> Model:
        """Update name, tags, license or task; ``etag`` None means the current version."""
        headers = {"If-Match": etag or self.show(model_id)["etag"]}
        answer = self._transport.json(
            "PATCH", f"/models/{model_id}", body=changes, headers=headers
        )
        return cast("Model", answer)

    def rm(self, model_id: str, *, etag: str | None = None) -> None:
        """Delete a network and its measurements; ``etag`` None means the current version."""
        headers = {"If-Match": etag or self.show(model_id)["etag"]}
        self._transport.request("DELETE", f"/models/{model_id}", headers=headers)

    def download(
        self, model_id: str, destination: Path, *, on_progress: OnProgress = ignore_progress
    ) -> Path:
        """Download the uploaded file to ``destination``."""
        path = f"/models/{model_id}/content"
        return download(self._transport, path, destination, on_progress=on_progress)

    def layers(self, model_id: str) -> list[Layer]:
        """The layers that you can read or cut at, in order."""
        answer = self._transport.json("GET", f"/models/{model_id}/layers")
        return cast("list[Layer]", answer["items"])

    def lineage(
        self,
        model_id: str,
        *,
        direction: Direction | None = None,
        generations: int | None = None,
    ) -> Lineage:
        """Get the ancestors and descendants of a network.

        Args:
            model_id: Id of the network.
            direction: ``ancestors``, ``descendants`` or ``both``; None means both.
            generations: Maximum number of steps from student to teacher; None means 10.
        """
        query = {"direction": direction, "generations": generations}
        answer = self._transport.json("GET", f"/models/{model_id}/lineage", params=query)
        return cast("Lineage", answer)

    def draw_lineage(
        self,
        model_id: str,
        destination: Path,
        *,
        direction: Direction | None = None,
        generations: int | None = None,
        theme: Theme = "light",
    ) -> Path:
        """Write the lineage to ``destination``: an ``.svg``, ``.graphml`` or ``.json`` file."""
        form = destination.suffix.removeprefix(".") or "json"
        query = {"direction": direction, "generations": generations, "format": form}
        query["theme"] = theme
        answer = self._transport.request("GET", f"/models/{model_id}/lineage", params=query)
        destination.write_bytes(answer.content)
        return destination

    def neighbors(
        self, model_id: str, *, dataset_id: str, k: int = 10, edge_weight: float | None = None
    ) -> list[Neighbor]:
        """The ``k`` nearest networks on a probe set, nearest first; ``edge_weight`` is λ."""
        query = {"dataset": dataset_id, "k": k, "edge_weight": edge_weight}
        answer = self._transport.json("GET", f"/models/{model_id}/neighbors", params=query)
        return cast("list[Neighbor]", answer["items"])

    def attribution(
        self,
        model_id: str,
        *,
        dataset_id: str,
        index: int,
        method: str | None = None,
        layer: str | None = None,
        style: str | None = None,
    ) -> bytes:
        """The heat map of one image as PNG bytes; ``zoo.attributions`` computes many at once.

        Args:
            model_id: Id of the network.
            dataset_id: Id of the dataset that holds the image.
            index: Position of the image in the dataset, from 0.
            method: Attribution method, such as ``gxi``, ``saliency``, ``elrp`` or ``grad_cam``.
            layer: Layer to attribute; None means the feature layer.
            style: ``overlay``, ``signed`` or ``absolute``.
        """
        path = f"/models/{model_id}/attributions/{dataset_id}/{index}.png"
        params = {"method": method, "layer": layer, "style": style}
        body = {"dataset_id": dataset_id, "indices": [index], **params}
        create_request = CreateRequest(f"/models/{model_id}/attributions", body)
        return get_or_create(
            self._transport, path, params=params, create_request=create_request
        ).content

    def predict(
        self,
        model_id: str,
        images: Sequence[Path],
        *,
        output: str | None = None,
        layer: str | None = None,
        top_k: int | None = None,
    ) -> Prediction:
        """Run images through a network; nothing is stored.

        Args:
            model_id: Id of the network.
            images: One to 64 image files.
            output: ``classes``, ``image`` or ``features``; None selects what suits the network.
            layer: Layer whose features are returned; None means the feature layer.
            top_k: Number of classes for each image; None means 5.

        Raises:
            ZooClientError: ``no_inference`` or ``prediction_late`` if no worker responds in time.
        """
        files = [("images", (path.name, path.read_bytes())) for path in images]
        options = {"output": output, "layer": layer, "top_k": top_k}
        answer = self._transport.request(
            "POST", f"/models/{model_id}:predict", params=options, files=files
        )
        return prediction_of(answer)
