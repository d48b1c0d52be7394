"""layer selections"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = postgresql.JSONB(astext_type=sa.Text())
    op.create_table(
        "layer_selections",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cache_key", sa.Text(), nullable=False),
        sa.Column("source_model_id", sa.Text(), nullable=False),
        sa.Column("target_model_id", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("target_layer", sa.Text(), nullable=False),
        sa.Column("candidates", json, nullable=False),
        sa.Column("settings", json, nullable=False),
        sa.Column("layers", json, nullable=False),
        sa.Column("measured", json, nullable=True),
        sa.Column("error", json, nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name=op.f("fk_layer_selections_dataset_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["source_model_id"],
            ["models.id"],
            name=op.f("fk_layer_selections_source_model_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["target_model_id"],
            ["models.id"],
            name=op.f("fk_layer_selections_target_model_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layer_selections")),
    )
    op.create_index(
        "ix_layer_selections_cache_key", "layer_selections", ["project", "cache_key", "id"]
    )
    for column in ("dataset_id", "source_model_id", "target_model_id"):
        op.create_index(op.f(f"ix_layer_selections_{column}"), "layer_selections", [column])


def downgrade() -> None:
    op.drop_table("layer_selections")
