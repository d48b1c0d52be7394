"""The notebook of the guides runs cell by cell, and every result is shown as a notebook shows it."""

import ast
import json
from collections.abc import Iterator
from typing import Any

import pytest

from service.container import Zoo
from service.core.operations.access import keys
from tests.docs.printed import ROOT
from tests.rest.served import a_dataset, a_graph, a_model, an_affinity, serving, stored

NOTEBOOK = ROOT / "docs" / "how-to" / "rank-in-a-notebook.ipynb"
REPRESENTATIONS = ("_repr_html_", "_repr_png_")


def code_cells() -> Iterator[str]:
    notebook = json.loads(NOTEBOOK.read_text())
    assert (notebook["nbformat"], len({cell["id"] for cell in notebook["cells"]})) == (
        4,
        len(notebook["cells"]),
    )
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], "the notebook is committed without outputs"
            yield "".join(cell["source"])


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """The value of the cell's last expression; None if it ends with a statement."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "a cell", "exec"), names)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "a cell", "eval"), names)


@pytest.fixture
def demo(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A served zoo with the names of the demo, in which everything is measured."""
    image = pytest.importorskip("PIL.Image")
    path = zoo.staging / "image.png"
    image.new("RGB", (2, 2), "red").save(path)
    data = path.read_bytes()
    with zoo.transaction() as session:
        issued = keys.issue_first(session)
        digits = a_dataset(zoo, session, name="digits", packed_sha256=stored(zoo, data))
        target = a_model(session, name="digits-residual")
        graph = a_graph(session, target, digits)
        for number in range(5):
            other = a_graph(session, a_model(session, name=f"digits-{number}"), digits)
            an_affinity(session, graph, other, node=0.1 * number, edge=0.5)
        _store_image(session, digits.id, data)
    assert issued is not None
    with serving(zoo) as url:
        monkeypatch.setenv("ZOO_URL", url)
        monkeypatch.setenv("ZOO_KEY", issued.token)
        yield


def _store_image(session: Any, dataset_id: str, data: bytes) -> None:
    """The first image of the dataset has these bytes."""
    import hashlib

    from service.core.tables import ImageRecord

    record = session.get_one(ImageRecord, (dataset_id, 0))
    record.sha256 = hashlib.sha256(data).hexdigest()
    record.start, record.length = 0, len(data)


@pytest.mark.usefixtures("demo")
def test_every_cell_runs_and_shows_its_result():
    pytest.importorskip("pandas")
    names: dict[str, Any] = {}
    shown = []

    for source in code_cells():
        value = run_cell(source, names)
        shown += [kind for kind in REPRESENTATIONS if getattr(value, kind, lambda: None)()]

    assert {"_repr_html_", "_repr_png_"} <= set(shown)
