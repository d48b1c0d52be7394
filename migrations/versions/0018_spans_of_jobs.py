"""Jobs name the span that submitted them."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("parent_span_id", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "parent_span_id")
