"""Events of concept searches: their list, too, shows changes as they happen."""

from alembic import op

revision = "0030"
down_revision = "0027"
branch_labels = None
depends_on = None

_CALL = (
    "ON concept_searches FOR EACH ROW %s"
    " EXECUTE FUNCTION record_project_event('concept-searches', 'id', 'state')"
)


def upgrade() -> None:
    op.execute("CREATE TRIGGER project_event_added AFTER INSERT OR DELETE " + _CALL % "")
    when = "WHEN (OLD.* IS DISTINCT FROM NEW.*)"
    op.execute("CREATE TRIGGER project_event_updated AFTER UPDATE " + _CALL % when)


def downgrade() -> None:
    op.execute("DROP TRIGGER project_event_added ON concept_searches")
    op.execute("DROP TRIGGER project_event_updated ON concept_searches")
