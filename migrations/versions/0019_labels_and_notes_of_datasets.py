"""Images may have several labels or masks, datasets remarks, and rankings count shared images."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("datasets", sa.Column("label_kind", sa.Text(), nullable=True))
    op.add_column("datasets", sa.Column("masks_sha256", sa.Text(), nullable=True))
    op.add_column(
        "datasets",
        sa.Column(
            "notes",
            postgresql.JSONB(),
            nullable=False,
            server_default=sa.text("'[]'::jsonb"),
        ),
    )
    op.add_column("dataset_images", sa.Column("labels", postgresql.ARRAY(sa.Integer())))
    op.add_column("rankings", sa.Column("shared_images", sa.BigInteger(), nullable=True))
    op.execute("UPDATE datasets SET label_kind = 'single' WHERE labels IS NOT NULL")


def downgrade() -> None:
    op.drop_column("rankings", "shared_images")
    op.drop_column("dataset_images", "labels")
    op.drop_column("datasets", "notes")
    op.drop_column("datasets", "masks_sha256")
    op.drop_column("datasets", "label_kind")
