"""networks tell the shape of their answer, and how many batch normalisations they have"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "models", sa.Column("output_shape", postgresql.ARRAY(sa.Integer()), nullable=True)
    )
    op.add_column("models", sa.Column("batch_norms", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("models", "batch_norms")
    op.drop_column("models", "output_shape")
