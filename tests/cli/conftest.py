"""A shell beside a served zoo."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.core.operations import keys
from service.wiring import Zoo
from tests.cli.shells import Shell
from tests.rest.served import serving


@pytest.fixture
def shell(zoo: Zoo, tmp_path: Path) -> Iterator[Shell]:
    """A shell beside a served zoo, with a key for everything."""
    with zoo.transaction() as session:
        issued = keys.issue_first(session)
    assert issued is not None
    with serving(zoo) as url:
        yield Shell(url, issued.token, tmp_path / "home")
