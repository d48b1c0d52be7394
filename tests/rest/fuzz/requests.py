"""Sends generated requests to every operation, puts ids of the zoo into most, and counts answers."""

import contextlib
import copy
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.apis.tenancy.rest_operations import ENDLESS
from tests.rest.fuzz.seeds import SeededZoo
from tests.waiting import HANG_SECONDS

Check = Callable[..., bool | None]
CHECKS: list[Check] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# The zoo has no worker, so a good question is refused with a 503, which the document names.
NEEDS_WORKER = ("POST /v1/models/{model_id}:predict", 503)
EXAMPLES = {GenerationMode.POSITIVE: 24, GenerationMode.NEGATIVE: 8}
SHARE_OF_HEAD = 4
"""HEAD gets a quarter of the requests, because the route of GET answers."""
SEEDED_OF_TEN = 8
"""How many of ten requests ask for what exists."""


@dataclass
class Fuzzer:
    """Sends requests to a zoo, counts the answers of each operation by status, keeps the failures.

    Attributes:
        zoo: The zoo, which is seeded again in every round.
        examples: How many good and bad requests an operation gets in a round.
    """

    zoo: SeededZoo
    examples: Mapping[GenerationMode, int] = field(default_factory=EXAMPLES.copy)
    sent: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    broken: dict[str, str] = field(default_factory=dict)
    rounds: int = 0

    def operations(self) -> list[schemathesis.schemas.APIOperation]:
        """Every operation of the served document."""
        headers = {"Authorization": f"Bearer {self.zoo.token}"}
        document = schemathesis.openapi.from_url(
            f"{self.zoo.url}/openapi.json",
            config=SchemathesisConfig.from_dict({"headers": headers}),
            timeout=HANG_SECONDS,
        )
        operations = [result.ok() for result in document.get_all_operations()]
        return [operation for operation in operations if operation.path not in ENDLESS]

    def run(self, *, cases: int, first_seed: int) -> int:
        """The number of requests sent: at least ``cases``, in rounds over every operation."""
        operations = self.operations()
        number = first_seed
        while sum(self.sent.values()) < cases and not self.broken:
            to_read = self.zoo.seed("GET")
            for operation in operations:
                # Clips are in a dataset of their own.
                reads = operation.method in ("get", "head") and "/clips" not in operation.path
                values = to_read if reads else self.zoo.seed(operation.label)
                for mode in GenerationMode:
                    self._fuzz(operation, mode, number, values)
            number += 1
            self.rounds += 1
        return sum(self.sent.values())

    def successes(self, label: str) -> int:
        """How many requests to an operation succeeded."""
        return sum(
            count
            for (name, status), count in self.statuses.items()
            if name == label and 200 <= status < 300
        )

    def by_status(self) -> dict[int, int]:
        """The number of answers by status."""
        counts: Counter[int] = Counter()
        for (_, status), count in self.statuses.items():
            counts[status] += count
        return dict(sorted(counts.items()))

    def _fuzz(
        self,
        operation: schemathesis.schemas.APIOperation,
        mode: GenerationMode,
        number: int,
        values: dict[str, Any],
    ) -> None:
        """Send a few requests, good or bad ones, to one operation and check every answer."""
        share = SHARE_OF_HEAD if operation.method == "head" else 1

        @seed(number)
        @given(case=operation.as_strategy(generation_mode=mode), chance=st.integers(0, 9))
        @settings(
            max_examples=self.examples[mode] // share,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def send(case: schemathesis.Case, chance: int) -> None:
            if chance < SEEDED_OF_TEN:
                put_values(case, values, mode)
            self._send(operation.label, case)

        with contextlib.suppress(Unsatisfiable):  # nothing about this operation can be wrong
            send()

    def _send(self, label: str, case: schemathesis.Case) -> None:
        answer = case.call(timeout=HANG_SECONDS)
        self.sent[label] += 1
        self.statuses[label, answer.status_code] += 1
        # Kept, not raised: a repeated request meets another zoo, so Hypothesis could not shrink it.
        try:
            case.validate_response(answer, checks=_checks_of(label, answer.status_code))
        except FailureGroup as failures:
            self.broken.setdefault(label, "\n".join(map(str, failures.exceptions)))


def _checks_of(label: str, status: int) -> list[Check]:
    """The checks of an answer: all, unless it is the one that a missing worker explains."""
    if (label, status) == NEEDS_WORKER:
        return [check for check in CHECKS if check is not not_a_server_error]
    return CHECKS


def put_values(case: schemathesis.Case, values: dict[str, Any], mode: GenerationMode) -> None:
    """Put ids of the zoo into the path of a request and, if it is to be a good one, everywhere."""
    _put(case.path_parameters or {}, values)
    if mode is GenerationMode.NEGATIVE:
        return
    _put(case.query or {}, values)
    _put(case.headers or {}, values)
    if isinstance(case.body, dict | list):
        case.body = with_values(copy.deepcopy(case.body), values)


def _put(parameters: MutableMapping[str, Any], values: dict[str, Any]) -> None:
    """Replace the parameters that have a value, and remove those whose value is None."""
    for name in [name for name in parameters if name in values]:
        if values[name] is None:
            del parameters[name]  # a precondition that no generated value meets
        else:
            parameters[name] = values[name]


def with_values(body: Any, values: dict[str, Any]) -> Any:
    """A JSON document whose fields that name things name those of the zoo."""
    match body:
        case dict():
            return {
                name: _value(name, value, values) if name in values else with_values(value, values)
                for name, value in body.items()
            }
        case list():
            return [with_values(item, values) for item in body]
        case _:
            return body


def _value(name: str, value: Any, values: dict[str, Any]) -> Any:
    """The zoo's value where the generated one has its kind; null and other shapes stay."""
    chosen = values[name]
    return copy.deepcopy(chosen) if type(value) is type(chosen) else with_values(value, values)
