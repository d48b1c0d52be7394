"""A shell beside a served zoo."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.container import Zoo
from service.core.operations.access import keys
from tests.rest.served import serving
from tests.zooscope.cli.shells import Shell


@pytest.fixture
def shell(zoo: Zoo, tmp_path: Path) -> Iterator[Shell]:
    """A shell beside a served zoo, with a key for everything."""
    with zoo.transaction() as session:
        issued = keys.issue_first(session)
    assert issued is not None
    with serving(zoo) as url:
        yield Shell(url, issued.token, tmp_path / "home")
