"""Sessions of browsers and the one-time links that begin them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create("sessions", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    _create("sign_in_links", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))


def _create(table: str, end: sa.Column) -> None:
    op.create_table(
        table,
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        end,
        sa.PrimaryKeyConstraint("token_sha256", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["keys.id"], name=op.f(f"fk_{table}_key_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f(f"ix_{table}_key_id"), table, ["key_id"])
    op.create_index(op.f(f"ix_{table}_expires_at"), table, ["expires_at"])


def downgrade() -> None:
    op.drop_table("sign_in_links")
    op.drop_table("sessions")
