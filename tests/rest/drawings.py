"""Results of map and heat map jobs, without running them."""

import json
import struct
from array import array

from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.blobs import Blob
from service.core.catalog.depara import DeparaParams
from service.core.catalog.transferability_map import TransferabilityMapParams
from service.core.ids import IdKind, new_id
from service.core.operations.jobs import artifacts, jobs
from service.core.operations.maps import snapshot_lookup
from service.core.operations.measurements import graphs, heat_maps
from service.core.tables import (
    ArtifactRecord,
    DatasetRecord,
    JobRecord,
    JobState,
    MapRecord,
    ModelRecord,
)
from tests.rest.served import stored

NODE = [[1.0, 0.5], [0.5, 1.0]]
EDGE = [[1.0, float("nan")], [0.2, 1.0]]
VALID = [[2, 1], [1, 2]]
DOCUMENT = {
    "names": ["fox", "hen"],
    "tasks": ["classification", "embedding"],
    "tree": {"joins": [{"left": 0, "right": 1, "height": 1.0, "size": 2}], "order": [0, 1]},
    "clusters": [0, 0],
    "typical": [0],
    "neighbors": [[{"index": 1, "similarity": 0.5}], [{"index": 0, "similarity": 0.5}]],
    "points": [[0.0, 0.0], [1.0, 0.0]],
    "stress": 0.0,
    "left_out": [],
}


def similarities() -> bytes:
    """A safetensors file with the matrices that a worker stores."""
    data = b"".join(array("d", row).tobytes() for row in (*NODE, *EDGE))
    data += b"".join(array("q", row).tobytes() for row in VALID)
    header = json.dumps(
        {
            "__metadata__": {"a": "b"},
            "node": {"dtype": "F64", "shape": [2, 2], "data_offsets": [0, 32]},
            "edge": {"dtype": "F64", "shape": [2, 2], "data_offsets": [32, 64]},
            "valid": {"dtype": "I64", "shape": [2, 2], "data_offsets": [64, 96]},
        }
    ).encode()
    return struct.pack("<Q", len(header)) + header + data


def keep_file(
    zoo: Zoo, session: Session, job_id: str, name: str, media_type: str, data: bytes
) -> None:
    digest = stored(zoo, data)
    session.add(
        ArtifactRecord(
            id=new_id(IdKind.ARTIFACT),
            project="default",
            job_id=job_id,
            name=name,
            media_type=media_type,
            sha256=digest,
            size_bytes=len(data),
        )
    )
    session.flush()


def draw(zoo: Zoo, measured: tuple[str, list[str]], job_id: str, *, map_id: str = "map_1") -> None:
    """The result of a map job."""
    dataset_id, models = measured
    params = TransferabilityMapParams().model_dump(mode="json")
    with zoo.transaction() as session:
        job = session.get_one(JobRecord, job_id)
        manifest = session.get_one(DatasetRecord, dataset_id).manifest_sha256
        session.add(
            MapRecord(
                id=map_id,
                project="default",
                dataset_id=dataset_id,
                comparable_key=graphs.comparable_key(manifest or "", DeparaParams()),
                params_key=snapshot_lookup.params_key(job.params),
                models_key=snapshot_lookup.models_key(job.inputs["model_ids"]),
                edge_weight=params["edge_weight"],
                layout_id=map_id,
                document={**DOCUMENT, "models": models, "params": params},
                job_id=job_id,
            )
        )
        keep_file(zoo, session, job_id, "similarities.safetensors", "x/y", similarities())
        keep_file(zoo, session, job_id, "matrix.svg", "image/svg+xml", b"<svg/>")
        keep_file(zoo, session, job_id, "matrix-dark.svg", "image/svg+xml", b"<svg><g/></svg>")
        job.result = {"map_id": map_id}
        jobs.end(session, job, JobState.SUCCEEDED)


def draw_pictures(zoo: Zoo, job_id: str) -> None:
    """The result of a heat map job, with one placeholder image each."""
    with zoo.transaction() as session:
        job = session.get_one(JobRecord, job_id)
        drawn = [session.get_one(ModelRecord, item) for item in job.inputs["model_ids"]]
        dataset = session.get_one(DatasetRecord, job.inputs["dataset_id"])
        keys = heat_maps.picture_keys(drawn, dataset, job)
        files = {}
        for name in keys:
            data = f"PNG {name}".encode()
            files[name] = Blob(stored(zoo, data), len(data))
        artifacts.put(session, job=job, files=files, cache_keys=keys)
        jobs.end(session, job, JobState.SUCCEEDED)
