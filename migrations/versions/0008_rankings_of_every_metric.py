"""rankings of every metric"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("rankings", "target_model_id", existing_type=sa.Text(), nullable=True)
    op.add_column("rankings", sa.Column("target_dataset_id", sa.Text(), nullable=True))
    findings = postgresql.JSONB(astext_type=sa.Text())
    op.add_column("rankings", sa.Column("findings", findings, nullable=True))
    baselines = sa.Column(
        "baselines", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
    )
    op.add_column("rankings", baselines)
    op.alter_column("rankings", "baselines", server_default=None)
    op.create_index("ix_rankings_comparable", "rankings", ["project", "comparable_key"])
    op.create_index(
        "ix_rankings_pending",
        "rankings",
        ["project"],
        postgresql_where=sa.text("state = 'pending'"),
    )


def downgrade() -> None:
    op.drop_index("ix_rankings_pending", table_name="rankings")
    op.drop_index("ix_rankings_comparable", table_name="rankings")
    op.drop_column("rankings", "baselines")
    op.drop_column("rankings", "findings")
    op.drop_column("rankings", "target_dataset_id")
    op.execute("DELETE FROM rankings WHERE target_model_id IS NULL")
    op.alter_column("rankings", "target_model_id", existing_type=sa.Text(), nullable=False)
