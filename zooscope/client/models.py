"""The networks of the zoo, as a client handles them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from zooscope.client.downloads import download
from zooscope.client.maps import Theme
from zooscope.client.paging import every
from zooscope.client.polling import Order, settled, shown
from zooscope.client.predictions import Prediction, prediction_of
from zooscope.client.results import Layer, Lineage, Model, Neighbor
from zooscope.client.transport import Transport
from zooscope.client.uploads import OnProgress, ignore_progress, upload

Direction = Literal["ancestors", "descendants", "both"]


class Models:
    """``zoo.models``: send, look, change, remove, fetch."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def push(
        self, path: Path, manifest: Mapping[str, Any], *, on_progress: OnProgress = ignore_progress
    ) -> Model:
        """Send a network. It is then checked by the zoo: see ``wait``.

        Args:
            path: A ``pt2`` archive or a ``safetensors`` file.
            manifest: Name, format, task, input and so on, as ``zooscope pack`` writes it.
            on_progress: Told the bytes sent and those there are. A broken connection is resumed.
        """
        upload_id = upload(self._transport, path, on_progress=on_progress)
        body = {**manifest, "upload_id": upload_id}
        return cast("Model", self._transport.json("POST", "/models", body=body))

    def show(self, model_id: str) -> Model:
        """One network."""
        return cast("Model", self._transport.json("GET", f"/models/{model_id}"))

    def wait(self, model_id: str, *, timeout_seconds: float = 600.0) -> Model:
        """The network once its check has ended: ``ready``, or ``rejected`` with its problems."""
        return settled(lambda: self.show(model_id), timeout_seconds=timeout_seconds)

    def ls(
        self,
        *,
        state: str | None = None,
        task: str | None = None,
        tag: str | None = None,
        name: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Model]:
        """Networks that fit, newest first; ``name`` is a part of the name."""
        where = {"state": state, "task": task, "tag": tag, "name": name}
        return every(self._transport, "/models", params=where, limit=limit)

    def update(
        self, model_id: str, changes: Mapping[str, Any], *, etag: str | None = None
    ) -> Model:
        """Change name, tags, license or task; ``etag`` None means as it is now."""
        headers = {"If-Match": etag or self.show(model_id)["etag"]}
        answer = self._transport.json(
            "PATCH", f"/models/{model_id}", body=changes, headers=headers
        )
        return cast("Model", answer)

    def rm(self, model_id: str, *, etag: str | None = None) -> None:
        """Remove a network and what was measured of it; ``etag`` None means as it is now."""
        headers = {"If-Match": etag or self.show(model_id)["etag"]}
        self._transport.request("DELETE", f"/models/{model_id}", headers=headers)

    def download(
        self, model_id: str, destination: Path, *, on_progress: OnProgress = ignore_progress
    ) -> Path:
        """Lay the file, as it was uploaded, at ``destination``."""
        path = f"/models/{model_id}/content"
        return download(self._transport, path, destination, on_progress=on_progress)

    def layers(self, model_id: str) -> list[Layer]:
        """Every layer that can be read or cut."""
        answer = self._transport.json("GET", f"/models/{model_id}/layers")
        return cast("list[Layer]", answer["items"])

    def lineage(
        self,
        model_id: str,
        *,
        direction: Direction | None = None,
        generations: int | None = None,
    ) -> Lineage:
        """What a network was made from, and what was made from it.

        Args:
            model_id: The network.
            direction: ``ancestors``, ``descendants`` or ``both``; None means both.
            generations: Most steps from a student to its teachers; None means 10.
        """
        where = {"direction": direction, "generations": generations}
        answer = self._transport.json("GET", f"/models/{model_id}/lineage", params=where)
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
        where = {"direction": direction, "generations": generations, "format": form}
        where["theme"] = theme
        answer = self._transport.request("GET", f"/models/{model_id}/lineage", params=where)
        destination.write_bytes(answer.content)
        return destination

    def neighbors(
        self, model_id: str, *, dataset_id: str, k: int = 10, edge_weight: float | None = None
    ) -> list[Neighbor]:
        """The ``k`` nearest networks through a probe set, nearest first."""
        where = {"dataset": dataset_id, "k": k, "edge_weight": edge_weight}
        answer = self._transport.json("GET", f"/models/{model_id}/neighbors", params=where)
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
        """The heat map of one image, as a PNG; ``zoo.attributions`` draws many at once.

        Args:
            model_id: Whose look at the image is drawn.
            dataset_id: Where the image is,
            index: and its position there, counted from 0.
            method: An attribution such as ``gxi``, ``saliency``, ``elrp`` or ``grad_cam``.
            layer: None means the network's feature layer.
            style: ``overlay``, ``signed`` or ``absolute``.
        """
        path = f"/models/{model_id}/attributions/{dataset_id}/{index}.png"
        params = {"method": method, "layer": layer, "style": style}
        body = {"dataset_id": dataset_id, "indices": [index], **params}
        order = Order(f"/models/{model_id}/attributions", body)
        return shown(self._transport, path, params=params, order=order).content

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
            model_id: The network.
            images: One to 64 image files.
            output: ``classes``, ``image`` or ``features``; None takes what suits the network.
            layer: Features of this layer instead of the feature layer.
            top_k: Classes told for each image; None means 5.
        """
        files = [("images", (path.name, path.read_bytes())) for path in images]
        options = {"output": output, "layer": layer, "top_k": top_k}
        answer = self._transport.request(
            "POST", f"/models/{model_id}:predict", params=options, files=files
        )
        return prediction_of(answer)
