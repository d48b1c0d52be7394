"""An index by which the layer selections of a project are listed, newest first."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index(
        "ix_layer_selections_project_id", "layer_selections", ["project", "id"], unique=False
    )


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_layer_selections_project_id", table_name="layer_selections")
