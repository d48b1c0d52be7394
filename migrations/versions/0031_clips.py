"""Datasets may hold clips with transcripts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.add_column(
        "datasets", sa.Column("kind", sa.Text(), server_default="images", nullable=False)
    )
    op.add_column("datasets", sa.Column("clips", sa.BigInteger(), nullable=True))
    op.create_table(
        "dataset_clips",
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("transcript", sa.Text(), nullable=False),
        sa.Column("pinyin", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("speaker", sa.Text(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("frames_per_second", sa.Double(), nullable=False),
        sa.Column("mel_frames", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("rotation", sa.Integer(), nullable=False),
        sa.Column("faces", sa.Integer(), nullable=False),
        sa.Column("box", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("remarks", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("tensors", _JSON, nullable=False),
        sa.Column("poster", _JSON, nullable=False),
        sa.Column("mel_picture", _JSON, nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name=op.f("fk_dataset_clips_dataset_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset_id", "position", name=op.f("pk_dataset_clips")),
    )


def downgrade() -> None:
    op.drop_table("dataset_clips")
    op.drop_column("datasets", "clips")
    op.drop_column("datasets", "kind")
