"""sketches in an index"""

import pgvector.sqlalchemy
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Sketches of unit length, nodes then edges, the edges' halved; none for what cannot be compared.
_JOINED = """
UPDATE graphs SET sketch = (
    l2_normalize(node_sketch)
    || coalesce(l2_normalize(edge_sketch), array_fill(0, ARRAY[512])::vector)
       * array_fill(0.5, ARRAY[512])::vector
)::halfvec(1536)
WHERE node_sketch IS NOT NULL AND status <> 'degenerate'
"""
_PARTED = """
UPDATE graphs SET
    node_sketch = subvector(sketch::vector, 1, 1024),
    edge_sketch = l2_normalize(subvector(sketch::vector, 1025, 512))
WHERE sketch IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("graphs", sa.Column("sketch", pgvector.sqlalchemy.HALFVEC(1536), nullable=True))
    op.execute(_JOINED)
    op.drop_column("graphs", "node_sketch")
    op.drop_column("graphs", "edge_sketch")
    op.create_index(
        "ix_graphs_sketch",
        "graphs",
        ["sketch"],
        unique=False,
        postgresql_using="hnsw",
        postgresql_ops={"sketch": "halfvec_ip_ops"},
        postgresql_with={"m": 24, "ef_construction": 128},
    )


def downgrade() -> None:
    op.drop_index("ix_graphs_sketch", table_name="graphs")
    for name, size in (("node_sketch", 1024), ("edge_sketch", 512)):
        op.add_column("graphs", sa.Column(name, pgvector.sqlalchemy.Vector(size), nullable=True))
    op.execute(_PARTED)
    op.drop_column("graphs", "sketch")
