"""Which projects there are: a project exists as soon as it has a key."""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from service.core.errors import NotFoundError
from service.core.spelling import suggestion
from service.core.tables import KeyRecord


def require_project(session: Session, project: str) -> None:
    """Require that the project exists; only for operators, who may know all of them.

    Raises:
        NotFoundError: ``project_not_found``, naming those that are similar, or all.
    """
    if session.scalar(select(exists().where(KeyRecord.project == project))):
        return
    names = session.scalars(select(KeyRecord.project).distinct().order_by(KeyRecord.project))
    raise NotFoundError(
        f"there is no project {project!r}",
        code="project_not_found",
        remedy=f"{suggestion(project, names, kind='projects')}; the first key of a project creates it",
    )
