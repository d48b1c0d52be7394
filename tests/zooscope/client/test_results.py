"""Results are dictionaries that people can look at: tables, plots, images, and HTML in notebooks."""

import io
import json
import sys

import pytest

from service.container import Zoo
from tests.rest.served import a_dataset, a_graph, a_model, an_affinity
from zooscope import (
    ImageBytes,
    LayerTable,
    MapTable,
    RankingTable,
    ZooClient,
    ZooClientError,
)

DOCUMENT = {
    "models": ["mdl_1", "mdl_2"],
    "names": ["fox", "<hen>"],
    "clusters": [0, 1],
    "points": [[0.0, 0.5], [1.0, -0.5]],
    "neighbors": [[{"index": 1, "similarity": 0.4}], []],
    "stress": 0.01,
}
MAP = MapTable({"id": "map_1", "dataset_id": "dst_1", "document": DOCUMENT})
LAYER = {
    "kind": "convolution",
    "status": "ok",
    "detail": None,
    "operations_share": 0.5,
    "interval": [0.1, 0.3],
}
SELECTION = LayerTable(
    id="lay_1",
    state="ready",
    edge_weight=1.0,
    choice={"layer": "act", "score": 0.2},
    baselines={"middle": "conv", "deepest": "act"},
    layers=[{**LAYER, "layer": "conv", "score": None}, {**LAYER, "layer": "act", "score": 0.2}],
)


@pytest.fixture
def ranking(client: ZooClient, zoo: Zoo) -> RankingTable:
    """A ranking of two networks, one of whose names is not HTML."""
    with zoo.transaction() as session:
        probes = a_dataset(zoo, session)
        fox, *others = (a_model(session, name=name) for name in ("fox", "<hen>", "cow"))
        graph = a_graph(session, fox, probes)
        for node, model in enumerate(others, 1):
            other = a_graph(session, model, probes)
            an_affinity(session, graph, other, node=0.1 * node, edge=0.5)
    return client.rank(model="fox", probes="farm", metric="depara")


def test_a_ranking_is_a_dictionary_and_has_a_best_network(ranking: RankingTable):
    assert json.loads(json.dumps(ranking)) == ranking
    assert ranking.best is not None
    assert ranking.best["name"] == ranking["items"][0]["name"] == "cow"


def test_a_ranking_becomes_a_data_frame_with_the_ends_of_its_intervals(ranking: RankingTable):
    pytest.importorskip("pandas")

    frame = ranking.to_pandas()

    assert list(frame["name"]) == ["cow", "<hen>"]
    assert list(frame["score"]) == [item["score"] for item in ranking["items"]]
    assert frame["interval_low"][0] == ranking["items"][0]["interval"][0]


def test_a_ranking_is_drawn_with_one_line_for_each_network(ranking: RankingTable):
    pytest.importorskip("matplotlib")

    axes = ranking.plot()

    assert [label.get_text() for label in axes.get_yticklabels()] == ["cow", "<hen>"]
    assert ranking.plot(axes, top=1) is axes
    axes.figure.savefig(io.BytesIO(), format="png")


def test_html_escapes_names(ranking: RankingTable):
    for result in (ranking, MAP):
        assert "&lt;hen&gt;" in result._repr_html_()
        assert "<hen>" not in result._repr_html_()


def test_a_ranking_can_be_read_in_part(client: ZooClient, ranking: RankingTable):
    part = client.rankings.show(ranking["id"], limit=1)

    assert (len(part["items"]), part["ranked"]) == (1, 2)
    assert [item["id"] for item in client.rankings.ls()] == [ranking["id"]]


def test_a_map_becomes_a_data_frame_and_a_plot():
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")

    frame = MAP.to_pandas()

    assert (frame["nearest"][0], frame["nearest"].isna()[1]) == ("<hen>", True)
    assert list(frame["x"]) == [0.0, 1.0]
    assert len(MAP.plot().texts) == 2


def test_a_layer_selection_becomes_a_data_frame_and_a_curve():
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")

    assert list(SELECTION.to_pandas()["layer"]) == ["conv", "act"]
    assert list(SELECTION.plot().lines[0].get_ydata()) == [0.2]
    assert "build on conv, the middle; most like the target: act" in SELECTION._repr_html_()


def test_images_are_bytes_that_pillow_and_notebooks_show():
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.new("RGB", (3, 2), "red").save(file, "PNG")

    picture = ImageBytes(file.getvalue())

    assert picture == file.getvalue()
    assert picture.to_pil().size == (3, 2)
    assert picture._repr_png_() == file.getvalue()
    assert picture._repr_jpeg_() is None


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("pandas", MAP.to_pandas),
        ("matplotlib.pyplot", MAP.plot),
        ("PIL.Image", ImageBytes(b"").to_pil),
    ],
)
def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, module: str, call):
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ZooClientError) as caught:
        call()

    assert caught.value.code == "extra_missing"
    assert "zooscope[notebook]" in (caught.value.remedy or "")


def test_looking_at_a_result_imports_its_packages_only_then():
    import subprocess

    program = "import sys, zooscope; print({'pandas', 'matplotlib', 'PIL'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.stdout.strip() == "set()"
