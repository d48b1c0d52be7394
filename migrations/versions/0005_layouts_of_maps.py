"""layouts of maps

Maps drawn before lack clusters, neighbours and a layout: they are forgotten, and drawn anew when
somebody asks. Their jobs and files stay.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM maps")
    op.add_column("maps", sa.Column("comparable_key", sa.Text(), nullable=False))
    op.add_column("maps", sa.Column("edge_weight", sa.Double(), nullable=False))
    op.add_column("maps", sa.Column("layout_id", sa.Text(), nullable=False))
    op.drop_index("ix_maps_latest", table_name="maps")
    op.create_index("ix_maps_dataset", "maps", ["project", "dataset_id", "id"], unique=False)
    op.create_index(
        "ix_maps_layout",
        "maps",
        ["project", "comparable_key", "edge_weight", "layout_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_maps_drawn", "maps", ["layout_id", "models_key", "params_key", "id"], unique=False
    )


def downgrade() -> None:
    for name in ("ix_maps_drawn", "ix_maps_layout", "ix_maps_dataset"):
        op.drop_index(name, table_name="maps")
    op.create_index(
        "ix_maps_latest", "maps", ["project", "dataset_id", "params_key", "id"], unique=False
    )
    for name in ("layout_id", "edge_weight", "comparable_key"):
        op.drop_column("maps", name)
