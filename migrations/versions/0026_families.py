"""Sketches of weights, and relatives among networks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "weight_sketches",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("trunk_keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("weights", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("others", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_weight_sketches")),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["models.id"],
            name=op.f("fk_weight_sketches_model_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_weight_sketches_trunk_keys", "weight_sketches", ["trunk_keys"], postgresql_using="gin"
    )
    op.create_table(
        "relatives",
        sa.Column("first_id", sa.Text(), nullable=False),
        sa.Column("second_id", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("ancestor_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("near", sa.Boolean(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("confirmed_ancestor_id", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_relatives")),
        *(
            sa.ForeignKeyConstraint(
                [column], ["models.id"], name=op.f(f"fk_relatives_{column}"), ondelete="CASCADE"
            )
            for column in ("first_id", "second_id")
        ),
    )
    op.create_index(op.f("ix_relatives_second_id"), "relatives", ["second_id"])


def downgrade() -> None:
    op.drop_table("relatives")
    op.drop_table("weight_sketches")
