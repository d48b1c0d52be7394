"""Migrations lead to the records and back, and a crowd of processes migrates once."""

import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect

from service.core.tables import TableRow
from service.embedded.postgres import PrivatePostgres
from service.migrate import configuration, migrate
from tests.waiting import HANG_SECONDS


@pytest.fixture
def engine(postgres: PrivatePostgres):
    postgres.create_database("empty")
    engine = create_engine("postgresql+psycopg://" + postgres.url("empty").split("://", 1)[1])
    yield engine
    engine.dispose()
    postgres.drop_database("empty")


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_up_gives_exactly_the_tables_of_the_records(engine: Engine):
    migrate(engine)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TableRow.metadata) == []


def test_down_leaves_nothing_and_up_works_again(engine: Engine):
    migrate(engine)
    with engine.begin() as connection:
        command.downgrade(configuration(connection), "base")
    left = tables(engine)

    migrate(engine)

    assert left == set()
    assert tables(engine) == set(TableRow.metadata.tables)


def test_a_crowd_of_processes_migrates_once(engine: Engine):
    program = (
        "import sys; from sqlalchemy import create_engine; from service.migrate import migrate;"
        "migrate(create_engine(sys.argv[1]))"
    )
    address = engine.url.render_as_string(hide_password=False)

    crowd = [subprocess.Popen([sys.executable, "-c", program, address]) for _ in range(4)]

    assert [process.wait(HANG_SECONDS) for process in crowd] == [0] * 4
    assert tables(engine) == set(TableRow.metadata.tables)
