"""lineages are found by who gave first weights"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_models_start", "models", [sa.literal_column("(lineage #>> '{params,student,init}')")]
    )
    op.create_index("ix_jobs_start", "jobs", [sa.literal_column("(params #>> '{student,init}')")])


def downgrade() -> None:
    op.drop_index("ix_jobs_start", table_name="jobs")
    op.drop_index("ix_models_start", table_name="models")
