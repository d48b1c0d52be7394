"""Client of the quotas."""

from collections.abc import Sequence
from typing import Any, cast

from zooscope.client.results import Quotas as QuotasOfProject
from zooscope.client.transport import Resource


class Quotas(Resource):
    """``zoo.quotas``: what a project may use, and what it uses."""

    def show(self, project: str | None = None) -> QuotasOfProject:
        """The quotas of your project; of another ``project`` for an operator."""
        answer = self._transport.json("GET", "/quotas", params={"project": project})
        return cast("QuotasOfProject", answer)

    def set(self, project: str, *, reset: Sequence[str] = (), **limits: int) -> QuotasOfProject:
        """Give a project limits of its own, as an operator.

        Args:
            project: The project.
            reset: Quotas that have the zoo's defaults again.
            limits: New limits: ``bytes``, ``models``, ``datasets``, ``images``, ``queued_jobs``,
                ``running_jobs`` or ``job_seconds``.
        """
        body: dict[str, Any] = {**limits, "reset": list(reset)}
        return cast(
            "QuotasOfProject", self._transport.json("PATCH", f"/quotas/{project}", body=body)
        )
