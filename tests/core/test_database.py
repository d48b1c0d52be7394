"""The migrated tables are the records, and a zoo works on them."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from service.container import Zoo, zoo_from
from service.core.tables import ModelRecord, TableRow
from service.settings import Settings


def test_a_record_written_in_a_transaction_is_read_back(zoo: Zoo):
    with zoo.transaction() as session:
        session.add(
            ModelRecord(
                id="mdl_1", project="default", name="fox", task_kind="other", manifest={"a": 1}
            )
        )

    with zoo.transaction() as session:
        assert session.get_one(ModelRecord, "mdl_1").manifest == {"a": 1}


def test_a_connection_that_comes_back_after_the_zoo_was_closed_is_closed(zoo_settings: Settings):
    zoo = zoo_from(zoo_settings)
    borrowed = zoo.engine.connect()
    underneath = borrowed.connection.dbapi_connection

    zoo.close()
    borrowed.close()

    assert underneath.closed


def test_migrations_and_records_describe_the_same_tables(zoo: Zoo):
    with zoo.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, TableRow.metadata) == []
