"""Pictures of a map explain themselves, fit their frame, and are the same in both themes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from service.core.catalog.transferability_map import Linkage
from service.core.manifest import TaskKind
from service.core.theme import Theme
from workers.methods.transferability_map.drawing import SHAPES, MapDrawing
from workers.methods.transferability_map.marks import diameters, example_sizes, in_words
from workers.methods.transferability_map.pictures import pictures_of
from workers.methods.transferability_map.plane_legend import COLOR, SHAPE, SIZE
from workers.methods.transferability_map.plane_pictures import draw_layout, plane_size
from workers.torchkit.drawing.palettes import PALETTES
from workers.torchkit.similarity.clusters import clusters, medoids
from workers.torchkit.similarity.layout import dissimilarities, judgment, layout
from workers.torchkit.similarity.neighbor_graph import nearest
from workers.torchkit.similarity.trees import row_distances, task_tree

SVG = "{http://www.w3.org/2000/svg}"
TASKS = (TaskKind.CLASSIFICATION, TaskKind.SEGMENTATION, TaskKind.DEPTH)


def drawing_of(count: int) -> MapDrawing:
    numbers = np.random.default_rng(0)
    rows = numbers.normal(size=(4, 16))[np.arange(count) % 4]
    rows = rows + 0.7 * numbers.normal(size=(count, 16))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    scores = rows @ rows.T
    tree, distances = task_tree(scores, method=Linkage.AVERAGE), row_distances(scores)
    groups = clusters(tree, distances, count=min(4, count))
    return MapDrawing(
        names=tuple(f"a network called {network:03d}" for network in range(count)),
        tasks=tuple(TASKS[network % 3] for network in range(count)),
        parameters=tuple(1000 * 2 ** (network % 12) for network in range(count)),
        subtitle="seen through “probes” · λ = 0",
        linkage="average",
        scores=scores,
        tree=tree,
        layout=layout(dissimilarities(scores, edge_weight=0.0)),
        groups=groups,
        chosen=medoids(distances, groups),
        neighbors=nearest(scores, k=min(5, count - 1)),
    )


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    return pictures_of(drawing_of(13))


def plane(drawing: MapDrawing) -> Axes:
    figure = Figure(figsize=plane_size(drawing), dpi=120)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.03, 0.03, 0.7, 0.85))
    draw_layout(axes, drawing, PALETTES[Theme.LIGHT])
    figure.draw_without_rendering()
    return axes


def names_of(axes: Axes, drawing: MapDrawing) -> list[Annotation]:
    return [
        text
        for text in axes.texts
        if isinstance(text, Annotation) and text.get_text() in drawing.names
    ]


def text_box(text: Text) -> Bbox:
    return Text.get_window_extent(text)


def test_every_vector_picture_has_a_role_a_title_and_a_description_and_loads_nothing(
    files: Mapping[str, bytes],
) -> None:
    vectors = {name: data for name, data in files.items() if name.endswith("svg")}

    assert len(vectors) == 8
    for data in vectors.values():
        root = Xml.fromstring(data)
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert root.get("role") == "img"
        assert root[0].tag == f"{SVG}title"
        assert "networks" in (root[0].text or "").lower()
        assert len(root[1].text or "") > 60
        assert set((root.get("aria-labelledby") or "").split()) <= set(ids)
        assert len(ids) == len(set(ids))
        assert any(element.tag == f"{SVG}text" for element in root.iter())
        assert b"<!DOCTYPE" not in data
        links = re.findall(rb'(?:href|src)="([^"]*)"|url\(([^)]*)\)', data)
        assert all(link.startswith((b"#", b"data:")) for pair in links for link in pair if link)


def test_light_and_dark_differ_in_colors_alone(files: Mapping[str, bytes]) -> None:
    for name in ("matrix", "tree", "layout", "neighbors"):
        light, dark = files[f"{name}.svg"], files[f"{name}-dark.svg"]

        assert light != dark
        assert without_colors(light) == without_colors(dark)


def without_colors(picture: bytes) -> bytes:
    """Without colors, and without ids that matplotlib makes of them."""
    plain = re.sub(rb"#[0-9a-f]{6}\b", b"", picture)
    plain = re.sub(rb'(id="|url\(#|href="#)[mpC][0-9a-f_]+', rb"\1", plain)
    return re.sub(rb"(stroke|fill): ;? ?", b"", plain)


def test_the_legend_explains_color_shape_and_size() -> None:
    drawing = drawing_of(20)

    legend = plane(drawing).get_legend()

    assert legend is not None
    words = [text.get_text() for text in legend.get_texts()]
    heads = [words.index(head) for head in (COLOR, SHAPE, SIZE)]
    assert heads == sorted(heads)
    assert len(words[heads[0] + 1 : heads[1]]) == 4
    assert words[heads[1] + 1 : heads[2]] == [task.value for task in TaskKind if task in TASKS]
    assert words[heads[2] + 1 :] == ["1 k", "45.3 k", "2.05 M"]


def test_parameters_that_nobody_counted_have_the_smallest_mark_and_a_line_in_the_legend() -> None:
    drawing = drawing_of(13)
    drawing = replace(drawing, parameters=(None, *drawing.parameters[1:]))

    legend = plane(drawing).get_legend()

    assert legend is not None
    assert legend.get_texts()[-1].get_text() == "not known"
    assert diameters(drawing)[0] == diameters(drawing).min()


@pytest.mark.parametrize("count", [13, 20, 200])
def test_names_stay_inside_the_frame_and_apart(count: int) -> None:
    drawing = drawing_of(count)
    axes = plane(drawing)

    boxes = [text_box(text) for text in names_of(axes, drawing)]

    frame = axes.get_window_extent()
    assert len(boxes) >= (count if count < 100 else count // 2)
    for number, box in enumerate(boxes):
        assert frame.x0 - 1 <= box.x0 < box.x1 <= frame.x1 + 3
        assert frame.y0 - 3 <= box.y0 < box.y1 <= frame.y1 + 3
        assert not any(
            min(box.x1, other.x1) - max(box.x0, other.x0) > 3
            and min(box.y1, other.y1) - max(box.y0, other.y0) > 3
            for other in boxes[:number]
        )


def test_of_a_crowd_the_typical_networks_alone_are_named() -> None:
    drawing = drawing_of(300)

    names = {text.get_text() for text in names_of(plane(drawing), drawing)}

    assert names == {drawing.names[network] for network in drawing.chosen}


def test_all_text_lies_inside_the_view_box(files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        if not name.endswith("svg"):
            continue
        root = Xml.fromstring(data)
        _, _, width, height = map(float, (root.get("viewBox") or "").split())
        positions = [
            re.findall(r"translate\(([-\d.]+) ([-\d.]+)\)", text.get("transform") or "")
            or [(text.get("x"), text.get("y"))]
            for text in root.iter(f"{SVG}text")
        ]
        assert positions
        for ((x, y),) in positions:
            assert 0 <= float(x or 0) <= width
            assert 0 <= float(y or 0) <= height


def test_more_parameters_make_a_larger_mark() -> None:
    drawing = drawing_of(12)

    sizes = diameters(drawing)

    order = np.argsort(drawing.parameters)
    assert (np.diff(sizes[order]) >= 0).all()
    assert sizes.max() > 2 * sizes.min()


def test_every_kind_of_task_has_its_own_shape() -> None:
    assert set(SHAPES) == set(TaskKind)
    assert len(set(SHAPES.values())) == len(TaskKind)


def test_examples_of_sizes_go_from_the_least_to_the_greatest() -> None:
    assert example_sizes([100, 10_000, 400]) == [100, 1000, 10_000]
    assert example_sizes([7, 7]) == [7]
    assert example_sizes([]) == []
    assert [in_words(number) for number in (999, 11_700_000, 2_000_000_000)] == [
        "999",
        "11.7 M",
        "2 G",
    ]


def test_stress_is_rated_by_kruskals_scale() -> None:
    assert "can be trusted" in judgment(0.08)
    assert "groups" in judgment(0.15)
    assert judgment(0.31) == "read the matrix, not the plane"


@pytest.mark.parametrize("theme", Theme)
def test_text_and_categories_stand_out_from_the_page(theme: Theme) -> None:
    palette = PALETTES[theme]

    assert contrast(palette.ink, palette.page) >= 7
    assert all(contrast(color, palette.page) >= 2 for color in palette.categories)
    assert len(set(palette.categories)) == len(palette.categories)


def contrast(first: str, second: str) -> float:
    """The ratio of WCAG 2."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    parts = [part / 255 for part in bytes.fromhex(color[1:])]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
