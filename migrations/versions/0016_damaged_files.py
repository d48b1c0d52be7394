"""damaged files, and the state to which their models and datasets return"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "damaged_blobs",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column(
            "found_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_damaged_blobs")),
    )
    for table in ("models", "datasets"):
        op.add_column(table, sa.Column("undamaged_state", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in ("models", "datasets"):
        op.execute(f"UPDATE {table} SET state = undamaged_state WHERE state = 'damaged'")
        op.drop_column(table, "undamaged_state")
    op.drop_table("damaged_blobs")
