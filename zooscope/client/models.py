"""Client of the networks of the zoo."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, cast

from zooscope.client.downloads import download
from zooscope.client.file_names import wire_name
from zooscope.client.maps import Theme
from zooscope.client.paging import ListCounts, counted, paged
from zooscope.client.pictures import ImageBytes
from zooscope.client.polling import CreateRequest, get_or_create, wait_until_final
from zooscope.client.predictions import (
    Clips,
    FewShotSupport,
    Prediction,
    Styles,
    prediction_of,
    support_form,
)
from zooscope.client.rankings import Metric
from zooscope.client.references import in_path, path_of
from zooscope.client.results import ImageSimilarity, Layer, Lineage, Model, Neighbor, Relative
from zooscope.client.transport import Resource
from zooscope.client.uploads import OnProgress, ignore_progress, upload

ModelSort = Literal[
    "created_at", "-created_at", "name", "-name", "size", "-size", "parameters", "-parameters"
]
SizeClass = Literal["up_to_1_mb", "up_to_10_mb", "up_to_100_mb", "up_to_1_gb", "over_1_gb"]
Direction = Literal["ancestors", "descendants", "both"]
Descent = Literal["ancestor", "descendant"]


class ModelFilters(TypedDict, total=False):
    """Which networks to list; a filter that is absent or None does not restrict.

    Attributes:
        q: Words that the name, id, tags, task, architecture, source or training data contain.
        state: State, such as ``ready``.
        task: Kind of task, such as ``classification``.
        tag: A tag.
        name: Any part of the name.
        size: Size of the uploaded file.
        ids: The only networks to list, up to 500.
    """

    q: str | None
    state: str | None
    task: str | None
    tag: str | None
    name: str | None
    size: SizeClass | None
    ids: Sequence[str]


class Models(Resource):
    """``zoo.models``: the networks of the zoo.

    Wherever a method takes a ``model_id`` or a ``dataset_id``, it takes a name, too: one that fits
    several networks is refused with ``ambiguous_name`` and the ``candidates``.
    """

    def _path(self, model: str) -> str:
        return path_of(self._transport, "models", model)

    def push(
        self, path: Path, manifest: Mapping[str, Any], *, on_progress: OnProgress = ignore_progress
    ) -> Model:
        """Upload a network, and resume after broken connections. The zoo then checks it: see ``wait``.

        A network of the same name becomes the next version of that name, beside the earlier ones.

        Args:
            path: A ``pt2`` archive, a ``safetensors`` file or an ``onnx`` file.
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
        """Get a network by its id or ``name`` (the newest ready version), ``name:3`` or ``name@prod``.

        Raises:
            ZooClientError: ``model_not_found``; the remedy lists the versions and aliases of the name.
        """
        return cast("Model", self._transport.json("GET", self._path(model_id)))

    def set_alias(self, model_id: str, alias: str) -> Model:
        """Give a network an alias such as ``prod``; another version of its name that has it loses it."""
        answer = self._transport.json("PUT", f"{self._path(model_id)}/aliases/{alias}")
        return cast("Model", answer)

    def remove_alias(self, model_id: str, alias: str) -> None:
        """Remove an alias of a network. Raises ZooClientError ``alias_not_found``."""
        self._transport.request("DELETE", f"{self._path(model_id)}/aliases/{alias}")

    def wait(self, model_id: str, *, timeout_seconds: float = 600.0) -> Model:
        """Wait until the network is ``ready``, or ``rejected`` or ``damaged`` with its problems.

        Raises:
            ZooClientError: ``timed_out``.
        """
        return wait_until_final(lambda: self.show(model_id), timeout_seconds=timeout_seconds)

    def ls(
        self,
        *,
        sort: ModelSort | None = None,
        limit: int | None = None,
        **filters: Unpack[ModelFilters],
    ) -> Iterator[Model]:
        """List networks, newest first.

        Args:
            sort: Field to sort by, with ``-`` for the largest first; None means ``-created_at``.
            limit: Maximum number of networks; None lists all.
            filters: Which networks to list.
        """
        return paged(self._transport, "/models", params={**filters, "sort": sort}, limit=limit)

    def counts(self, **filters: Unpack[ModelFilters]) -> ListCounts:
        """The number of networks, in total and by state, task, tag and size."""
        return counted(self._transport, "/models", params=filters)

    def update(
        self, model_id: str, changes: Mapping[str, Any], *, etag: str | None = None
    ) -> Model:
        """Update name, tags, license or task; ``etag`` None means the current version."""
        headers = {"If-Match": etag or self.show(model_id)["etag"]}
        answer = self._transport.json("PATCH", self._path(model_id), body=changes, headers=headers)
        return cast("Model", answer)

    def rm(self, model_id: str, *, etag: str | None = None) -> None:
        """Delete a network and its measurements; ``etag`` None means the current version."""
        headers = {"If-Match": etag or self.show(model_id)["etag"]}
        self._transport.request("DELETE", self._path(model_id), headers=headers)

    def download(
        self, model_id: str, destination: Path, *, on_progress: OnProgress = ignore_progress
    ) -> Path:
        """Download the uploaded file to ``destination``."""
        path = f"{self._path(model_id)}/content"
        return download(self._transport, path, destination, on_progress=on_progress)

    def layers(self, model_id: str) -> list[Layer]:
        """The layers that you can read or cut at, in order."""
        answer = self._transport.json("GET", f"{self._path(model_id)}/layers")
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
            model_id: Id or name of the network.
            direction: ``ancestors``, ``descendants`` or ``both``; None means both.
            generations: Maximum number of steps from student to teacher; None means 10.
        """
        query = {"direction": direction, "generations": generations}
        answer = self._transport.json("GET", f"{self._path(model_id)}/lineage", params=query)
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
        answer = self._transport.request("GET", f"{self._path(model_id)}/lineage", params=query)
        destination.write_bytes(answer.content)
        return destination

    def family(self, model_id: str) -> list[Relative]:
        """List the networks that a network is a copy, a descendant or another form of.

        ``descent`` is what a relative is to the network by its weights, ``unknown`` where they do not
        show it.
        """
        answer = self._transport.json("GET", f"{self._path(model_id)}/family")
        return cast("list[Relative]", answer["relatives"])

    def confirm_family(
        self, model_id: str, relative_id: str, *, descent: Descent | None = None
    ) -> Relative:
        """Confirm a descent, which lineages show from then on.

        Args:
            model_id: Id or name of the network.
            relative_id: Id or name of one of its relatives.
            descent: What the relative is to the network, ``ancestor`` or ``descendant``; None means as
                the weights suggest.
        """
        body = {"relative_id": relative_id} | ({} if descent is None else {"descent": descent})
        answer = self._transport.json("POST", f"{self._path(model_id)}/family:confirm", body=body)
        return cast("Relative", answer)

    def neighbors(
        self,
        model_id: str,
        *,
        probes: str,
        k: int = 10,
        metric: Metric = "depara",
        edge_weight: float | None = None,
    ) -> list[Neighbor]:
        """The ``k`` nearest networks on a probe set, nearest first; ``edge_weight`` is λ."""
        query = {"dataset": probes, "k": k, "metric": metric, "edge_weight": edge_weight}
        answer = self._transport.json("GET", f"{self._path(model_id)}/neighbors", params=query)
        return cast("list[Neighbor]", answer["items"])

    def image_similarities(
        self, model_id: str, other: str, *, probes: str
    ) -> list[ImageSimilarity]:
        """How alike two networks look at each image of a probe set: the cosine of their maps."""
        query = {"other": other, "dataset": probes}
        path = f"{self._path(model_id)}/image-similarities"
        answer = self._transport.json("GET", path, params=query)
        return cast("list[ImageSimilarity]", answer["items"])

    def attribution(
        self,
        model_id: str,
        *,
        dataset_id: str,
        index: int,
        method: str | None = None,
        layer: str | None = None,
        style: str | None = None,
    ) -> ImageBytes:
        """The heat map of one image as PNG bytes; ``zoo.attributions`` computes many at once.

        Args:
            model_id: Id or name of the network.
            dataset_id: Id or name of the dataset that holds the image.
            index: Position of the image in the dataset, from 0.
            method: Attribution method, such as ``gxi``, ``saliency``, ``elrp`` or ``grad_cam``.
            layer: Layer to attribute; None means the feature layer.
            style: ``overlay``, ``signed`` or ``absolute``.
        """
        dataset = in_path(self._transport, "datasets", dataset_id)
        path = f"{self._path(model_id)}/attributions/{dataset}/{index}.png"
        params = {"method": method, "layer": layer, "style": style}
        body = {"dataset_id": dataset_id, "indices": [index], **params}
        create_request = CreateRequest(f"{self._path(model_id)}/attributions", body)
        answer = get_or_create(self._transport, path, params=params, create_request=create_request)
        return ImageBytes(answer.content)

    def predict(
        self,
        model_id: str,
        images: Sequence[Path] = (),
        *,
        output: str | None = None,
        layer: str | None = None,
        top_k: int | None = None,
        support: FewShotSupport | None = None,
        styles: Styles | None = None,
        clips: Clips | None = None,
    ) -> Prediction:
        """Run images or clips through a network; nothing is stored.

        Args:
            model_id: Id or name of the network.
            images: One to 64 image files; none for a reader.
            output: ``classes``, ``image``, ``features`` or ``texts``; None selects what suits the network.
            layer: Layer whose features are returned; None means the feature layer.
            top_k: Number of classes for each image; None means 5.
            support: The classes that a few-shot learner chooses between; None for other networks.
            styles: The styles that a stylizer paints in; None for other networks.
            clips: The clips that a reader reads; None for other networks.

        Raises:
            ZooClientError: ``no_prediction_worker`` or ``prediction_timed_out`` if no worker responds in time.
        """
        files = [("images", (wire_name(path.name), path.read_bytes())) for path in images]
        options: dict[str, Any] = {"output": output, "layer": layer, "top_k": top_k}
        fields: dict[str, list[str]] = {}
        if support is not None:
            options |= support.params
            support_files, fields = support_form(support)
            files += support_files
        if styles is not None:
            options |= styles.params
            files += styles.form_files
        if clips is not None:
            options |= clips.params
            files += clips.form_files
        answer = self._transport.request(
            "POST", f"{self._path(model_id)}:predict", params=options, files=files, data=fields
        )
        return prediction_of(answer)
