"""One row of each kind for a project; the first rows of two projects share all their cache keys."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from service.container import Zoo
from service.core.catalog.depara import DeparaParams
from service.core.catalog.transferability_map import TransferabilityMapParams
from service.core.clock import now
from service.core.ids import IdKind
from service.core.operations.maps import snapshot_lookup
from service.core.operations.measurements import graphs
from service.core.sketches import EDGE_SCALE, NODE_SKETCH_SIZE, SKETCH_SIZE
from service.core.tables import (
    AccuracyRecord,
    ArtifactRecord,
    ConceptSearchRecord,
    DatasetRecord,
    EstimateRecord,
    GraphRecord,
    ImageRecord,
    JobEventRecord,
    JobRecord,
    KeyRecord,
    LayerSelectionRecord,
    MapRecord,
    ModelAliasRecord,
    ModelNameRecord,
    ModelRecord,
    RankingRecord,
    TableRow,
    UnitResponsesRecord,
    UploadRecord,
    WeightSketchRecord,
)
from tests.rest.drawings import DOCUMENT, similarities
from tests.rest.served import archive, stored

_INPUT = {"height": 8, "width": 8, "channels": 3}
_FEW_SHOT = {"units": 1, "prior": 1.0, "scale": 1.0, "outside_distance": 9.0}
_STYLIZER = {"network": "din", "width": 4}
_IMAGES = 30
_SKETCH = [1.0] + [0.0] * (NODE_SKETCH_SIZE - 1) + [EDGE_SCALE]


def rows_of(zoo: Zoo, *, project: str, ids: Mapping[IdKind, str], word: str) -> Iterator[TableRow]:
    """The rows, each after those that it refers to; every name and every file contains ``word``."""
    rows = _Rows(zoo, project, ids, word)
    yield from rows.things()
    yield from rows.jobs()
    yield from rows.measurements()
    yield from rows.results()


class _Rows:
    def __init__(self, zoo: Zoo, project: str, ids: Mapping[IdKind, str], word: str) -> None:
        self._zoo = zoo
        self._project = project
        self._ids = ids
        self._word = word
        self._model, self._dataset = ids[IdKind.MODEL], ids[IdKind.DATASET]
        self._job = ids[IdKind.JOB]
        # A word before the secret one makes other keys: a project has each key once.
        self._number = len(word.split())
        self._images = f"images {self._number}"
        self._comparable = graphs.comparable_key(self._images, DeparaParams())

    def things(self) -> Iterator[TableRow]:
        """A network, images, an upload, a key."""
        picture = f"\x89PNG {self._word}".encode()
        packed = stored(self._zoo, picture)
        yield DatasetRecord(
            **self._owned(IdKind.DATASET),
            name=self._word,
            state="ready",
            manifest={"name": self._word},
            upload_sha256=packed,
            upload_bytes=len(picture),
            manifest_sha256=self._images,
            images=_IMAGES,
            labels=[f"cat {self._word}", f"dog {self._word}"],
            canonical_side=8,
            packed_sha256=packed,
            canonical_sha256=packed,
        )
        for position in range(_IMAGES):
            yield ImageRecord(
                dataset_id=self._dataset,
                position=position,
                name=f"{self._word}.png",
                label=position % 2,
                sha256=f"{self._number:032x}{position:032x}",
                media_type="image/png",
                start=0,
                length=len(picture),
                width=2,
                height=2,
                mask_start=0,
                mask_length=len(picture),
                mask_sha256=packed,
            )
        yield self._network(packed, len(picture))
        yield WeightSketchRecord(
            model_id=self._model, project=self._project, trunk_keys=["a"], weights=[], others=0
        )
        named = {"project": self._project, "name": self._word}
        yield ModelNameRecord(**named, last_version=1)
        yield ModelAliasRecord(**named, alias="a", model_id=self._model)
        yield UploadRecord(
            **self._owned(IdKind.UPLOAD),
            filename=f"{self._word}.pt2",
            size_bytes=len(archive()),
            offset_bytes=len(archive()),
            sha256=stored(self._zoo, archive()),
            state="complete",
            expires_at=now() + timedelta(days=1),
        )
        yield KeyRecord(
            **self._owned(IdKind.KEY), name=self._word, secret_sha256="0" * 64, scopes=["read"]
        )

    def _network(self, packed: str, size_bytes: int) -> ModelRecord:
        classes = [f"cat {self._word}", f"dog {self._word}"]
        manifest = {
            "name": self._word,
            "format": "pt2",
            "input": _INPUT,
            "classes": classes,
            "few_shot": _FEW_SHOT,
            "stylizer": _STYLIZER,
        }
        return ModelRecord(
            **self._owned(IdKind.MODEL),
            name=self._word,
            name_version=1,
            state="ready",
            task_kind="classification",
            manifest={**manifest, "task": {"kind": "classification", "text": self._word}},
            filename=f"{self._word}.pt2",
            upload_sha256=packed,
            upload_bytes=size_bytes,
            program_sha256=packed,
            fingerprint=f"network {self._number}",
            weights_sha256=f"{self._number:064x}",
            layers=[
                {"name": "conv", "kind": "convolution", "shape": [4, 8, 8]},
                {"name": "head", "kind": "linear", "shape": [2]},
            ],
            feature_layer="conv",
            output_kind="vector",
            output_shape=[2],
            batch_norms=1,
            parameters=7,
            flops=70,
            tags=[self._word],
            lineage={"job_id": self._job, "method": "fine_tune", "datasets": [self._dataset]},
        )

    def jobs(self) -> Iterator[TableRow]:
        """A finished job with an event and files."""
        yield JobRecord(
            **self._owned(IdKind.JOB),
            method="transferability_map",
            method_version=3,
            state="succeeded",
            params=TransferabilityMapParams().model_dump(mode="json"),
            inputs={"dataset_id": self._dataset, "model_ids": [self._model], "continues": None},
            result={"name": self._word},
            progress={},
            cache_key=f"job {self._number}",
            events=1,
        )
        yield JobEventRecord(job_id=self._job, seq=1, type="succeeded", data={"a": self._word})
        yield self._file(self._ids[IdKind.ARTIFACT], "matrix.svg", self._word.encode())
        name = snapshot_lookup.SIMILARITIES
        yield self._file(f"art_{self._job.removeprefix('job_')}", name, similarities())

    def _file(self, artifact_id: str, name: str, data: bytes) -> ArtifactRecord:
        return ArtifactRecord(
            id=artifact_id,
            project=self._project,
            job_id=self._job,
            name=name,
            media_type="image/svg+xml",
            sha256=stored(self._zoo, data),
            size_bytes=len(data),
            cache_key=f"file {self._number} {name}",
        )

    def measurements(self) -> Iterator[TableRow]:
        """A graph, an estimate, responses and an accuracy."""
        measured = {
            "model_id": self._model,
            "dataset_id": self._dataset,
            "comparable_key": self._comparable,
        }
        yield GraphRecord(
            **self._owned(IdKind.GRAPH),
            **measured,
            cache_key=f"graph {self._number}",
            settings=DeparaParams().model_dump(mode="json"),
            status="ok",
            valid_probes=2,
            sha256=stored(self._zoo, self._word.encode()),
            numeric_policy={},
            sketch=[*_SKETCH, *[0.0] * (SKETCH_SIZE - len(_SKETCH))],
        )
        yield EstimateRecord(
            **self._owned(IdKind.ESTIMATE),
            **measured,
            cache_key=f"estimate {self._number}",
            version=1,
            settings={},
            scores={},
            reasons={},
            images=1,
        )
        yield UnitResponsesRecord(
            **self._owned(IdKind.UNIT_RESPONSES),
            **measured,
            cache_key=f"responses {self._number}",
            units=2,
            images=_IMAGES,
            breadth=1.0,
            sha256=stored(self._zoo, self._word.encode()),
        )
        yield AccuracyRecord(
            **self._owned(IdKind.ACCURACY),
            model=self._word,
            dataset=self._word,
            metric="accuracy",
            value=0.5,
            protocol="other",
            source=self._word,
            identity=f"accuracy {self._number}",
        )

    def results(self) -> Iterator[TableRow]:
        """A ranking, a layer selection, a concept search and a map."""
        unranked = [{"model_id": self._model, "code": "x", "detail": self._word}]
        yield RankingRecord(
            **self._owned(IdKind.RANKING),
            state="ready",
            metric="depara",
            edge_weight=0.25,
            request={},
            target_model_id=self._model,
            dataset_id=self._dataset,
            comparable_key=self._comparable,
            candidates=[],
            pairs=[],
            unranked=unranked,
            baselines=[],
        )
        yield LayerSelectionRecord(
            **self._owned(IdKind.LAYER_SELECTION),
            state="ready",
            cache_key=f"selection {self._number}",
            source_model_id=self._model,
            target_model_id=self._model,
            dataset_id=self._dataset,
            target_layer=self._word,
            candidates=["conv"],
            settings={},
            layers=[],
        )
        yield ConceptSearchRecord(
            **self._owned(IdKind.CONCEPT_SEARCH),
            state="ready",
            cache_key=f"search {self._number}",
            dataset_id=self._dataset,
            probe_set_id=self._dataset,
            request={},
            searched=[self._model],
            unsearched=unranked,
            units=[],
        )
        params = TransferabilityMapParams().model_dump(mode="json")
        document: dict[str, Any] = {**DOCUMENT, "models": [self._model] * 2, "params": params}
        yield MapRecord(
            **self._owned(IdKind.MAP),
            dataset_id=self._dataset,
            comparable_key=self._comparable,
            models_key=snapshot_lookup.models_key([self._model]),
            params_key=snapshot_lookup.params_key(params),
            edge_weight=params["edge_weight"],
            layout_id=self._ids[IdKind.MAP],
            document={**document, "names": [self._word] * 2},
            job_id=self._job,
        )

    def _owned(self, kind: IdKind) -> dict[str, str]:
        return {"id": self._ids[kind], "project": self._project}
