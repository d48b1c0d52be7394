"""Sessions of browsers, and the one-time links that begin them; only digests of secrets are stored."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import TableRow


class SessionRecord(TableRow):
    """One sign-in of a browser with a key; it is valid only as long as the key is."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "key_id"), Index(None, "expires_at"))

    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SignInLinkRecord(TableRow):
    """A link that begins one session with a key, once."""

    __tablename__ = "sign_in_links"
    __table_args__ = (Index(None, "key_id"), Index(None, "expires_at"))

    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
