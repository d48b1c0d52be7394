"""An S3-compatible server on a free port, which keeps its buckets in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "zoo"


@contextmanager
def s3_bucket() -> Iterator[str]:
    """The URL of an empty bucket; meanwhile the environment names its server, as S3 clients expect."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_ENDPOINT_URL", endpoint)
            environment.setenv("AWS_REGION", "us-east-1")
            environment.setenv("AWS_ACCESS_KEY_ID", "zoo")
            environment.setenv("AWS_SECRET_ACCESS_KEY", "zoo-store-secret")
            httpx.put(f"{endpoint}/{BUCKET}").raise_for_status()
            yield f"s3://{BUCKET}"
    finally:
        server.stop()
