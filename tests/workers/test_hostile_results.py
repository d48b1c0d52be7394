"""A job's process may write anything: only a valid result that belongs to its job is stored."""

import copy
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.adapters.object_store import blob_store
from service.container import Zoo
from service.core.catalog import Audience, MethodKind
from service.core.operations.jobs import jobs
from service.core.operations.jobs.lifecycle import AttemptStatus, Outcome
from service.core.results import RESULTS, ResultScope
from service.core.results.live import live_message
from service.core.tables import ArtifactRecord, GraphStatus, JobRecord, ModelRecord, RankingRecord
from tests.workers.result_examples import EXAMPLES
from workers.isolation.fork_client import ForkServerClient
from workers.isolation.workdir import Scratch
from workers.worker import run_job
from workers.worker.lease import Lease
from workers.worker.outputs import UnreadableResultError, collect_outputs

FieldPath = tuple[Any, ...]
KINDS = sorted(MethodKind)
NUMBERS = (math.nan, math.inf, -math.inf, 10**400, {}, [[]])
HUGE = (10**30, 1e300, -1e300)
TEXTS = ("\x00", "x" * 100_001, {}, [[]])
PATHS = ("/etc/passwd", "../result.json", "..", ".", "a/b", "result.json", "")


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    scratch = Scratch(tmp_path / "job")
    scratch.make()
    return scratch


def nodes(value: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Any]]:
    """Every value inside of a JSON value, itself included; of a list the first three."""
    yield path, value
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))[:3]
    for key, inner in items:
        yield from nodes(inner, (*path, key))


def changed(value: Any, path: FieldPath, new: Any) -> Any:
    """A copy with another value at a path."""
    copied = copy.deepcopy(value)
    if not path:
        return new
    holder = copied
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = new
    return copied


def hostile(example: dict[str, Any], scope: ResultScope) -> Iterator[tuple[FieldPath, Any]]:
    """Paths, and values that no valid result has there."""
    for path, value in nodes(example):
        if isinstance(value, dict):
            bad = [{**value, "../strange": 1}, "text"]
        elif isinstance(value, list):
            bad = ["text"]
        elif isinstance(value, str):
            bad = bad_texts(value, scope)
        else:
            bad = bad_numbers(value, path)
        yield from ((path, replacement) for replacement in bad)


def bad_texts(value: str, scope: ResultScope) -> list[Any]:
    """What a text may not become: something else, too long, foreign, a path."""
    owned = value in scope.model_ids | scope.layers | {scope.comparable_key}
    return [
        *TEXTS,
        *(["mdl_foreign"] if owned else []),
        *(PATHS if value in scope.file_sizes else ()),
    ]


def bad_numbers(value: Any, path: FieldPath) -> list[Any]:
    """What a number may not become; users' manifests may have odd means and write numbers as text."""
    if value is None or isinstance(value, bool):
        return [{}, "text"]
    if "manifest" in path:
        return list(NUMBERS)
    counts = [-1, 0.5] if isinstance(value, int) else []
    return [*NUMBERS, *HUGE, "1x", True, *counts]


def write(scratch: Scratch, payload: Any, scope: ResultScope) -> None:
    """Leave a result with its files, as a job's process does."""
    scratch.make()
    for name, size in scope.file_sizes.items():
        (scratch.out / name).write_bytes(b"\x00" * size)
    scratch.result.write_text(json.dumps(payload))


def test_every_kind_has_an_example():
    assert set(EXAMPLES) == set(MethodKind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_valid_result_is_stored_with_exactly_its_files(
    kind: MethodKind, scratch: Scratch, tmp_path: Path
):
    example, scope = EXAMPLES[kind]
    write(scratch, example, scope)
    (scratch.out / "leftover.bin").write_bytes(b"x")

    output = collect_outputs(blob_store(str(tmp_path / "store")), scratch, kind, scope)

    assert set(output.files) == set(scope.file_sizes)


@pytest.mark.parametrize("kind", KINDS)
def test_what_no_valid_result_contains_is_refused_with_its_field(kind: MethodKind):
    example, scope = EXAMPLES[kind]
    accepted = []

    for path, value in hostile(example, scope):
        text = json.dumps(changed(example, path, value))
        try:
            RESULTS[kind].model_validate_json(text, context=scope)
        except ValueError:
            continue
        accepted.append((path, str(value)[:40]))

    assert accepted == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_without_one_of_its_files_stores_nothing(
    kind: MethodKind, scratch: Scratch, tmp_path: Path
):
    example, scope = EXAMPLES[kind]
    store = tmp_path / "store"
    for missing in scope.file_sizes:
        write(scratch, example, scope)
        (scratch.out / missing).unlink()

        with pytest.raises(UnreadableResultError):
            collect_outputs(blob_store(str(store)), scratch, kind, scope)

    assert not [path for path in store.rglob("*") if path.is_file()]


def schemas(schema: Any, names: frozenset[str] = frozenset()) -> Iterator[dict[str, Any]]:
    """Every schema inside of a schema, except those of the user's manifest."""
    if isinstance(schema, list):
        for inner in schema:
            yield from schemas(inner)
    elif isinstance(schema, dict):
        if "type" in schema:
            yield schema
        for key, inner in schema.items():
            if key not in ("ModelManifest", "InputSpec", "Architecture", "Task", "ChannelOrder"):
                yield from schemas(inner)


LIMITS = {
    "array": {"maxItems"},
    "string": {"maxLength", "pattern", "enum", "const"},
    "integer": {"maximum"},
    "number": {"maximum", "exclusiveMaximum"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_list_and_number_has_a_limit(kind: MethodKind):
    endless = [
        schema
        for schema in schemas(RESULTS[kind].model_json_schema())
        if not LIMITS.get(schema["type"], {"type"}) & schema.keys()
    ]

    assert endless == []


def test_a_result_may_not_repeat_what_its_job_has_once():
    for kind, names in (
        (MethodKind.HEAT_MAPS, ("images",)),
        (MethodKind.RANKING, ("items",)),
        (MethodKind.FUSED_RANKING, ("estimates",)),
        (MethodKind.LAYER_SELECTION, ("items",)),
        (MethodKind.MAP, ("document", "models")),
        (MethodKind.TRAINING, ("network", "layers")),
        (MethodKind.READER_TRAINING, ("manifest", "reader", "vocabulary")),
    ):
        example, scope = EXAMPLES[kind]
        items: Any = example
        for name in names:
            items = items[name]

        with pytest.raises(ValueError, match=names[0]):
            twice = changed(example, names, items * 100_001)
            RESULTS[kind].model_validate_json(json.dumps(twice), context=scope)


def test_every_image_has_one_label_or_every_image_a_list():
    example, scope = EXAMPLES[MethodKind.DATASET_INGESTION]
    first = {**example["images"][0], "label": ["a"]}

    for images, reason in (
        ([*example["images"], first], "one label"),
        ([{**first, "label": ["b"]}], "list the labels"),
    ):
        with pytest.raises(ValueError, match=reason):
            RESULTS[MethodKind.DATASET_INGESTION].model_validate_json(
                json.dumps({**example, "images": images}), context=scope
            )


@pytest.mark.parametrize(
    ("path", "length"), [(("images", 0, "length"), 91), (("images", 0, "mask", "length"), 101)]
)
def test_images_and_masks_lie_inside_of_their_file(path, length: int):
    example, scope = EXAMPLES[MethodKind.DATASET_INGESTION]
    outside = changed(example, path, length)

    with pytest.raises(ValueError, match="packed_file"):
        RESULTS[MethodKind.DATASET_INGESTION].model_validate_json(
            json.dumps(outside), context=scope
        )


@pytest.mark.parametrize("text", ["", "[]", "null", '{"a":', "[" * 100_000, '{"\ud800": 1}'])
def test_what_is_no_object_is_refused(text: str, scratch: Scratch, tmp_path: Path):
    scratch.result.write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(UnreadableResultError):
        collect_outputs(
            blob_store(str(tmp_path / "store")), scratch, MethodKind.RANKING, ResultScope()
        )


def test_links_and_missing_results_are_refused(scratch: Scratch, tmp_path: Path):
    store = blob_store(str(tmp_path / "store"))
    with pytest.raises(UnreadableResultError, match="no result"):
        collect_outputs(store, scratch, MethodKind.RANKING, ResultScope())
    scratch.result.symlink_to("/etc/passwd")

    with pytest.raises(UnreadableResultError, match="ordinary"):
        collect_outputs(store, scratch, MethodKind.RANKING, ResultScope())


def test_an_invalid_result_fails_its_job_and_writes_nothing(zoo: Zoo):
    example, scope = EXAMPLES[MethodKind.TRAINING]
    with zoo.transaction() as session:
        ranking = RankingRecord(
            id="rnk_1",
            project="default",
            metric="fused",
            edge_weight=0.0,
            request={},
            dataset_id="dst_1",
            comparable_key="",
            candidates=[],
        )
        session.add(ranking)
        session.flush()
        submitted = jobs.submit(
            session,
            project="default",
            method="fused_ranking",
            inputs={"ranking_id": "rnk_1"},
            params={},
            audience=Audience.INTERNAL,
        )
        job = run_job.lifecycle.claim(
            session,
            worker="test",
            queues=zoo.settings.queues,
            lease_seconds=60,
            running_seconds=60,
        )
    context = run_job.WorkerContext(zoo, ForkServerClient(zoo.settings.home), lambda: False)
    assert job is not None
    write(run_job.scratch_of(context, job), {**example, "estimates": []}, scope)
    succeeded = Outcome(AttemptStatus.SUCCEEDED)

    run_job._finish(context, job, Lease.of(zoo, job), succeeded, scope=scope)

    with zoo.transaction() as session:
        ended = session.get_one(JobRecord, submitted.id)
        rows = session.query(ArtifactRecord).count() + session.query(ModelRecord).count()
    assert (ended.state, ended.error["code"], rows) == ("failed", "result_unreadable", 0)
    assert "best_set" in ended.error["detail"]
    assert ended.error["remedy"]


METRICS = {"kind": "metrics", "step": 1, "numbers": {"loss": 0.5}, "pictures": {}}
MESSAGES: list[dict[str, Any]] = [
    {"kind": "progress", "step": 1, "total": 2, "message": "half"},
    {"kind": "checkpoint", "file": "checkpoint-1.safetensors"},
    {**METRICS, "pictures": {"curve.png": "picture-2.png"}},
    {
        "kind": "error",
        "error": {"code": "internal", "detail": "it broke", "remedy": "retry"},
        "retryable": False,
        "trace": "",
    },
    {"kind": "running"},
    {"kind": "phase", "phase": "load", "began": 12.5},
    {"kind": "done"},
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message["kind"])
def test_a_message_is_valid_or_refused(message: dict[str, Any]):
    accepted = []
    assert live_message(message).kind == message["kind"]

    for path, value in hostile(message, ResultScope()):
        try:
            live_message(changed(message, path, value))
        except ValueError:
            continue
        accepted.append((path, str(value)[:40]))

    assert accepted == []


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "checkpoint", "file": "../checkpoint-1.safetensors"},
        {**METRICS, "numbers": {"Loss": 1.0}},
        {**METRICS, "numbers": {f"n{index}": 1.0 for index in range(201)}},
        {**METRICS, "pictures": {"../curve.png": "picture-1.png"}},
        {**METRICS, "pictures": {"curve.png": "/etc/passwd"}},
        {"kind": "phase", "phase": "strange", "began": 12.5},
        {"kind": "phase", "phase": "load", "began": -1.0},
        {"kind": "phase", "phase": "load", "began": 1.0, "attributes": {"key": "value"}},
        {"kind": "strange"},
        {},
    ],
)
def test_a_message_that_names_strange_things_is_refused(message: dict[str, Any]):
    with pytest.raises(ValueError, match="validation error"):
        live_message(message)


def test_the_states_of_a_graph_are_those_of_its_table():
    schema = RESULTS[MethodKind.GRAPH].model_json_schema()

    assert set(schema["properties"]["status"]["enum"]) == set(GraphStatus)
