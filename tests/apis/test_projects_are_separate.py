"""No field of any request reaches another project: an id of a stranger answers like one of nothing.

The walk is generated from the OpenAPI document, the descriptors and the methods' schemas: it puts ids
and names of another project into every text of every request, and demands that it reaches whatever
looks like an id.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from service.container import zoo_from
from service.core.ids import IdKind
from service.embedded.postgres import PrivatePostgres
from service.settings import Settings
from tests.apis.tenancy.answers import ComparedAnswer
from tests.apis.tenancy.request_shapes import TextField, companions, text_fields, with_text
from tests.apis.tenancy.rest_operations import RestOperation, rest_operations
from tests.apis.tenancy.rpc_operations import RpcOperation, rpc_operations
from tests.apis.tenancy.two_projects import (
    ALMOST_SECRET,
    SECRET,
    TwoProjects,
    two_projects,
)

pytestmark = pytest.mark.slow

Operation = RestOperation | RpcOperation
# Lists what exists of the ids, so an id of another project is left out like one of nothing.
_SELECTING = {"ids"}
_SPELLINGS: dict[IdKind | None, tuple[str, ...]] = {IdKind.MODEL: ("{}", "{}:1", "{}@a")}


@pytest.fixture(scope="module")
def projects(
    postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoProjects]:
    postgres.create_database("separate", template="template")
    zoo = zoo_from(
        Settings(
            home=tmp_path_factory.mktemp("separate"),
            database_url=postgres.url("separate"),  # type: ignore[arg-type]
            rate_limit="1000000/minute",
        )
    )
    with two_projects(zoo) as projects:
        yield projects
    zoo.close()
    postgres.drop_database("separate")


class Walk:
    """Tries one field of one operation with ids of the own project, of another, and of nothing."""

    def __init__(self, projects: TwoProjects, client: Any, operation: Operation) -> None:
        self._projects = projects
        self._client = client
        self._operation = operation
        self._fields = list(text_fields(operation.schema))

    def problems(self) -> Iterator[str]:
        """What an attacker could use, and each id that the walk did not reach."""
        for field in self._fields:
            for problem in self._problems_of(field):
                yield f"{self._operation.name} {field.path}: {problem}"

    def _problems_of(self, field: TextField) -> Iterator[str]:
        if not field.is_id:
            for kind in field.kinds:
                yield from self._differences(field, (), kind)
            yield from self._name_differences(field, ())
            return
        for others in companions(self._fields, field):
            for kind in field.kinds:
                yield from self._leaks(field, others, kind)
            if any(self._reaches(field, others, kind) for kind in field.kinds):
                yield from self._name_differences(field, others)
                return
        yield "no request in which an id that exists makes a difference"

    def _leaks(
        self, field: TextField, others: tuple[TextField, ...], kind: IdKind
    ) -> Iterator[str]:
        """What an id of another project brings about besides a refusal."""
        before = self._projects.row_counts()
        yield from self._differences(field, others, kind)
        answer = self._answer(field, others, self._projects.strange[kind])
        if self._projects.row_counts() != before:
            yield "rows changed"
        if not answer.refused and field.name not in _SELECTING:
            yield f"not refused: {answer.text}"

    def _differences(
        self, field: TextField, others: tuple[TextField, ...], kind: IdKind
    ) -> Iterator[str]:
        """How the answer to an id of another project differs from that to an id of nothing."""
        strange = self._undone_answer(field, others, self._projects.strange[kind])
        ghost = self._undone_answer(field, others, self._projects.ghosts[kind])
        if strange.form != ghost.form:
            yield f"{strange.text} differs from {ghost.text}"
        if SECRET in strange.text:
            yield f"shows what belongs to another project: {strange.text}"
        for other, id_ in self._projects.strange.items():
            if id_ in strange.text and other is not kind:
                yield f"names {id_}, which was not sent"

    def _name_differences(self, field: TextField, others: tuple[TextField, ...]) -> Iterator[str]:
        """How the answer to a name of another project differs from that to a name of nothing."""
        for spelling in _SPELLINGS.get(field.kind, ("{}",)):
            answers = [
                self._undone_answer(field, others, spelling.format(name)).without(name)
                for name in (SECRET, ALMOST_SECRET)
            ]
            strange, ghost = answers
            if strange.form != ghost.form:
                yield f"{spelling}: {strange.text} differs from {ghost.text}"
            if SECRET in strange.text + ghost.text:
                yield f"{spelling}: shows a name of another project: {ghost.text}"

    def _reaches(self, field: TextField, others: tuple[TextField, ...], kind: IdKind) -> bool:
        """Whether an id of the own project makes a difference, so that the id is looked up."""
        ghost = self._answer(field, others, self._projects.ghosts[kind])
        own = self._answer(field, others, self._projects.own[kind])
        if self._operation.changes:
            self._projects.restore()
        return own.form != ghost.form

    def _undone_answer(
        self, field: TextField, others: tuple[TextField, ...], text: str
    ) -> ComparedAnswer:
        """The answer; what the request changed in the own project is as before."""
        answer = self._answer(field, others, text)
        if self._operation.changes and not answer.refused:
            self._projects.restore()
        return answer

    def _answer(
        self, field: TextField, others: tuple[TextField, ...], text: str
    ) -> ComparedAnswer:
        """The answer to the smallest request with a text in a field and own ids in others."""
        request = self._operation.base(self._projects.own)
        for other in others:
            assert other.kind is not None
            request = self._with(request, other, self._projects.own[other.kind])
        return self._operation.send(self._client, self._with(request, field, text))

    def _with(self, request: Any, field: TextField, text: str) -> Any:
        schema = self._operation.schema
        return with_text(request, schema, field.path, text, self._projects.own)


def test_no_rest_request_reaches_another_project(projects: TwoProjects):
    operations = list(rest_operations(projects.rest))

    problems = [
        problem
        for operation in operations
        for problem in Walk(projects, projects.rest, operation).problems()
    ]

    assert len(operations) > 40
    assert not problems, "\n".join(problems)


def test_no_rpc_reaches_another_project(projects: TwoProjects):
    operations = list(rpc_operations())

    problems = [
        problem
        for operation in operations
        for problem in Walk(projects, projects.rpc, operation).problems()
    ]

    assert len(operations) > 30
    assert not problems, "\n".join(problems)
