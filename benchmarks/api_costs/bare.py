"""``python -m benchmarks.api_costs.bare PORT``: the least that uvicorn can do, as a yardstick."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

_BODY = b'{"status":"ok"}'
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"15")],
}


async def answer(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[..., Awaitable[None]],
) -> None:
    """The same few bytes as the health page, without any framework; a body is thrown away."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send(_START)
        await send({"type": "http.response.body", "body": _BODY})
    elif scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})


if __name__ == "__main__":
    uvicorn.run(answer, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
