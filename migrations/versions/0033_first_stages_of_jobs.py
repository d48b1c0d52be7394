"""An index finds the jobs that share the first stage of a cascade."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_jobs_first_stage", "jobs", [sa.literal_column("(inputs ->> 'first_stage')")]
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_first_stage", table_name="jobs")
