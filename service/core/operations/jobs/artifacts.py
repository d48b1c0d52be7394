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
    """Ids of the job's artifacts by name; an existing artifact keeps its id and gets the new bytes.

    ``cache_keys`` are the keys for looking up files, by file name.
    """
    query = select(ArtifactRecord).where(ArtifactRecord.job_id == job.id)
    records = {record.name: record for record in session.scalars(query.with_for_update())}
    for name, blob in files.items():
        if name not in records:
            records[name] = _new(job, name)
            session.add(records[name])
        records[name].sha256, records[name].size_bytes = blob.sha256, blob.size_bytes
        records[name].cache_key = cache_keys.get(name)
    session.flush()
    return {name: records[name].id for name in files}


def _new(job: JobRecord, name: str) -> ArtifactRecord:
    suffix = name.rsplit(".", maxsplit=1)[-1]
    return ArtifactRecord(
        id=new_id(IdKind.ARTIFACT),
        project=job.project,
        job_id=job.id,
        name=name,
        media_type=_MEDIA_TYPES.get(suffix, "application/octet-stream"),
    )
