"""Masks of images: where the mask of each image lies in the packed file of its dataset."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dataset_images", sa.Column("mask_start", sa.BigInteger(), nullable=True))
    op.add_column("dataset_images", sa.Column("mask_length", sa.BigInteger(), nullable=True))
    op.add_column("dataset_images", sa.Column("mask_sha256", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("dataset_images", "mask_sha256")
    op.drop_column("dataset_images", "mask_length")
    op.drop_column("dataset_images", "mask_start")
