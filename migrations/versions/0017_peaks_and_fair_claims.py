"""Networks have peaks of memory, and the queue of each project has an index."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("models", sa.Column("peak_bytes", sa.BigInteger(), nullable=True))
    op.add_column("models", sa.Column("gradient_peak_bytes", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_jobs_queue_of_project",
        "jobs",
        ["project", sa.text("priority DESC"), "id"],
        postgresql_where=sa.text("state = 'queued'"),
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_queue_of_project", table_name="jobs")
    op.drop_column("models", "gradient_peak_bytes")
    op.drop_column("models", "peak_bytes")
