"""A picture of a lineage shows every thing and every relation once, apart and from left to right."""

import re
from collections import Counter
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import pytest

from service.core.lineage.columns import Lane, in_columns
from service.core.lineage.drawing import NodeBox, drawn
from service.core.lineage.graph import Edge, LineageGraph, Role
from service.core.lineage.graphml import as_graphml
from service.core.lineage.labels import quality
from service.core.lineage.positions import heights, ordered
from service.core.lineage.svg import as_svg
from service.core.theme import Theme
from tests.core.lineage.graphs import a_random_one, job, model, taught, three_generations

SVG = "{http://www.w3.org/2000/svg}"
LINEAGES = [three_generations(), *map(a_random_one, range(6))]


def parsed(lineage: LineageGraph) -> ElementTree.Element:
    return ElementTree.fromstring(b"".join(as_svg(lineage)))


def overlap(left: NodeBox, right: NodeBox) -> bool:
    beside = left.x + left.width <= right.x or right.x + right.width <= left.x
    above = left.y + left.height <= right.y or right.y + right.height <= left.y
    return not (beside or above)


@pytest.mark.parametrize("lineage", LINEAGES, ids=range(len(LINEAGES)))
def test_no_boxes_overlap_and_all_lie_within_the_picture(lineage: LineageGraph):
    drawing = drawn(lineage)

    assert {box.node.id for box in drawing.boxes} == {node.id for node in lineage.nodes}
    assert not [pair for pair in combinations(drawing.boxes, 2) if overlap(*pair)]
    for box in drawing.boxes:
        assert 0 < box.x < box.x + box.width < drawing.width
        assert 0 < box.y < box.y + box.height < drawing.height


@pytest.mark.parametrize("lineage", LINEAGES, ids=range(len(LINEAGES)))
def test_lines_lead_to_the_right_and_pass_no_box(lineage: LineageGraph):
    drawing = drawn(lineage)

    for line in drawing.lines:
        (left, height), (right, _) = line.start, line.end
        assert left <= line.bend < right
        for box in drawing.boxes:
            # The curve lies between two columns; only the straight piece is level with boxes.
            level = box.y < height < box.y + box.height
            assert not (level and box.x < line.bend and left < box.x + box.width)
            assert not (line.bend < box.x + box.width and box.x < right)
    assert sum(line.arrives for line in drawing.lines) == len(set(lineage.edges))


def test_the_file_parses_and_every_label_is_there():
    lineage = three_generations()

    picture = parsed(lineage)
    groups = [element for element in picture.iter(f"{SVG}g") if element.get("data-id")]
    tips = {group.get("data-id"): group.findtext(f"{SVG}title") for group in groups}
    shown = {text.text for text in picture.iter(f"{SVG}text")}

    assert [group.get("data-id") for group in groups] == [node.id for node in lineage.nodes]
    for node in lineage.nodes:
        assert (tips[node.id] or "").startswith(node.name)
    assert {"owl", "elk & <son>", "knowledge_distillation", "sea", "a network"} <= shown
    assert {"classification · 2.35 M parameters", "removed", "40 images"} <= shown
    assert {"accuracy 93.1\u202f% · retains 96.8\u202f%", "mean IoU 50.0\u202f%"} <= shown
    assert "succeeded · seed 3 · 100 steps" in shown
    assert any(text and text.endswith("…") for text in shown)


def test_several_retentions_are_shown_as_a_range():
    figures = {"accuracy": 0.5, "retention_1": 0.91, "retention_2": 0.91}

    assert quality(figures) == "accuracy 50.0\u202f% · retains 91.0\u202f%"
    assert quality({**figures, "retention_3": 0.8}).endswith("retains 80.0\u202f% to 91.0\u202f%")
    assert quality({}) == ""


def test_the_asked_network_and_what_is_gone_look_different():
    classes = {
        group.get("data-id"): (group.get("class") or "").split()
        for group in parsed(three_generations()).iter(f"{SVG}g")
    }

    assert [id_ for id_, words in classes.items() if "chosen" in words] == ["mdl_hen"]
    assert [id_ for id_, words in classes.items() if "gone" in words] == ["mdl_lost"]


def test_evaluation_datasets_are_dotted_and_teachers_are_not():
    picture = parsed(three_generations())
    style = picture.findtext(f"{SVG}style") or ""
    kinds = Counter(
        path.get("class") for path in picture.iter(f"{SVG}path") if path.get("marker-end")
    )

    dotted = [line for line in style.splitlines() if "stroke-dasharray:1.5" in line]
    assert [line.split("{")[0] for line in dotted] == [".eval_dataset"]
    # What arrives, and one of each in the legend.
    assert kinds == {
        "edge eval_dataset": 3,
        "edge teacher": 8,
        "edge dataset": 3,
        "edge student": 4,
    }


def test_an_edge_over_several_columns_has_a_lane_that_its_siblings_share():
    edges = [("a", "b", 0), ("b", "c", 0), ("c", "d", 0), ("a", "c", 1), ("a", "d", 1)]

    columns = in_columns("abcd", edges)

    lane, further = Lane("a", 1, 1), Lane("a", 1, 2)
    assert columns.slots == (("a",), ("b", lane), ("c", further), ("d",))
    assert columns.paths[3:] == (("a", lane, "c"), ("a", lane, further, "d"))


def test_what_nothing_leads_to_stands_right_before_what_needs_it():
    columns = in_columns("abcx", [("a", "b", 0), ("b", "c", 0), ("x", "c", 0)])

    assert columns.slots == (("a",), ("b", "x"), ("c",))


def test_a_circle_is_drawn_and_does_not_hang():
    nodes = (model("a"), model("b"), job("a"), job("b"))
    lineage = LineageGraph("mdl_a", nodes, (*taught("b", "a"), *taught("a", "b")))

    drawing = drawn(lineage)

    assert len(drawing.boxes) == 4
    assert not [pair for pair in combinations(drawing.boxes, 2) if overlap(*pair)]
    assert sum(line.arrives for line in drawing.lines) == 4


def test_crossed_links_are_uncrossed():
    edges = [("a", "y", 0), ("b", "x", 0), ("c", "z", 0)]

    order = ordered(in_columns("abcxyz", edges))

    matched = dict(zip(order[0], order[1], strict=True))
    assert matched == {"a": "y", "b": "x", "c": "z"}


def test_slots_stand_as_near_to_their_neighbors_as_the_gap_allows():
    columns = in_columns("abx", [("a", "x", 0), ("b", "x", 0)])
    sizes = {"a": 10.0, "b": 20.0, "x": 4.0}

    positions = heights([["a", "b"], ["x"]], columns, sizes, gap=5.0)

    assert positions["a"] == pytest.approx(5.0)
    assert positions["b"] == pytest.approx(5.0 + 5.0 + 5.0 + 10.0)
    assert positions["x"] == pytest.approx((positions["a"] + positions["b"]) / 2)


def test_a_network_alone_is_a_picture_too():
    lineage = LineageGraph("mdl_owl", (model("owl"),), ())

    assert len(drawn(lineage).boxes) == 1
    assert parsed(lineage).get("role") == "img"


def test_the_picture_describes_itself_and_loads_nothing():
    data = b"".join(as_svg(three_generations()))
    picture = ElementTree.fromstring(data)
    ids = [element.get("id") for element in picture.iter() if element.get("id")]

    assert picture.get("role") == "img"
    assert picture[0].tag == f"{SVG}title"
    assert "networks" in (picture[1].text or "")
    assert set((picture.get("aria-labelledby") or "").split()) <= set(ids)
    assert len(ids) == len(set(ids))
    assert all(link.startswith(b"#") for link in re.findall(rb"url\(([^)]*)\)", data))
    assert b"@import" not in data
    assert b"@font-face" not in data


def test_a_dark_picture_differs_in_colors_alone():
    light, dark = (b"".join(as_svg(three_generations(), theme)) for theme in Theme)

    assert light != dark
    without = [re.sub(rb"#[0-9a-f]{6}\b", b"", picture) for picture in (light, dark)]
    assert without[0] == without[1]


def test_all_words_lie_inside_the_view_box():
    picture = parsed(three_generations())
    _, _, width, height = map(float, (picture.get("viewBox") or "").split())

    for text in picture.iter(f"{SVG}text"):
        assert 0 < float(text.get("x") or 0) < width
        assert 0 < float(text.get("y") or 0) < height


def test_a_name_that_xml_cannot_hold_still_makes_a_file():
    lineage = LineageGraph("mdl_a", (replace(model("a"), name="a\x0b\ud800"),), ())

    assert "Lineage of a" in (parsed(lineage).findtext(f"{SVG}title") or "")


def test_graphml_tells_nodes_with_their_numbers_and_edges_with_their_roles():
    lineage = three_generations()
    names = "{http://graphml.graphdrawing.org/xmlns}"

    document = ElementTree.fromstring(b"".join(as_graphml(lineage)))
    nodes = {
        node.get("id"): {data.get("key"): data.text for data in node}
        for node in document.iter(f"{names}node")
    }
    edges = [
        Edge(edge.get("source") or "", edge.get("target") or "", Role(edge[0].text or ""))
        for edge in document.iter(f"{names}edge")
    ]

    assert tuple(edges) == lineage.edges
    assert nodes["mdl_fox"]["accuracy"] == "0.931"
    assert nodes["mdl_owl"]["parameters"] == "2345000"
    assert nodes["job_fox"]["name"] == "knowledge_distillation"
