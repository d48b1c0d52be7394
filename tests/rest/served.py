"""A zoo behind a real socket, and functions that fill it."""

import hashlib
import io
import ssl
import struct
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from safetensors.numpy import save
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.catalog.depara import DeparaParams
from service.core.catalog.measurement import LABEL_SCORES
from service.core.catalog.transferability_estimators import TransferabilityEstimatorsParams
from service.core.ids import IdKind, new_id
from service.core.operations.access import keys
from service.core.operations.concepts import responses
from service.core.operations.measurements import estimates, graphs
from service.core.results.concepts import MeasuredResponses
from service.core.tables import (
    AffinityRecord,
    ClipRecord,
    DatasetRecord,
    DatasetState,
    GraphRecord,
    ImageRecord,
    ModelRecord,
    ModelState,
    UnitResponsesRecord,
)
from service.rest.server import create_server
from tests.waiting import HANG_SECONDS

MANIFEST = {"name": "fox", "format": "pt2", "input": {"height": 8, "width": 8}}
PROJECT = "default"
# Addresses of tests are http, so no client reads the certificates of the machine.
_PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
IMAGES = 30
PICTURES = (
    b"\x89PNG one",
    b"\x89PNG two!",
    *(f"\x89PNG {number}".encode("latin-1") for number in range(IMAGES - 2)),
)


@dataclass(frozen=True)
class Served:
    """A zoo, its address, and a client with the administrator's key."""

    zoo: Zoo
    url: str
    client: httpx.Client
    token: str
    others: list[httpx.Client] = field(default_factory=list)

    def with_scopes(self, *scopes: str, project: str = PROJECT) -> httpx.Client:
        """A client with a key of these scopes."""
        with self.zoo.transaction() as session:
            key = keys.issue(session, project=project, name="a key", scopes=scopes)
        return self.with_token(key.token)

    def with_token(self, token: str | None) -> httpx.Client:
        """A client with this token, or with none; closed when the test ends."""
        self.others.append(client_of(self.url, token))
        return self.others[-1]


def client_of(url: str, token: str | None = None) -> httpx.Client:
    """A client of the server at ``url``."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=url, headers=headers, timeout=HANG_SECONDS, verify=_PLAIN)


@contextmanager
def serving(zoo: Zoo) -> Iterator[str]:
    """The address of a server that runs while the block does."""
    server = create_server(zoo, port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(HANG_SECONDS)


def archive(name: str = "fox/models/model.json", data: bytes = b"{}") -> bytes:
    """A file that starts and ends like a pt2 archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        # A fixed date: two calls give the same bytes.
        out.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


def safetensors() -> bytes:
    """A file that starts like safetensors."""
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return struct.pack("<Q", len(header)) + header + bytes(4)


def a_model(session: Session, **changes: Any) -> ModelRecord:
    """A model that is ready."""
    name = changes.get("name", "hen")
    values: dict[str, Any] = {
        "id": new_id(IdKind.MODEL),
        "project": PROJECT,
        "name": name,
        "state": ModelState.READY,
        "task_kind": "classification",
        "manifest": {**MANIFEST, "name": name, "task": {"kind": "classification", "text": ""}},
        "fingerprint": new_id(IdKind.MODEL),
        "layers": [{"name": "conv", "kind": "convolution", "shape": [4, 8, 8]}],
        "feature_layer": "conv",
        "parameters": 7,
        "flops": 70,
        "tags": [],
    }
    record = ModelRecord(**{**values, **changes})
    session.add(record)
    session.flush()
    return record


def a_dataset(zoo: Zoo, session: Session, **changes: Any) -> DatasetRecord:
    """A ready labeled probe set of ``IMAGES`` different images."""
    packed = stored(zoo, b"".join(PICTURES))
    values: dict[str, Any] = {
        "id": new_id(IdKind.DATASET),
        "project": PROJECT,
        "name": "farm",
        "state": DatasetState.READY,
        "manifest": {"name": "farm"},
        "upload_sha256": packed,
        "upload_bytes": 1,
        "manifest_sha256": new_id(IdKind.DATASET),
        "images": IMAGES,
        "labels": ["cat", "dog"],
        "canonical_side": 8,
        "packed_sha256": packed,
        "canonical_sha256": packed,
    }
    record = DatasetRecord(**{**values, **changes})
    session.add(record)
    session.flush()
    start = 0
    for position, data in enumerate(PICTURES):
        session.add(
            ImageRecord(
                dataset_id=record.id,
                position=position,
                name=f"{position}.png",
                label=position % len(record.labels or (0, 1)),
                sha256=f"{position:064x}" if position > 1 else str(position) * 64,
                media_type="image/png",
                start=start,
                length=len(data),
                width=2,
                height=2,
            )
        )
        start += len(data)
    session.flush()
    return record


def a_set_of_clips(zoo: Zoo, session: Session, **changes: Any) -> DatasetRecord:
    """A ready dataset of two clips, of which the second has no sound."""
    packed = stored(zoo, b"".join(PICTURES))
    record = a_dataset(
        zoo, session, name="talk", kind="clips", images=None, clips=2, labels=None,
        canonical_side=None, canonical_sha256=None, **changes,
    )  # fmt: skip
    session.execute(delete(ImageRecord).where(ImageRecord.dataset_id == record.id))
    part = {
        "sha256": hashlib.sha256(PICTURES[0]).hexdigest(),
        "start": 0,
        "length": len(PICTURES[0]),
    }
    for position, name in enumerate(("a.mp4", "b.mkv")):
        session.add(
            ClipRecord(
                dataset_id=record.id,
                position=position,
                name=name,
                sha256=str(position) * 64,
                transcript="你好",
                pinyin=["ni3", "hao3"],
                speaker=None,
                seconds=1.2,
                frames=30,
                frames_per_second=25.0,
                mel_frames=118 * (1 - position),
                width=192,
                height=144,
                rotation=0,
                faces=1,
                box=[71, 84, 52, 35],
                remarks=[] if position == 0 else ["without_audio"],
                tensors=part,
                poster=part,
                mel_picture=part if position == 0 else None,
            )
        )
    record.packed_sha256 = packed
    session.flush()
    return record


def finished_upload(served: Served, data: bytes) -> str:
    """The id of an upload that has received all bytes."""
    upload: str = served.client.post("/v1/uploads", json={"size": len(data)}).json()["id"]
    headers = {"Upload-Offset": "0", "Content-Type": "application/octet-stream"}
    answer = served.client.patch(f"/v1/uploads/{upload}", content=data, headers=headers)
    assert answer.json()["state"] == "complete"
    return upload


def masked(session: Session, dataset: DatasetRecord) -> DatasetRecord:
    """The dataset, in which the bytes of every image are also its mask."""
    for image in session.scalars(select(ImageRecord).where(ImageRecord.dataset_id == dataset.id)):
        image.mask_start, image.mask_length = image.start, image.length
        data = PICTURES[image.position]
        image.mask_sha256 = hashlib.sha256(data).hexdigest()
    session.flush()
    return dataset


def stored(zoo: Zoo, data: bytes) -> str:
    """The digest of bytes now in the store."""
    path = zoo.staging / new_id(IdKind.UPLOAD)
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    zoo.blobs.add(path, sha256=digest)
    return digest


def a_graph(
    session: Session, model: ModelRecord, dataset: DatasetRecord, **changes: Any
) -> GraphRecord:
    """A usable measurement of a model with the usual settings."""
    comparable = graphs.comparable_key(dataset.manifest_sha256 or "", DeparaParams())
    values: dict[str, Any] = {
        "id": new_id(IdKind.GRAPH),
        "project": PROJECT,
        "model_id": model.id,
        "dataset_id": dataset.id,
        "cache_key": graphs.cache_key(
            comparable, model_id=model.id, fingerprint_of_model=model.fingerprint or ""
        ),
        "comparable_key": comparable,
        "settings": DeparaParams().model_dump(mode="json"),
        "status": "ok",
        "valid_probes": 2,
        "sha256": dataset.packed_sha256,
        "numeric_policy": {},
    }
    record = GraphRecord(**{**values, **changes})
    session.add(record)
    session.flush()
    return record


def an_estimate(
    session: Session, model: ModelRecord, dataset: DatasetRecord, **scores: float
) -> None:
    """Scores of a network on a labeled dataset; the other estimators have a reason instead.

    Its features fit the labels unless ``linear_probe`` says otherwise.
    """
    scores = {"linear_probe": 1.0, **scores}
    missing = {"code": "no_class_logits", "detail": "the network is no classifier"}
    result = {
        "scores": {name.value: scores.get(name.value) for name in LABEL_SCORES},
        "reasons": {name.value: missing for name in LABEL_SCORES if name.value not in scores},
        "images": 2,
    }
    params = TransferabilityEstimatorsParams()
    estimates.keep(
        session, model=model, dataset=dataset, params=params, output=result, job_id="job_1"
    )


def some_responses(
    zoo: Zoo,
    session: Session,
    model: ModelRecord,
    dataset: DatasetRecord,
    values: np.ndarray | None = None,
) -> UnitResponsesRecord:
    """Stored responses of the two units of a network to a dataset, or these, (image, unit)."""
    numbers = np.random.default_rng(0).normal(size=(IMAGES, 2)) if values is None else values
    images, units = numbers.shape
    facts = {"images": images, "units": units, "breadth": float(units), "seconds": 0.0}
    return responses.keep(
        session,
        model=model,
        dataset=dataset,
        result=MeasuredResponses.model_validate(facts),
        sha256=stored(zoo, save({"responses": numbers.astype(np.float32)})),
        job_id="job_1",
    )


def an_affinity(
    session: Session, graph: GraphRecord, other: GraphRecord, *, node: float, edge: float | None
) -> None:
    """A stored similarity of two graphs."""
    first, second = sorted((graph.id, other.id))
    session.add(
        AffinityRecord(
            first=first,
            second=second,
            version=1,
            node_similarity=node,
            edge_similarity=edge,
            valid_probes=2,
            node_variance=0.01,
            edge_variance=None if edge is None else 0.04,
            covariance=None if edge is None else 0.0,
        )
    )
    session.flush()
