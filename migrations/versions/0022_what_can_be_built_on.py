"""Networks say how many images they take, datasets how they look; failures are found by cache key."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("models", sa.Column("fixed_batch", sa.BigInteger(), nullable=True))
    op.add_column(
        "datasets",
        sa.Column("appearance", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    )
    op.create_index(
        "ix_jobs_failures",
        "jobs",
        ["project", "cache_key"],
        postgresql_where=sa.text("state = 'failed'"),
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_failures", "jobs")
    op.drop_column("datasets", "appearance")
    op.drop_column("models", "fixed_batch")
