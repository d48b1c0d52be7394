"""Relatives of a network as a table."""

from zooscope.cli.output import Overflow, TableColumn, format_score, id_column

RELATIVES = (
    id_column("id", "model_id"),
    TableColumn("name", lambda relative: relative["name"]),
    TableColumn("relation", lambda relative: relative["relation"], overflow=Overflow.KEEP),
    TableColumn("it is the", lambda relative: relative["descent"], overflow=Overflow.KEEP),
    TableColumn("cosine", lambda relative: format_score(relative["evidence"]["cosine"]), "right"),
    TableColumn("reason", lambda relative: relative["reason"], overflow=Overflow.HIDE),
    TableColumn("confirmed", lambda relative: relative.get("confirmed") or ""),
)
