"""Events of projects: triggers record every change that lists of the API show."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# Arguments: kind of the event, column of the id, and column of the state where there is one.
_RECORD = """
CREATE FUNCTION record_project_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
    subject text;
    state text;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    EXECUTE format('SELECT ($1).%I', TG_ARGV[1]) INTO subject USING changed;
    IF TG_NARGS > 2 THEN
        EXECUTE format('SELECT ($1).%I', TG_ARGV[2]) INTO state USING changed;
    END IF;
    INSERT INTO project_events (project, kind, change, subject_id, state) VALUES (
        changed.project,
        TG_ARGV[0],
        CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END,
        subject,
        state
    );
    PERFORM pg_notify('zoo_project_events', changed.project);
    RETURN NULL;
END $$
"""
_ANY_COLUMN = "OLD.* IS DISTINCT FROM NEW.*"
# Leases and counters of jobs change all the time and show nowhere.
_SHOWN_OF_JOBS = "(OLD.state, OLD.progress) IS DISTINCT FROM (NEW.state, NEW.progress)"
# Table, arguments of the function, and which updates count.
_SOURCES = (
    ("jobs", "'jobs', 'id', 'state'", _SHOWN_OF_JOBS),
    ("models", "'models', 'id', 'state'", _ANY_COLUMN),
    ("datasets", "'datasets', 'id', 'state'", _ANY_COLUMN),
    ("rankings", "'rankings', 'id', 'state'", _ANY_COLUMN),
    ("layer_selections", "'layer-selections', 'id', 'state'", _ANY_COLUMN),
    ("accuracies", "'accuracies', 'id'", _ANY_COLUMN),
    ("maps", "'maps', 'dataset_id'", None),
    ("graphs", "'measurements', 'model_id'", None),
)


def upgrade() -> None:
    op.create_table(
        "project_events",
        sa.Column(
            "transaction",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
        ),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("transaction", "seq", name=op.f("pk_project_events")),
    )
    op.create_index(
        "ix_project_events_project", "project_events", ["project", "transaction", "seq"]
    )
    op.execute(_RECORD)
    for table, arguments, changed in _SOURCES:
        call = f"ON {table} FOR EACH ROW %s EXECUTE FUNCTION record_project_event({arguments})"
        op.execute("CREATE TRIGGER project_event_added AFTER INSERT OR DELETE " + call % "")
        if changed:
            when = f"WHEN ({changed})"
            op.execute("CREATE TRIGGER project_event_updated AFTER UPDATE " + call % when)


def downgrade() -> None:
    op.execute("DROP FUNCTION record_project_event CASCADE")
    op.drop_table("project_events")
