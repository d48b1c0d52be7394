"""Wire shapes of quotas."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from service.core.manifest import Strict
from service.core.operations.access.keys import Caller
from service.core.operations.access.operators import require_operator
from service.core.operations.access.projects import require_project
from service.core.operations.quotas import limits
from service.core.operations.quotas.limits import DAY_SECONDS, Quota
from service.core.operations.quotas.usage import used
from service.views.keys import Project
from service.views.validation import validated

Limit = Annotated[int | None, Field(ge=0, lt=2**62)]


class QuotaView(BaseModel):
    """One quota: its limit, or null if it has none, and what is used within its window, if any."""

    quota: Quota
    limit: int | None = None
    used: int
    window_seconds: int | None = None


class QuotasView(BaseModel):
    """What a project may use, and what it uses."""

    project: str
    items: list[QuotaView]

    @classmethod
    def of(cls, session: Session, project: str) -> Self:
        """The quotas of a project."""
        items = [
            QuotaView(
                quota=quota,
                limit=limit,
                used=used(session, project, quota),
                window_seconds=DAY_SECONDS if quota is Quota.JOB_SECONDS else None,
            )
            for quota, limit in limits.limits_of(session, project).items()
        ]
        return cls(project=project, items=items)


class QuotaQuery(BaseModel):
    """Whose quotas to show."""

    model_config = ConfigDict(frozen=True)

    project: Project | None = Field(
        None, description="Another project than your own; operators only."
    )

    def view(self, session: Session, caller: Caller) -> QuotasView:
        """The quotas.

        Raises:
            ForbiddenError: The caller may not see that project.
            NotFoundError: ``project_not_found``.
        """
        project = caller.project if self.project is None else self.project
        if project != caller.project:
            require_operator(caller)
            require_project(session, project)
        return QuotasView.of(session, project)


class QuotaChangesView(Strict):
    """New limits of a project; what you omit stays. ``reset`` ones are the zoo's defaults again."""

    bytes: Limit = None
    models: Limit = None
    datasets: Limit = None
    images: Limit = None
    queued_jobs: Limit = None
    running_jobs: Limit = None
    job_seconds: Limit = None
    reset: list[Quota] = Field(default_factory=list, max_length=len(Quota))

    @model_validator(mode="after")
    def _set_or_reset(self) -> Self:
        """A limit is set or reset, not both."""
        both = sorted(quota for quota in self.reset if getattr(self, quota) is not None)
        if both:
            raise ValueError(f"set and reset at once: {', '.join(both)}")
        return self

    def apply(self, session: Session, caller: Caller, *, project: str) -> QuotasView:
        """Change the limits of a project.

        Raises:
            ForbiddenError: The caller is no operator.
            NotFoundError: ``project_not_found``.
        """
        require_operator(caller)
        validated(_ProjectPath, {"project": project}, where="path")
        require_project(session, project)
        values = {quota: getattr(self, quota) for quota in Quota}
        chosen = {quota: limit for quota, limit in values.items() if limit is not None}
        limits.change(session, project=project, limits=chosen, reset=self.reset)
        return QuotasView.of(session, project)


class _ProjectPath(BaseModel):
    """The project in a path or a request."""

    project: Project
