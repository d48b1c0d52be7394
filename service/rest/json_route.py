"""Routes with a JSON body: counted while it arrives, then parsed strictly."""

from collections.abc import Callable, Collection, Coroutine, Iterator
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.core.errors import FieldProblem, InvalidRequestError
from service.core.spelling import did_you_mean
from service.core.strict_json import SHORT, JsonLimits, long_lists, parse_json, require_size
from service.rest.dependencies import app_state_of
from service.rest.request_bodies import UNBOUNDED, media_type_of

LONG_LISTS = UNBOUNDED
"""``max_body_size`` of a route that takes up to ZOO_MAX_JSON_BYTES, since its body holds long lists."""

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRoute(APIRoute):
    """A route that knows all query parameters and whose JSON body is bounded.

    A body has 64 KiB at most; with ``max_body_size=LONG_LISTS`` more.
    """

    def get_route_handler(self) -> _Handler:
        """The handler of the framework, with a request that is already parsed."""
        handle = super().get_route_handler()
        parameters = frozenset(_query_parameters(self.dependant))

        async def handle_known(request: Request) -> Response:
            _require_known(request, parameters)
            return await handle(request)

        async def handle_strictly(request: Request) -> Response:
            _require_known(request, parameters)
            data = await read_bounded(request, self._limits(request))
            value = await _value_of(request, data, self._limits(request))
            return await handle(_ParsedRequest(request, data, value))

        return handle_known if self.body_field is None else handle_strictly

    def _limits(self, request: Request) -> JsonLimits:
        return SHORT if self.max_body_size is None else long_limits(request)


def _query_parameters(dependant: Dependant) -> Iterator[str]:
    """The names of the query parameters that a dependency and those below it take."""
    for field in dependant.query_params:
        shape = field.field_info.annotation
        if isinstance(shape, type) and issubclass(shape, BaseModel):
            yield from shape.model_fields
        else:
            yield field.alias
    for dependency in dependant.dependencies:
        yield from _query_parameters(dependency)


def _require_known(request: Request, parameters: Collection[str]) -> None:
    """Refuse query parameters that the route does not take.

    Raises:
        InvalidRequestError: With a pointer to each, and a suggestion.
    """
    unknown = [name for name in request.query_params if name not in parameters]
    if unknown:
        raise InvalidRequestError(
            f"unknown query parameters: {', '.join(unknown)}",
            remedy=f"this route takes {', '.join(sorted(parameters)) or 'no query parameters'}",
            errors=[
                FieldProblem(
                    f"/query/{name}", f"unknown parameter{did_you_mean(name, parameters)}"
                )
                for name in unknown
            ],
        )


def long_limits(request: Request) -> JsonLimits:
    """Limits of a body that holds long lists."""
    return long_lists(app_state_of(request).zoo.settings.max_json_bytes)


async def read_bounded(request: Request, limits: JsonLimits) -> bytes:
    """The body. Raises TooLargeError as soon as it is announced, or turns out, to be too long."""
    announced = request.headers.get("content-length", "0")
    require_size(int(announced) if announced.isdecimal() else 0, limits)
    data = bytearray()
    async for chunk in request.stream():
        require_size(len(data) + len(chunk), limits)
        data.extend(chunk)
    return bytes(data)


async def json_value(data: bytes, limits: JsonLimits) -> Any:
    """The value of a JSON text; a long one is parsed beside the event loop."""
    if len(data) <= SHORT.size_bytes:
        return parse_json(data, limits)
    return await run_in_threadpool(parse_json, data, limits)


async def _value_of(request: Request, data: bytes, limits: JsonLimits) -> Any:
    media_type = media_type_of(request.headers)
    is_json = media_type == "application/json" or media_type.endswith("+json")
    return await json_value(data, limits) if data and is_json else None


class _ParsedRequest(Request):
    """The request with its body as bytes and as a value, both read before."""

    def __init__(self, request: Request, data: bytes, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._data = data
        self._value = value

    async def body(self) -> bytes:
        """The bytes."""
        return self._data

    async def json(self) -> Any:
        """The value."""
        return self._value
