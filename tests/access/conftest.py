"""A zoo with Redis, so that several APIs can serve it as several processes do."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pydantic import SecretStr

from service.adapters import request_counts
from service.container import Zoo, zoo_from
from service.embedded.redis import PrivateRedis
from service.settings import Settings
from tests.waiting import HANG_SECONDS


@pytest.fixture
def redis() -> Iterator[PrivateRedis]:
    """A private Redis; a test may stop it."""
    with TemporaryDirectory(prefix="zoo-") as folder, PrivateRedis(Path(folder)) as server:
        yield server


@pytest.fixture
def redis_patience() -> float:
    """Seconds that an API waits for Redis before it counts alone: a busy machine is no reason to."""
    return HANG_SECONDS


@pytest.fixture
def strict_zoo(
    zoo_settings: Settings,
    redis: PrivateRedis,
    redis_patience: float,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Zoo]:
    """A zoo that lets an address send two wrong keys a day, and a key four requests."""
    monkeypatch.setattr(request_counts, "_TIMEOUT_SECONDS", redis_patience)
    zoo = zoo_from(
        zoo_settings.model_copy(
            update={
                "redis_url": SecretStr(redis.url),
                "wrong_key_limit": "2/day",
                "rate_limit": "4/day",
            }
        )
    )
    yield zoo
    zoo.close()
