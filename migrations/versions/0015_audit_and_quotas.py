"""audit log, quotas of projects, and the time that attempts ran"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Only this function deletes: it marks its own transaction, and the trigger looks for the mark.
_DELETE_OLD = """
CREATE FUNCTION delete_audit_before(older_than interval, at_most integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  deleted integer;
BEGIN
  PERFORM set_config('zoo.audit_retention', 'on', true);
  DELETE FROM audit WHERE seq IN (
    SELECT seq FROM audit WHERE at < clock_timestamp() - older_than ORDER BY at, seq LIMIT at_most
  );
  GET DIAGNOSTICS deleted = ROW_COUNT;
  PERFORM set_config('zoo.audit_retention', 'off', true);
  RETURN deleted;
END $$
"""
_REFUSE = """
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('zoo.audit_retention', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the audit log is append-only: % is refused', TG_OP
    USING ERRCODE = 'insufficient_privilege',
          HINT = 'only delete_audit_before() removes rows, once they are old enough';
END $$
"""
_TRIGGER = """
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
"""
_RUNS_SO_FAR = """
INSERT INTO job_runs (job_id, fence, project, started_at, ended_at)
SELECT id, fence, project, started_at, finished_at FROM jobs
WHERE started_at IS NOT NULL AND (state = 'running' OR finished_at IS NOT NULL)
"""


def _moment(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def upgrade() -> None:
    _create_audit()
    _create_quotas()
    _create_job_runs()


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _moment("at", server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("project", sa.Text(), nullable=True),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("api", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_project_at", "audit", ["project", "at", "seq"], unique=False)
    op.create_index("ix_audit_at", "audit", ["at", "seq"], unique=False)
    for statement in (_DELETE_OLD, _REFUSE, _TRIGGER):
        op.execute(statement)


def _create_quotas() -> None:
    quotas = (
        "bytes",
        "models",
        "datasets",
        "images",
        "queued_jobs",
        "running_jobs",
        "job_seconds",
    )
    op.create_table(
        "quotas",
        sa.Column("project", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in quotas),
        _moment("updated_at", server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_quotas")),
    )


def _create_job_runs() -> None:
    op.create_table(
        "job_runs",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        _moment("started_at", server_default=sa.text("clock_timestamp()"), nullable=False),
        _moment("ended_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_runs_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "fence", name=op.f("pk_job_runs")),
    )
    op.create_index("ix_job_runs_project", "job_runs", ["project", "ended_at"], unique=False)
    op.create_index(
        "ix_job_runs_open", "job_runs", ["job_id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.execute(_RUNS_SO_FAR)
    op.create_index(
        "ix_jobs_project_active",
        "jobs",
        ["project", "state"],
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_project_active", table_name="jobs")
    op.drop_table("job_runs")
    op.drop_table("quotas")
    op.drop_table("audit")
    op.execute("DROP FUNCTION refuse_audit_change()")
    op.execute("DROP FUNCTION delete_audit_before(interval, integer)")
