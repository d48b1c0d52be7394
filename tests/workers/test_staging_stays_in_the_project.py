"""A job gets nothing of another project, even if its row names it: such a row looks like a deleted one."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from service.container import Zoo
from service.core.catalog import MethodSpec, all_methods
from service.core.errors import ZooError
from service.core.ids import IdKind, new_id
from service.core.tables import JobRecord
from tests.apis.tenancy.answers import ComparedAnswer
from tests.apis.tenancy.request_shapes import (
    Ids,
    TextField,
    inlined,
    sample,
    text_fields,
    with_text,
)
from tests.apis.tenancy.two_projects import OWN, SECRET, TwoProjects, two_projects
from workers.worker.stage.inputs import STAGERS


@pytest.fixture(scope="module")
def projects(shared_zoo: Zoo) -> Iterator[TwoProjects]:
    with two_projects(shared_zoo) as projects:
        yield projects


def schema_of(spec: MethodSpec) -> Any:
    """The schema of a job's inputs and parameters."""
    parts = {"inputs": spec.inputs, "params": spec.params}
    schemas = {part: model.model_json_schema() for part, model in parts.items()}
    properties = {
        part: inlined(schema, schema.get("$defs", {})) for part, schema in schemas.items()
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def id_fields(spec: MethodSpec) -> list[TextField]:
    """The places of ids in a job of a method."""
    return [field for field in text_fields(schema_of(spec)) if field.is_id]


CASES = [(spec, field) for spec in all_methods() for field in id_fields(spec)]


def staged(projects: TwoProjects, spec: MethodSpec, field: TextField, ids: Ids) -> ComparedAnswer:
    """What a job's process would get, with one id of ``ids`` among those of the own project."""
    schema = schema_of(spec)
    assert field.kind is not None
    values = sample(schema, "", projects.own)
    values = with_text(values, schema, field.path, ids[field.kind], projects.own)
    job = JobRecord(
        id=new_id(IdKind.JOB),
        project=OWN,
        method=spec.name,
        inputs=spec.inputs.model_validate(values["inputs"]).model_dump(mode="json"),
        params=spec.params.model_validate(values["params"]).model_dump(mode="json"),
    )
    try:
        with projects.zoo.transaction() as session:
            inputs = STAGERS[spec.kind](session, job, projects.zoo.settings)
    except ZooError as error:
        text = f"{error.code}: {error.detail} {error.remedy}"
        return ComparedAnswer(error.code, text, text)
    text = f"{inputs.facts} {inputs.files} {inputs.scope}"
    return ComparedAnswer("OK", text, text)


def test_every_method_names_ids():
    assert {spec.name for spec, _ in CASES} == {spec.name for spec in all_methods()}


@pytest.mark.parametrize(
    ("spec", "field"), CASES, ids=[f"{spec.name}{field.path}" for spec, field in CASES]
)
def test_a_row_of_another_project_is_staged_as_one_that_never_existed(
    projects: TwoProjects, spec: MethodSpec, field: TextField
):
    assert field.kind is not None
    strange = staged(projects, spec, field, projects.strange)
    ghost = staged(projects, spec, field, projects.ghosts)

    assert strange.form == ghost.form
    assert SECRET not in strange.text
    assert not re.search("|".join(_others(projects, field.kind)), strange.text)


def _others(projects: TwoProjects, kind: IdKind) -> list[str]:
    return [id_ for other, id_ in projects.strange.items() if other is not kind]
