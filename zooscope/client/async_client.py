"""The client for programs with an event loop: each method is that of ``ZooClient``, to be awaited.

Generated from the client by `deploy/async_client.py`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, Unpack

from zooscope.client.accuracies import Accuracies
from zooscope.client.archives import Links, OnNote, ignore_note
from zooscope.client.async_runtime import AsyncResource, Runner
from zooscope.client.attributions import Attributions
from zooscope.client.audit import Audit
from zooscope.client.client import LOCAL_URL, ZooClient
from zooscope.client.concepts import Concepts
from zooscope.client.datasets import DatasetFilters, Datasets, DatasetSort
from zooscope.client.jobs import JobFilters, Jobs, JobSort, Methods
from zooscope.client.keys import Keys
from zooscope.client.layer_table import LayerTable
from zooscope.client.layers import Layers, TargetData
from zooscope.client.map_table import MapTable
from zooscope.client.maps import MapFormat, MapMatrix, MapOptions, Maps, Picture, Theme
from zooscope.client.models import Descent, Direction, ModelFilters, Models, ModelSort
from zooscope.client.paging import ListCounts
from zooscope.client.pictures import ImageBytes
from zooscope.client.polling import OnJobProgress
from zooscope.client.predictions import Clips, FewShotSupport, Prediction, Styles
from zooscope.client.quotas import Quotas
from zooscope.client.ranking_table import RankingTable
from zooscope.client.rankings import Metric, RankingMetric, RankingOptions, Rankings
from zooscope.client.results import (
    Accuracy,
    AddedAccuracies,
    Artifact,
    AuditEvent,
    Clip,
    ConceptSearch,
    ConceptSearchSummary,
    Dataset,
    ImageSimilarity,
    IssuedKey,
    Job,
    JobEvent,
    Key,
    Layer,
    LayerSelectionSummary,
    Lineage,
    MapSnapshot,
    Model,
    Neighbor,
    OwnKey,
    ProjectEvent,
    RankingEstimate,
    RankingSummary,
    Relative,
    SignInLink,
    SimilarUnits,
    Unit,
    Whoami,
)
from zooscope.client.results import Quotas as QuotasOfProject
from zooscope.client.sessions import Sessions
from zooscope.client.transport import (
    DEFAULT_RETRY_POLICY,
    OnConnect,
    OnRetry,
    RetryPolicy,
    ignore_retry,
)
from zooscope.client.uploads import OnProgress, ignore_progress


class AsyncModels(AsyncResource[Models]):
    """``zoo.models``: the networks of the zoo."""

    async def push(
        self, path: Path, manifest: Mapping[str, Any], *, on_progress: OnProgress = ignore_progress
    ) -> Model:
        """Upload a network, and resume after broken connections. The zoo then checks it: see ``wait``."""
        return await self._runner.run(self._resource.push, path, manifest, on_progress=on_progress)

    async def show(self, model_id: str) -> Model:
        """Get a network by its id or ``name`` (the newest ready version), ``name:3`` or ``name@prod``."""
        return await self._runner.run(self._resource.show, model_id)

    async def set_alias(self, model_id: str, alias: str) -> Model:
        """Give a network an alias such as ``prod``; another version of its name that has it loses it."""
        return await self._runner.run(self._resource.set_alias, model_id, alias)

    async def remove_alias(self, model_id: str, alias: str) -> None:
        """Remove an alias of a network. Raises ZooClientError ``alias_not_found``."""
        await self._runner.run(self._resource.remove_alias, model_id, alias)

    async def wait(self, model_id: str, *, timeout_seconds: float = 600.0) -> Model:
        """Wait until the network is ``ready``, or ``rejected`` or ``damaged`` with its problems."""
        return await self._runner.run(
            self._resource.wait, model_id, timeout_seconds=timeout_seconds
        )

    def ls(
        self,
        *,
        sort: ModelSort | None = None,
        limit: int | None = None,
        **filters: Unpack[ModelFilters],
    ) -> AsyncIterator[Model]:
        """List networks, newest first."""
        return self._runner.iterate(self._resource.ls, sort=sort, limit=limit, **filters)

    async def counts(self, **filters: Unpack[ModelFilters]) -> ListCounts:
        """The number of networks, in total and by state, task, tag and size."""
        return await self._runner.run(self._resource.counts, **filters)

    async def update(
        self, model_id: str, changes: Mapping[str, Any], *, etag: str | None = None
    ) -> Model:
        """Update name, tags, license or task; ``etag`` None means the current version."""
        return await self._runner.run(self._resource.update, model_id, changes, etag=etag)

    async def rm(self, model_id: str, *, etag: str | None = None) -> None:
        """Delete a network and its measurements; ``etag`` None means the current version."""
        await self._runner.run(self._resource.rm, model_id, etag=etag)

    async def download(
        self, model_id: str, destination: Path, *, on_progress: OnProgress = ignore_progress
    ) -> Path:
        """Download the uploaded file to ``destination``."""
        return await self._runner.run(
            self._resource.download, model_id, destination, on_progress=on_progress
        )

    async def layers(self, model_id: str) -> list[Layer]:
        """The layers that you can read or cut at, in order."""
        return await self._runner.run(self._resource.layers, model_id)

    async def lineage(
        self, model_id: str, *, direction: Direction | None = None, generations: int | None = None
    ) -> Lineage:
        """Get the ancestors and descendants of a network."""
        return await self._runner.run(
            self._resource.lineage, model_id, direction=direction, generations=generations
        )

    async def draw_lineage(
        self,
        model_id: str,
        destination: Path,
        *,
        direction: Direction | None = None,
        generations: int | None = None,
        theme: Theme = "light",
    ) -> Path:
        """Write the lineage to ``destination``: an ``.svg``, ``.graphml`` or ``.json`` file."""
        return await self._runner.run(
            self._resource.draw_lineage,
            model_id,
            destination,
            direction=direction,
            generations=generations,
            theme=theme,
        )

    async def family(self, model_id: str) -> list[Relative]:
        """List the networks that a network is a copy, a descendant or another form of."""
        return await self._runner.run(self._resource.family, model_id)

    async def confirm_family(
        self, model_id: str, relative_id: str, *, descent: Descent | None = None
    ) -> Relative:
        """Confirm a descent, which lineages show from then on."""
        return await self._runner.run(
            self._resource.confirm_family, model_id, relative_id, descent=descent
        )

    async def neighbors(
        self,
        model_id: str,
        *,
        probes: str,
        k: int = 10,
        metric: Metric = "depara",
        edge_weight: float | None = None,
    ) -> list[Neighbor]:
        """The ``k`` nearest networks on a probe set, nearest first; ``edge_weight`` is λ."""
        return await self._runner.run(
            self._resource.neighbors,
            model_id,
            probes=probes,
            k=k,
            metric=metric,
            edge_weight=edge_weight,
        )

    async def image_similarities(
        self, model_id: str, other: str, *, probes: str
    ) -> list[ImageSimilarity]:
        """How alike two networks look at each image of a probe set: the cosine of their maps."""
        return await self._runner.run(
            self._resource.image_similarities, model_id, other, probes=probes
        )

    async def attribution(
        self,
        model_id: str,
        *,
        dataset_id: str,
        index: int,
        method: str | None = None,
        layer: str | None = None,
        style: str | None = None,
    ) -> ImageBytes:
        """The heat map of one image as PNG bytes; ``zoo.attributions`` computes many at once."""
        return await self._runner.run(
            self._resource.attribution,
            model_id,
            dataset_id=dataset_id,
            index=index,
            method=method,
            layer=layer,
            style=style,
        )

    async def predict(
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
        """Run images or clips through a network; nothing is stored."""
        return await self._runner.run(
            self._resource.predict,
            model_id,
            images,
            output=output,
            layer=layer,
            top_k=top_k,
            support=support,
            styles=styles,
            clips=clips,
        )


class AsyncDatasets(AsyncResource[Datasets]):
    """``zoo.datasets``: datasets of images or clips. A ``dataset_id`` may be a name."""

    async def push(
        self,
        source: Path | Sequence[Path],
        manifest: Mapping[str, Any],
        *,
        links: Links = Links.INSIDE,
        on_progress: OnProgress = ignore_progress,
        on_note: OnNote = ignore_note,
    ) -> Dataset:
        """Upload a dataset, and resume after broken connections. The zoo then checks it: see ``wait``."""
        return await self._runner.run(
            self._resource.push,
            source,
            manifest,
            links=links,
            on_progress=on_progress,
            on_note=on_note,
        )

    async def transcribe(
        self,
        dataset_id: str,
        source: Path,
        manifest: Mapping[str, Any],
        *,
        on_progress: OnProgress = ignore_progress,
    ) -> Dataset:
        """Make a dataset of the clips of another, with new transcripts. The zoo then checks it: see ``wait``."""
        return await self._runner.run(
            self._resource.transcribe, dataset_id, source, manifest, on_progress=on_progress
        )

    async def show(self, dataset_id: str) -> Dataset:
        """Get a dataset. Raises ZooClientError ``dataset_not_found``."""
        return await self._runner.run(self._resource.show, dataset_id)

    async def wait(self, dataset_id: str, *, timeout_seconds: float = 600.0) -> Dataset:
        """Wait until the dataset is ``ready``, or ``rejected`` or ``damaged`` with its problems."""
        return await self._runner.run(
            self._resource.wait, dataset_id, timeout_seconds=timeout_seconds
        )

    def ls(
        self,
        *,
        sort: DatasetSort | None = None,
        limit: int | None = None,
        **filters: Unpack[DatasetFilters],
    ) -> AsyncIterator[Dataset]:
        """List datasets, newest first."""
        return self._runner.iterate(self._resource.ls, sort=sort, limit=limit, **filters)

    async def counts(self, **filters: Unpack[DatasetFilters]) -> ListCounts:
        """The number of datasets, in total and by state, kind, tag and size."""
        return await self._runner.run(self._resource.counts, **filters)

    async def rm(self, dataset_id: str) -> None:
        """Delete a dataset and every measurement on it."""
        await self._runner.run(self._resource.rm, dataset_id)

    async def image(self, dataset_id: str, index: int) -> ImageBytes:
        """The bytes of one image as it was uploaded; ``index`` counts from 0."""
        return await self._runner.run(self._resource.image, dataset_id, index)

    async def mask(self, dataset_id: str, index: int) -> ImageBytes:
        """The bytes of the mask of one image: a PNG of its size; ``index`` counts from 0."""
        return await self._runner.run(self._resource.mask, dataset_id, index)

    def clips(self, dataset_id: str, *, limit: int | None = None) -> AsyncIterator[Clip]:
        """The clips of a dataset in order, with their transcripts; None lists all."""
        return self._runner.iterate(self._resource.clips, dataset_id, limit=limit)

    async def clip_poster(self, dataset_id: str, index: int) -> ImageBytes:
        """The middle frame of a clip with a box around the part that is read, as PNG."""
        return await self._runner.run(self._resource.clip_poster, dataset_id, index)

    async def clip_mel(self, dataset_id: str, index: int) -> ImageBytes:
        """A picture of a clip's log-mel frames, as PNG."""
        return await self._runner.run(self._resource.clip_mel, dataset_id, index)


class AsyncAttributions(AsyncResource[Attributions]):
    """``zoo.attributions``: heat maps of several networks on several images in one job."""

    async def create(
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
        """Compute a heat map of every network on every image, and wait for the job."""
        return await self._runner.run(
            self._resource.create,
            model_ids,
            dataset_id=dataset_id,
            indices=indices,
            method=method,
            layer=layer,
            style=style,
            timeout_seconds=timeout_seconds,
        )

    async def download(
        self, job: Job, destination: Path, *, on_progress: OnProgress = ignore_progress
    ) -> Path:
        """Download the heat maps of a job to ``destination``: a ``.png`` sheet, or a ``.zip`` of all."""
        return await self._runner.run(
            self._resource.download, job, destination, on_progress=on_progress
        )


class AsyncRankings(AsyncResource[Rankings]):
    """``zoo.rankings``: request rankings, get them and wait for them."""

    async def request(self, body: Mapping[str, Any]) -> RankingTable:
        """Request a ranking with the body of the REST API; it may be pending at first."""
        return await self._runner.run(self._resource.request, body)

    async def estimate(self, body: Mapping[str, Any]) -> RankingEstimate:
        """Estimate how long a ranking with this body would take; nothing is started."""
        return await self._runner.run(self._resource.estimate, body)

    def ls(
        self,
        *,
        state: str | None = None,
        metric: RankingMetric | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[RankingSummary]:
        """List rankings, newest first, without their scores; ``limit`` None lists all."""
        return self._runner.iterate(self._resource.ls, state=state, metric=metric, limit=limit)

    async def show(
        self, ranking_id: str, *, edge_weight: float | None = None, limit: int | None = None
    ) -> RankingTable:
        """Get a ranking."""
        return await self._runner.run(
            self._resource.show, ranking_id, edge_weight=edge_weight, limit=limit
        )

    async def wait(
        self,
        ranking: RankingTable,
        *,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> RankingTable:
        """Wait until the ranking is ready; call ``on_progress`` while it is pending."""
        return await self._runner.run(
            self._resource.wait, ranking, on_progress=on_progress, timeout_seconds=timeout_seconds
        )


class AsyncLayers(AsyncResource[Layers]):
    """``zoo.layers``: where to cut one network for one target."""

    async def select(
        self,
        source: str,
        *,
        model: str | None = None,
        dataset: str | None = None,
        probes: str | None = None,
        layers: Sequence[str] | Literal["all"] | None = None,
        target_layer: str | None = None,
        data: TargetData | None = None,
        edge_weight: float | None = None,
        settings: Mapping[str, Any] | None = None,
        wait: bool = True,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> LayerTable:
        """Score every candidate layer against the target and choose one."""
        return await self._runner.run(
            self._resource.select,
            source,
            model=model,
            dataset=dataset,
            probes=probes,
            layers=layers,
            target_layer=target_layer,
            data=data,
            edge_weight=edge_weight,
            settings=settings,
            wait=wait,
            on_progress=on_progress,
            timeout_seconds=timeout_seconds,
        )

    def ls(
        self, *, state: str | None = None, limit: int | None = None
    ) -> AsyncIterator[LayerSelectionSummary]:
        """List layer selections, newest first, without their scores; ``limit`` None lists all."""
        return self._runner.iterate(self._resource.ls, state=state, limit=limit)

    async def show(
        self,
        selection_id: str,
        *,
        data: TargetData | None = None,
        edge_weight: float | None = None,
    ) -> LayerTable:
        """One selection, read for an amount of ``data`` or by an ``edge_weight``."""
        return await self._runner.run(
            self._resource.show, selection_id, data=data, edge_weight=edge_weight
        )

    async def wait(
        self,
        selection: LayerTable,
        *,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> LayerTable:
        """The selection once it is ready, read by the edge weight it came with."""
        return await self._runner.run(
            self._resource.wait,
            selection,
            on_progress=on_progress,
            timeout_seconds=timeout_seconds,
        )


class AsyncConcepts(AsyncResource[Concepts]):
    """``zoo.concepts``: output units that recognize a concept, by images, by name, by likeness."""

    async def search(
        self,
        dataset: str,
        *,
        probes: str,
        negatives: str | None = None,
        models: Sequence[str] | None = None,
        references: int | None = None,
        check: int | None = None,
        settings: Mapping[str, Any] | None = None,
        wait: bool = True,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> ConceptSearch:
        """Find output units that recognize what a dataset of 5 to 50 images shows."""
        return await self._runner.run(
            self._resource.search,
            dataset,
            probes=probes,
            negatives=negatives,
            models=models,
            references=references,
            check=check,
            settings=settings,
            wait=wait,
            on_progress=on_progress,
            timeout_seconds=timeout_seconds,
        )

    async def measure(self, model: str, *, probes: str) -> Job:
        """Submit the job that stores the responses of a network's output units to a probe set."""
        return await self._runner.run(self._resource.measure, model, probes=probes)

    def ls(
        self, *, state: str | None = None, limit: int | None = None
    ) -> AsyncIterator[ConceptSearchSummary]:
        """List concept searches, newest first, without their units; ``limit`` None lists all."""
        return self._runner.iterate(self._resource.ls, state=state, limit=limit)

    async def show(self, search_id: str) -> ConceptSearch:
        """One search with the units that it found."""
        return await self._runner.run(self._resource.show, search_id)

    async def wait(
        self,
        search: ConceptSearch,
        *,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> ConceptSearch:
        """The search once it is ready."""
        return await self._runner.run(
            self._resource.wait, search, on_progress=on_progress, timeout_seconds=timeout_seconds
        )

    def units(self, words: str, *, limit: int | None = None) -> AsyncIterator[Unit]:
        """List output units whose class name contains all words; ``limit`` None lists all."""
        return self._runner.iterate(self._resource.units, words, limit=limit)

    async def similar(self, model: str, unit: int, *, probes: str, k: int = 10) -> SimilarUnits:
        """The ``k`` output units that respond to a probe set most like one unit of a network."""
        return await self._runner.run(self._resource.similar, model, unit, probes=probes, k=k)


class AsyncMaps(AsyncResource[Maps]):
    """``zoo.maps``: how all measured networks of a probe set relate."""

    async def show(
        self, dataset_id: str, *, include: Sequence[MapMatrix] = (), **options: Unpack[MapOptions]
    ) -> MapTable:
        """Get the map as data; ``document`` has networks, tree, clusters and positions."""
        return await self._runner.run(self._resource.show, dataset_id, include=include, **options)

    async def content(
        self,
        dataset_id: str,
        *,
        format: MapFormat,
        picture: Picture = "matrix",
        theme: Theme = "light",
        **options: Unpack[MapOptions],
    ) -> ImageBytes:
        """Get the map as the bytes of a file; ``picture`` and ``theme`` apply to svg and png."""
        return await self._runner.run(
            self._resource.content,
            dataset_id,
            format=format,
            picture=picture,
            theme=theme,
            **options,
        )

    async def download(
        self,
        dataset_id: str,
        destination: Path,
        *,
        picture: Picture = "matrix",
        theme: Theme = "light",
        **options: Unpack[MapOptions],
    ) -> Path:
        """Download the map to ``destination``; its suffix selects the format."""
        return await self._runner.run(
            self._resource.download,
            dataset_id,
            destination,
            picture=picture,
            theme=theme,
            **options,
        )

    def snapshots(
        self, dataset_id: str, *, limit: int | None = None
    ) -> AsyncIterator[MapSnapshot]:
        """List all computed maps of a probe set, newest first."""
        return self._runner.iterate(self._resource.snapshots, dataset_id, limit=limit)

    async def snapshot(
        self,
        dataset_id: str,
        map_id: str,
        *,
        include: Sequence[MapMatrix] = (),
        indices: Sequence[int] = (),
    ) -> MapTable:
        """Get an earlier map as data."""
        return await self._runner.run(
            self._resource.snapshot, dataset_id, map_id, include=include, indices=indices
        )

    async def download_snapshot(
        self,
        dataset_id: str,
        map_id: str,
        destination: Path,
        *,
        picture: Picture = "matrix",
        theme: Theme = "light",
    ) -> Path:
        """Download an earlier map to ``destination``; its suffix selects the format."""
        return await self._runner.run(
            self._resource.download_snapshot,
            dataset_id,
            map_id,
            destination,
            picture=picture,
            theme=theme,
        )


class AsyncAccuracies(AsyncResource[Accuracies]):
    """``zoo.accuracies``: measured accuracies, the history that fused rankings learn from."""

    async def add(self, accuracies: Sequence[Mapping[str, Any]]) -> AddedAccuracies:
        """Record accuracies."""
        return await self._runner.run(self._resource.add, accuracies)

    async def import_table(self, path: Path, **common: str) -> AddedAccuracies:
        """Record a table: networks in rows, datasets in columns, accuracies in the cells."""
        return await self._runner.run(self._resource.import_table, path, **common)

    def ls(
        self, *, model: str | None = None, dataset: str | None = None, limit: int | None = None
    ) -> AsyncIterator[Accuracy]:
        """The accuracies of a network or a dataset, by recorded id or name, newest first."""
        return self._runner.iterate(self._resource.ls, model=model, dataset=dataset, limit=limit)

    async def rm(self, accuracy_id: str) -> None:
        """Delete an accuracy."""
        await self._runner.run(self._resource.rm, accuracy_id)


class AsyncJobs(AsyncResource[Jobs]):
    """``zoo.jobs``: submit, list, watch, cancel and retry jobs, and download their results."""

    async def submit(
        self,
        method: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        teachers: Sequence[str] | None = None,
        source_model_id: str | None = None,
        dataset_id: str | None = None,
        eval_dataset_id: str | None = None,
        student: Mapping[str, Any] | None = None,
        seed: int | None = None,
        device: Literal["auto", "cpu", "cuda"] | None = None,
        budget: Mapping[str, float] | None = None,
    ) -> Job:
        """Submit a job that runs a method; ``zoo.methods.show(method)`` describes what it accepts."""
        return await self._runner.run(
            self._resource.submit,
            method,
            inputs=inputs,
            params=params,
            teachers=teachers,
            source_model_id=source_model_id,
            dataset_id=dataset_id,
            eval_dataset_id=eval_dataset_id,
            student=student,
            seed=seed,
            device=device,
            budget=budget,
        )

    async def show(self, job_id: str) -> Job:
        """Get a job. Raises ZooClientError ``job_not_found``."""
        return await self._runner.run(self._resource.show, job_id)

    def ls(
        self,
        *,
        sort: JobSort | None = None,
        limit: int | None = None,
        **filters: Unpack[JobFilters],
    ) -> AsyncIterator[Job]:
        """List jobs, newest first."""
        return self._runner.iterate(self._resource.ls, sort=sort, limit=limit, **filters)

    async def counts(self, **filters: Unpack[JobFilters]) -> ListCounts:
        """The number of jobs, in total and by state and method."""
        return await self._runner.run(self._resource.counts, **filters)

    def watch(self, job_id: str, *, after: int = 0) -> AsyncIterator[JobEvent]:
        """The events of a job after event ``after``, until it has finished; survives broken connections."""
        return self._runner.iterate(self._resource.watch, job_id, after=after)

    async def wait(self, job_id: str, *, timeout_seconds: float = 3600.0) -> Job:
        """Wait until the job has finished, successfully or not."""
        return await self._runner.run(self._resource.wait, job_id, timeout_seconds=timeout_seconds)

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job: a queued one immediately, a running one within seconds; keeps its checkpoint."""
        return await self._runner.run(self._resource.cancel, job_id)

    async def retry(self, job_id: str) -> Job:
        """Retry a failed or cancelled job; a training resumes from its last checkpoint."""
        return await self._runner.run(self._resource.retry, job_id)

    async def artifacts(self, job_id: str) -> list[Artifact]:
        """The files that the job produced."""
        return await self._runner.run(self._resource.artifacts, job_id)

    async def download(
        self, artifact_id: str, destination: Path, *, on_progress: OnProgress = ignore_progress
    ) -> Path:
        """Download an artifact to ``destination``."""
        return await self._runner.run(
            self._resource.download, artifact_id, destination, on_progress=on_progress
        )


class AsyncMethods(AsyncResource[Methods]):
    """``zoo.methods``: the catalog of methods that jobs can run."""

    async def ls(self) -> list[Any]:
        """List the methods that you can submit."""
        return await self._runner.run(self._resource.ls)

    async def show(self, name: str) -> Any:
        """Get a method with the JSON schemas of its inputs and parameters."""
        return await self._runner.run(self._resource.show, name)


class AsyncKeys(AsyncResource[Keys]):
    """``zoo.keys``: create, list and revoke API keys."""

    async def create(
        self,
        name: str,
        *,
        scopes: Sequence[str],
        project: str | None = None,
        expires_at: datetime | None = None,
    ) -> IssuedKey:
        """Create a key; only this result contains its ``token``."""
        return await self._runner.run(
            self._resource.create, name, scopes=scopes, project=project, expires_at=expires_at
        )

    def ls(self, *, project: str | None = None) -> AsyncIterator[Key]:
        """List the keys of a project, newest first, including revoked and expired ones."""
        return self._runner.iterate(self._resource.ls, project=project)

    async def own(self) -> OwnKey:
        """Get the key that this client sends: its project, scopes and expiry."""
        return await self._runner.run(self._resource.own)

    async def revoke(self, key_id: str) -> None:
        """Revoke a key; revoking it again does nothing."""
        await self._runner.run(self._resource.revoke, key_id)


class AsyncAudit(AsyncResource[Audit]):
    """``zoo.audit``: who did what to which id, from where, and whether it was refused."""

    def ls(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[AuditEvent]:
        """The calls of your project, oldest first; those of all projects for an operator."""
        return self._runner.iterate(self._resource.ls, since=since, until=until)


class AsyncQuotas(AsyncResource[Quotas]):
    """``zoo.quotas``: what a project may use, and what it uses."""

    async def show(self, project: str | None = None) -> QuotasOfProject:
        """The quotas of your project; of another ``project`` for an operator."""
        return await self._runner.run(self._resource.show, project)

    async def set(
        self, project: str, *, reset: Sequence[str] = (), **limits: int
    ) -> QuotasOfProject:
        """Give a project limits of its own, as an operator."""
        return await self._runner.run(self._resource.set, project, reset=reset, **limits)


class AsyncSessions(AsyncResource[Sessions]):
    """``zoo.sessions``: links that sign a browser in, and whose key this is."""

    async def create_link(self) -> SignInLink:
        """Create a link that signs one browser in with your key, once."""
        return await self._runner.run(self._resource.create_link)

    async def whoami(self) -> Whoami:
        """The project, the key and the scopes of this client."""
        return await self._runner.run(self._resource.whoami)


class AsyncZooClient:
    """Client of one zoo for programs with an event loop; its arguments are those of ``ZooClient``.

    ::

        async with AsyncZooClient(key="zoo_…") as zoo:
            ranking = await zoo.rank(dataset="flowers")
            async for model in zoo.models.ls():
                print(model["name"])

    Every call runs in a thread of the client. Cancelling it stops the wait, not the request.
    """

    def __init__(
        self,
        url: str = LOCAL_URL,
        *,
        key: str | None = None,
        retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
        timeout_seconds: float = 60.0,
        on_retry: OnRetry = ignore_retry,
        on_connect: OnConnect | None = None,
    ) -> None:
        self._runner = Runner()
        self._resource = ZooClient(
            url,
            key=key,
            retry_policy=retry_policy,
            timeout_seconds=timeout_seconds,
            on_retry=on_retry,
            on_connect=on_connect,
        )
        self.models = AsyncModels(self._resource.models, self._runner)
        self.datasets = AsyncDatasets(self._resource.datasets, self._runner)
        self.attributions = AsyncAttributions(self._resource.attributions, self._runner)
        self.rankings = AsyncRankings(self._resource.rankings, self._runner)
        self.layers = AsyncLayers(self._resource.layers, self._runner)
        self.concepts = AsyncConcepts(self._resource.concepts, self._runner)
        self.maps = AsyncMaps(self._resource.maps, self._runner)
        self.accuracies = AsyncAccuracies(self._resource.accuracies, self._runner)
        self.jobs = AsyncJobs(self._resource.jobs, self._runner)
        self.methods = AsyncMethods(self._resource.methods, self._runner)
        self.keys = AsyncKeys(self._resource.keys, self._runner)
        self.audit = AsyncAudit(self._resource.audit, self._runner)
        self.quotas = AsyncQuotas(self._resource.quotas, self._runner)
        self.sessions = AsyncSessions(self._resource.sessions, self._runner)

    async def rank(
        self,
        *,
        wait: bool = True,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
        **options: Unpack[RankingOptions],
    ) -> RankingTable:
        """Rank the networks of the zoo for a target: a ``model`` or a ``dataset``."""
        return await self._runner.run(
            self._resource.rank,
            wait=wait,
            on_progress=on_progress,
            timeout_seconds=timeout_seconds,
            **options,
        )

    def events(self, *, after: str | None = None) -> AsyncIterator[ProjectEvent]:
        """What changes in the project, as it happens; survives broken connections, and does not end."""
        return self._runner.iterate(self._resource.events, after=after)

    async def close(self) -> None:
        """Close the connections."""
        await self._runner.run(self._resource.close)
        self._runner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
