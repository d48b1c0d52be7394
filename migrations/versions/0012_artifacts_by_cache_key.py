"""artifacts by cache key"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("artifacts", sa.Column("cache_key", sa.Text(), nullable=True))
    op.create_index(
        "ix_artifacts_cache_key",
        "artifacts",
        ["project", "cache_key"],
        unique=False,
        postgresql_where=sa.text("cache_key IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_artifacts_cache_key", table_name="artifacts")
    op.drop_column("artifacts", "cache_key")
