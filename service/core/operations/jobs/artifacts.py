"""Files that jobs produced."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.blobs import Blob
from service.core.ids import IdKind, new_id
from service.core.tables import ArtifactRecord, JobRecord

_MEDIA_TYPES = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "json": "application/json",
    "md": "text/markdown",
    "safetensors": "application/vnd.safetensors",
    "npy": "application/x-npy",
    "zip": "application/zip",
}


def put(
    session: Session,
    *,
    job: JobRecord,
    files: Mapping[str, Blob],
    cache_keys: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Ids of the job's artifacts by name; one of the same name keeps its id and gets new bytes.

    ``cache_keys`` are the keys under which files are looked up, by their names.
    """
    query = select(ArtifactRecord).where(ArtifactRecord.job_id == job.id)
    known = {one.name: one for one in session.scalars(query.with_for_update())}
    for name, blob in files.items():
        if name not in known:
            known[name] = _new(job, name)
            session.add(known[name])
        known[name].sha256, known[name].size_bytes = blob.sha256, blob.size_bytes
        known[name].cache_key = cache_keys.get(name)
    session.flush()
    return {name: known[name].id for name in files}


def _new(job: JobRecord, name: str) -> ArtifactRecord:
    status = name.rsplit(".", maxsplit=1)[-1]
    return ArtifactRecord(
        id=new_id(IdKind.ARTIFACT),
        project=job.project,
        job_id=job.id,
        name=name,
        media_type=_MEDIA_TYPES.get(status, "application/octet-stream"),
    )
