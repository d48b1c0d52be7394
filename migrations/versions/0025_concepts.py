"""Responses of output units, and searches for the units that recognize a concept."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    _create_responses()
    _create_searches()


def _create_responses() -> None:
    op.create_table(
        "unit_responses",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("cache_key", sa.Text(), nullable=False),
        sa.Column("comparable_key", sa.Text(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("breadth", sa.Double(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=True),
        *_owned(),
        *_references("unit_responses", {"model_id": "models", "dataset_id": "datasets"}),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_responses")),
        sa.UniqueConstraint(
            "project", "cache_key", name=op.f("uq_unit_responses_project_cache_key")
        ),
    )
    op.create_index(
        "ix_unit_responses_comparable",
        "unit_responses",
        ["project", "comparable_key", "model_id"],
    )
    for column in ("model_id", "dataset_id"):
        op.create_index(op.f(f"ix_unit_responses_{column}"), "unit_responses", [column])


def _create_searches() -> None:
    datasets = ("dataset_id", "negatives_id", "probe_set_id")
    op.create_table(
        "concept_searches",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cache_key", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("negatives_id", sa.Text(), nullable=True),
        sa.Column("probe_set_id", sa.Text(), nullable=False),
        sa.Column("request", _JSON, nullable=False),
        sa.Column("searched", _JSON, nullable=False),
        sa.Column("unsearched", _JSON, nullable=False),
        sa.Column("reference_ids", _JSON, nullable=False),
        sa.Column("checked", _JSON, nullable=True),
        sa.Column("ran", _JSON, nullable=False),
        sa.Column("units", _JSON, nullable=False),
        sa.Column("measured", _JSON, nullable=True),
        sa.Column("error", _JSON, nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        *_owned(),
        *_references("concept_searches", dict.fromkeys(datasets, "datasets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concept_searches")),
    )
    op.create_index(
        "ix_concept_searches_cache_key", "concept_searches", ["project", "cache_key", "id"]
    )
    op.create_index("ix_concept_searches_project_id", "concept_searches", ["project", "id"])
    for column in datasets:
        op.create_index(op.f(f"ix_concept_searches_{column}"), "concept_searches", [column])


def _owned() -> list[sa.Column]:
    created_at = sa.Column(
        "created_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )
    return [
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        created_at,
    ]


def _references(table: str, columns: dict[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
        )
        for column, other in columns.items()
    ]


def downgrade() -> None:
    op.drop_table("concept_searches")
    op.drop_table("unit_responses")
