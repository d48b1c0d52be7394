"""Networks say which output counts and what it is, share weights, and have versions and aliases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("outputs", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("output_scale", sa.Text(), nullable=True),
        sa.Column("weights_sha256", sa.Text(), nullable=True),
        sa.Column("name_version", sa.Integer(), nullable=False, server_default="1"),
    ):
        op.add_column("models", column)
    op.create_index("ix_models_weights", "models", ["project", "weights_sha256"])
    op.create_index("ix_models_name", "models", ["project", "name", "name_version"])
    _names()
    op.add_column("rankings", sa.Column("effective_probes", sa.Double(), nullable=True))
    op.add_column("layer_selections", sa.Column("effective_probes", sa.Double(), nullable=True))


def _names() -> None:
    """Number the networks of every name from the oldest; names count on from the newest."""
    op.create_table(
        "model_names",
        sa.Column("project", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("last_version", sa.Integer(), nullable=False),
    )
    op.create_table(
        "model_aliases",
        sa.Column("project", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("alias", sa.Text(), primary_key=True),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_model_aliases_model_id", "model_aliases", ["model_id"])
    op.execute(
        "UPDATE models SET name_version = numbered.place FROM (SELECT id, row_number() OVER"
        " (PARTITION BY project, name ORDER BY id) AS place FROM models) AS numbered"
        " WHERE numbered.id = models.id"
    )
    op.execute(
        "INSERT INTO model_names SELECT project, name, max(name_version) FROM models"
        " GROUP BY project, name"
    )


def downgrade() -> None:
    op.drop_column("layer_selections", "effective_probes")
    op.drop_column("rankings", "effective_probes")
    op.drop_table("model_aliases")
    op.drop_table("model_names")
    op.drop_index("ix_models_name", "models")
    op.drop_index("ix_models_weights", "models")
    for name in ("name_version", "weights_sha256", "output_scale", "output", "outputs"):
        op.drop_column("models", name)
