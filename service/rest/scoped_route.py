"""Routes that check the scopes of a key before they read a body."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from starlette.responses import Response

from service.rest.dependencies import KeyWithScope, caller_of
from service.rest.json_route import JsonRoute


class ScopedRoute(JsonRoute):
    """A JSON route whose key must have the scopes that its dependencies ask for.

    The framework reads and parses a body before it calls any dependency; this comes before both.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler after the check."""
        handle = super().get_route_handler()
        required = tuple(_required(self.dependant))

        async def checked(request: Request) -> Response:
            for key in required:
                caller_of(request).require(*key.scopes)
            return await handle(request)

        return checked


def _required(dependant: Dependant) -> Iterator[KeyWithScope]:
    """The scopes that a dependency and those below it ask for."""
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, KeyWithScope):
            yield dependency.call
        yield from _required(dependency)
