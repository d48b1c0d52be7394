"""Versions and aliases of the networks that share a name: ``resnet:3``, ``resnet@prod``."""

from collections.abc import Collection, Iterator
from typing import Annotated

from pydantic import Field
from sqlalchemy import Select, case, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, undefer_group

from service.core.errors import NotFoundError
from service.core.model_references import (
    ALIAS_OF_A_NAME,
    ALIAS_PATTERN,
    VERSION_OF_A_NAME,
)
from service.core.operations import owned_rows
from service.core.tables import ModelAliasRecord, ModelNameRecord, ModelRecord, ModelState
from service.core.tables.model_name import RELATED

Alias = Annotated[str, Field(pattern=ALIAS_PATTERN)]
_MOST_SHOWN = 10


def give_version(session: Session, record: ModelRecord) -> None:
    """The record has the next version of its name; versions are never given twice."""
    values = {"project": record.project, "name": record.name, "last_version": 1}
    statement = upsert(ModelNameRecord).values(values)
    following = statement.on_conflict_do_update(
        index_elements=["project", "name"],
        set_={"last_version": ModelNameRecord.last_version + 1},
    )
    record.name_version = session.execute(
        following.returning(ModelNameRecord.last_version)
    ).scalar_one()


def rename(session: Session, record: ModelRecord, name: str) -> None:
    """The record is the newest version of another name; aliases of its former name are gone."""
    if name == record.name:
        return
    session.execute(delete(ModelAliasRecord).where(ModelAliasRecord.model_id == record.id))
    session.expire(record, ["aliases"])
    record.name = name
    give_version(session, record)


def set_alias(session: Session, *, project: str, model_id: str, alias: str) -> ModelRecord:
    """The model, which now has the alias; no other version of its name has it.

    Raises:
        NotFoundError: ``model_not_found``.
    """
    record = owned_rows.get_locked(session, ModelRecord, project=project, id=model_id)
    former = session.scalar(_holder(record, alias))
    values = {"project": project, "name": record.name, "alias": alias, "model_id": model_id}
    session.execute(
        upsert(ModelAliasRecord)
        .values(values)
        .on_conflict_do_update(
            index_elements=["project", "name", "alias"], set_={"model_id": model_id}
        )
    )
    _changed(session, project, {record.id, former} - {None})
    return owned_rows.get(session, ModelRecord, project=project, id=model_id)


def remove_alias(session: Session, *, project: str, model_id: str, alias: str) -> None:
    """The model does not have the alias.

    Raises:
        NotFoundError: ``model_not_found``; ``alias_not_found``.
    """
    record = owned_rows.get_locked(session, ModelRecord, project=project, id=model_id)
    if session.scalar(_holder(record, alias)) != model_id:
        raise NotFoundError(
            f"{model_id} has no alias {alias!r}",
            code="alias_not_found",
            remedy=f"see GET /v1/models/{model_id}",
        )
    session.execute(
        delete(ModelAliasRecord).where(
            ModelAliasRecord.project == project,
            ModelAliasRecord.name == record.name,
            ModelAliasRecord.alias == alias,
        )
    )
    _changed(session, project, {model_id})


def _holder(record: ModelRecord, alias: str) -> Select[str]:
    """The id of the version of the record's name that has the alias."""
    return select(ModelAliasRecord.model_id).where(
        ModelAliasRecord.project == record.project,
        ModelAliasRecord.name == record.name,
        ModelAliasRecord.alias == alias,
    )


def changed_relatives(session: Session, record: ModelRecord) -> None:
    """Networks with the same weights have changed: they name each other."""
    if record.weights_sha256 is None:
        return
    others = select(ModelRecord.id).where(
        ModelRecord.project == record.project,
        ModelRecord.weights_sha256 == record.weights_sha256,
        ModelRecord.id != record.id,
    )
    _changed(
        session, record.project, set(session.scalars(others.with_for_update(skip_locked=True)))
    )


def _changed(session: Session, project: str, ids: Collection[str | None]) -> None:
    """The ETags of these models change."""
    if ids:
        owned = (ModelRecord.project == project, ModelRecord.id.in_(ids))
        increment = {"version": ModelRecord.version + 1}
        session.execute(update(ModelRecord).where(*owned).values(increment))


def find(session: Session, *, project: str, reference: str) -> ModelRecord | None:
    """The model that is called so: ``name``, ``name:version`` or ``name@alias``; None without any.

    A name alone is its newest version that is ready, else the newest.
    """
    for query in _readings(project, reference):
        model = session.scalars(query.options(undefer_group(RELATED)).limit(1)).first()
        if model is not None:
            return model
    return None


def _readings(project: str, reference: str) -> Iterator[Select[ModelRecord]]:
    """What a reference can mean, in the order in which it is read."""
    own = select(ModelRecord).where(ModelRecord.project == project)
    ready_first = case((ModelRecord.state == ModelState.READY, 0), else_=1)
    yield own.where(ModelRecord.name == reference).order_by(
        ready_first, ModelRecord.name_version.desc()
    )
    if version := VERSION_OF_A_NAME.fullmatch(reference):
        yield own.where(
            ModelRecord.name == version["name"],
            ModelRecord.name_version == int(version["version"]),
        )
    if alias := ALIAS_OF_A_NAME.fullmatch(reference):
        yield own.join(ModelAliasRecord, ModelAliasRecord.model_id == ModelRecord.id).where(
            ModelAliasRecord.name == alias["name"], ModelAliasRecord.alias == alias["alias"]
        )


def alternatives(session: Session, *, project: str, reference: str) -> list[str]:
    """What to write instead: the versions and aliases of the name, none if it does not exist."""
    match = VERSION_OF_A_NAME.fullmatch(reference) or ALIAS_OF_A_NAME.fullmatch(reference)
    name = reference if match is None else match["name"]
    owned = (ModelRecord.project == project, ModelRecord.name == name)
    versions = list(
        session.scalars(
            select(ModelRecord.name_version)
            .where(*owned)
            .order_by(ModelRecord.name_version.desc())
            .limit(_MOST_SHOWN)
        )
    )
    aliases = list(
        session.scalars(
            select(ModelAliasRecord.alias)
            .where(ModelAliasRecord.project == project, ModelAliasRecord.name == name)
            .order_by(ModelAliasRecord.alias)
            .limit(_MOST_SHOWN)
        )
    )
    return [f"{name}:{version}" for version in versions] + [f"{name}@{a}" for a in aliases]
