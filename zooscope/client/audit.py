"""Client of the audit log, for administrators."""

import json
from collections.abc import Iterator
from datetime import datetime

from zooscope.client.results import AuditEvent
from zooscope.client.transport import Resource


class Audit(Resource):
    """``zoo.audit``: who did what to which id, from where, and whether it was refused."""

    def ls(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[AuditEvent]:
        """The calls of your project, oldest first; those of all projects for an operator.

        Args:
            since: Only calls at or after this time; it needs a time zone.
            until: Only calls before this time; it needs a time zone.
        """
        period = {
            name: None if moment is None else moment.isoformat()
            for name, moment in (("since", since), ("until", until))
        }
        token: str | None = None
        while True:
            params = {**period, "page_token": token}
            response = self._transport.request("GET", "/audit", params=params)
            for line in response.iter_lines():
                yield json.loads(line)
            token = response.headers.get("Next-Page-Token")
            if token is None:
                return
