"""Migrations lead to the records and back, and a crowd of processes migrates once."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from service.core.errors import ConflictError
from service.core.tables import TableRow
from service.embedded.postgres import PrivatePostgres
from service.migrate import MIGRATIONS, configuration, migrate
from tests.waiting import HANG_SECONDS

CROWD = 3


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


def test_a_crowd_of_replicas_migrates_once_and_issues_a_single_first_key(
    engine: Engine, tmp_path: Path
):
    program = (
        "import sys; from pathlib import Path; from service.embedded.bootstrap import prepare;"
        "from service.embedded.home import Home; from service.settings import Settings;"
        "home = Path(sys.argv[2]);"
        "print(prepare(Settings(home=home, database_url=sys.argv[1]), Home(home)).new_key)"
    )
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)

    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", program, address, tmp_path / str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(CROWD)
    ]
    printed = [process.communicate(timeout=HANG_SECONDS)[0].strip() for process in crowd]

    assert [process.returncode for process in crowd] == [0] * CROWD
    assert printed.count("None") == CROWD - 1
    assert tables(engine) == set(TableRow.metadata.tables)


def test_a_release_refuses_tables_of_a_later_one_and_leaves_them_alone(engine: Engine):
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(ConflictError) as refused:
        migrate(engine)

    assert (refused.value.code, bool(refused.value.remedy)) == ("schema_newer", True)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


# Processes of the previous release run while the next one upgrades the tables. Migrations up to
# this one were written before there was a release.
LAST_FREE_REVISION = "0013"
CHANGES_WHAT_IS_USED = {"drop_column", "drop_table", "rename_table", "alter_column"}


def breaking_steps(source: str) -> list[str]:
    """What the upgrade of a migration does that a process of the previous release cannot bear."""
    module = ast.parse(source)
    upgrade = next(
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade"
    )
    return [
        ast.unparse(call)
        for call in ast.walk(upgrade)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and _breaks(call)
    ]


def _breaks(call: ast.Call) -> bool:
    """Whether a step removes, renames or retypes something, or adds a column that inserts must fill."""
    assert isinstance(call.func, ast.Attribute)
    text_of_call = ast.unparse(call)
    match call.func.attr:
        case "add_column":
            return "nullable=False" in text_of_call and "server_default" not in text_of_call
        case "execute":
            return bool(re.search(r"(?i)\b(drop (table|column)|rename)\b", text_of_call))
        case name:
            return name in CHANGES_WHAT_IS_USED


def test_migrations_only_add_so_that_the_previous_release_works_beside_the_next():
    versions = Path(MIGRATIONS / "versions").glob("[0-9]*.py")
    later = [path for path in versions if path.name[:4] > LAST_FREE_REVISION]

    assert {path.name: breaking_steps(path.read_text()) for path in later} == {
        path.name: [] for path in later
    }


@pytest.mark.parametrize(
    "step",
    [
        "op.add_column('jobs', sa.Column('a', sa.Text(), nullable=False))",
        "op.drop_column('jobs', 'a')",
        "op.execute('ALTER TABLE jobs RENAME a TO b')",
    ],
)
def test_a_step_that_the_previous_release_cannot_bear_is_noticed(step: str):
    assert breaking_steps(f"def upgrade():\n    {step}\n") == [step]


@pytest.mark.parametrize(
    "step",
    [
        "op.add_column('jobs', sa.Column('a', sa.Text(), nullable=True))",
        "op.add_column('jobs', sa.Column('a', sa.Text(), nullable=False, server_default=''))",
        "op.create_table('more', sa.Column('a', sa.Text(), nullable=False))",
    ],
)
def test_a_step_that_only_adds_is_allowed(step: str):
    assert breaking_steps(f"def upgrade():\n    {step}\n") == []
