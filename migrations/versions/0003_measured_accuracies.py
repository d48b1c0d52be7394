"""measured accuracies"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "records",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records")),
        sa.UniqueConstraint("project", "identity", name=op.f("uq_records_project_identity")),
    )
    op.create_index("ix_records_dataset", "records", ["project", "dataset"], unique=False)
    op.create_index("ix_records_model", "records", ["project", "model"], unique=False)
    op.create_index("ix_records_project_id", "records", ["project", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_records_project_id", table_name="records")
    op.drop_index("ix_records_model", table_name="records")
    op.drop_index("ix_records_dataset", table_name="records")
    op.drop_table("records")
