"""lineages are found by their teachers"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_models_teachers",
        "models",
        [sa.literal_column("(lineage -> 'teachers')")],
        postgresql_using="gin",
    )
    op.create_index(
        "ix_jobs_teachers",
        "jobs",
        [sa.literal_column("(inputs -> 'teachers')")],
        postgresql_using="gin",
    )
    op.create_index("ix_jobs_model_made", "jobs", [sa.literal_column("(result ->> 'model_id')")])


def downgrade() -> None:
    op.drop_index("ix_jobs_model_made", table_name="jobs")
    op.drop_index("ix_jobs_teachers", table_name="jobs", postgresql_using="gin")
    op.drop_index("ix_models_teachers", table_name="models", postgresql_using="gin")
