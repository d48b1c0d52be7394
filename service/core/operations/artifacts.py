"""Files that jobs produced."""

from sqlalchemy.orm import Session

from service.core.errors import NotFoundError
from service.core.records import ArtifactRecord


def get(session: Session, *, project: str, artifact_id: str) -> ArtifactRecord:
    """The artifact.

    Raises:
        NotFoundError: ``artifact_not_found``.
    """
    record = session.get(ArtifactRecord, artifact_id)
    if record is None or record.project != project:
        raise NotFoundError(f"there is no artifact {artifact_id}", code="artifact_not_found")
    return record
