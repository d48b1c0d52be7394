"""Networks that were stored before versions existed are numbered by name, from the oldest."""

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from service.embedded.postgres import PrivatePostgres
from service.migrate import configuration

_INSERT = """
INSERT INTO models (id, project, name, state, task_kind, manifest, tags, filename, layers, problems,
    version)
VALUES (:id, :project, :name, 'ready', 'other', '{}', '{}', '', '[]', '[]', 1)
"""
MODELS = (
    ("mdl_1", "farm", "fox"),
    ("mdl_2", "farm", "hen"),
    ("mdl_3", "farm", "fox"),
    ("mdl_4", "city", "fox"),
)


@pytest.fixture
def connection(postgres: PrivatePostgres):
    """A database as it was before versions, with four networks."""
    postgres.create_database("versions")
    engine = create_engine("postgresql+psycopg://" + postgres.url("versions").split("://", 1)[1])
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "0019")
        for id_, project, name in MODELS:
            values = {"id": id_, "project": project, "name": name}
            connection.execute(text(_INSERT), values)
        yield connection
    engine.dispose()
    postgres.drop_database("versions")


def test_networks_are_numbered_within_their_name_and_project(connection):
    command.upgrade(configuration(connection), "0020")

    numbers = dict(connection.execute(text("SELECT id, name_version FROM models")).all())
    names = set(connection.execute(text("SELECT project, name, last_version FROM model_names")))
    assert numbers == {"mdl_1": 1, "mdl_2": 1, "mdl_3": 2, "mdl_4": 1}
    assert names == {("farm", "fox", 2), ("farm", "hen", 1), ("city", "fox", 1)}


def test_the_way_back_keeps_the_networks(connection):
    command.upgrade(configuration(connection), "0020")
    command.downgrade(configuration(connection), "0019")

    assert connection.execute(text("SELECT count(*) FROM models")).scalar_one() == len(MODELS)
