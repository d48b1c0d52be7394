"""Every layer gets the parts of the slow twin, whatever memory allows and whatever else is asked."""

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from service.core.catalog.layer_selection import LayerSelectionParams
from service.core.catalog.measurement import Centering
from tests.methods.oracles import layer_selection as oracle
from tests.workers.torchkit.small_networks import (
    PLAIN,
    convolutional,
    reader_of,
    seeded,
    some_images,
)
from workers.methods import layer_selection
from workers.methods.layer_selection import (
    ComparedLayer,
    LayerSelectionData,
    LayerSelectionResult,
    LayerStatus,
    Side,
)
from workers.torchkit.attribution.canonical import to_network_input
from workers.torchkit.attribution.features import DetachedFeatureError, UnknownLayerError
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.comparison import DegenerateTargetError

PROBES = some_images(10)
LAYERS = ("0", "1", "2", "3", "4", "6")
SOURCE, TARGET = convolutional(), seeded(convolutional(), seed=5)
A_PROBE_AT_A_TIME = 20_000


class SignLayer(nn.Module):
    """A layer that no gradient passes, as an answer that was made a decision."""

    def forward(self, values: Tensor) -> Tensor:
        """The sign."""
        return values.detach().sign()


class ImagesBlankWhenDark(nn.Module):
    """Nothing at all for images that are dark on average."""

    def forward(self, images: Tensor) -> Tensor:
        """The image where it is bright."""
        bright = (images.mean(dim=(1, 2, 3), keepdim=True) > 0).to(images.dtype)
        return images * bright


def side(network: nn.Module, layer: str = "6") -> Side:
    return Side(reader_of(network, layer), PLAIN)


def inputs_of(
    *layers: str, source: nn.Module = SOURCE, probes: Tensor = PROBES, memory: int | None = None
) -> LayerSelectionData:
    return LayerSelectionData(
        side(source), layers or LAYERS, side(TARGET), "output", probes, memory
    )


def result_of(inputs: LayerSelectionData, **params: object) -> LayerSelectionResult:
    chosen = LayerSelectionParams.model_validate({"replicates": 20, **params})
    return layer_selection.run(inputs, chosen, silent)


def item_of(result: LayerSelectionResult, layer: str) -> ComparedLayer:
    return next(item for item in result.items if item.layer == layer)


def assert_same_parts(left: LayerSelectionResult, right: LayerSelectionResult) -> None:
    assert [item.layer for item in left.items] == [item.layer for item in right.items]
    for left_item, right_item in zip(left.items, right.items, strict=True):
        assert left_item.node_similarity == pytest.approx(right_item.node_similarity, abs=1e-6)
        assert left_item.edge_similarity == pytest.approx(right_item.edge_similarity, abs=1e-6)


@pytest.mark.parametrize("layer", LAYERS)
def test_parts_are_those_of_the_slow_twin(layer: str) -> None:
    images = to_network_input(PROBES, PLAIN)
    cut = SOURCE[: int(layer) + 1]

    item = item_of(result_of(inputs_of()), layer)

    node, edge = oracle.parts(cut, TARGET, images)
    assert item.node_similarity == pytest.approx(node, abs=1e-5)
    assert item.edge_similarity == pytest.approx(edge, abs=1e-3)
    assert (item.status, item.valid_probes) == (LayerStatus.OK, 10)


def test_a_layer_alone_and_among_others_gets_the_same_parts() -> None:
    among = result_of(inputs_of())

    for layer in LAYERS:
        (alone,) = result_of(inputs_of(layer)).items
        assert alone == item_of(among, layer)


@pytest.mark.parametrize("centering", list(Centering))
def test_features_that_do_not_fit_give_the_same_parts(centering: Centering) -> None:
    roomy = result_of(inputs_of(), centering=centering)

    narrow = result_of(inputs_of(memory=A_PROBE_AT_A_TIME), centering=centering)

    assert roomy.remade == ()
    assert set(narrow.remade) == {"0", "1", "2", "3"}
    assert narrow.batch_size < roomy.batch_size
    assert_same_parts(narrow, roomy)


def test_layers_come_in_the_order_of_computation_with_what_they_cost() -> None:
    result = result_of(inputs_of("6", "0", "3", "0"))

    assert [item.layer for item in result.items] == ["0", "3", "6"]
    assert [item.shape for item in result.items] == [(6, 12, 12), (8, 6, 6), (5,)]
    assert [item.depth for item in result.items] == [1 / 8, 4 / 8, 7 / 8]
    shares = [item.operations_share or 0.0 for item in result.items]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1


def test_a_network_compared_with_itself_chooses_the_layer_itself() -> None:
    inputs = LayerSelectionData(side(TARGET), ("0", "3", "6", "7"), side(TARGET), "7", PROBES)

    result = result_of(inputs)

    last = result.items[-1]
    assert last.node_similarity == pytest.approx(1.0, abs=1e-6)
    assert last.edge_similarity == pytest.approx(1.0, abs=1e-6)
    assert all((item.node_similarity or 0) < 0.999 for item in result.items[:-1])


def test_a_layer_without_a_gradient_is_named_and_the_others_go_on() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), SignLayer())
    seeded(network)
    source = Side(reader_of(network, "1"), PLAIN)

    result = result_of(LayerSelectionData(source, ("1", "2"), side(TARGET), "output", PROBES))

    usable, rounded = result.items
    assert usable.status is LayerStatus.OK
    assert rounded.status is LayerStatus.UNUSABLE
    assert "does not depend on the image" in (rounded.detail or "")
    assert rounded.node_similarity is None


def test_probes_that_a_layer_does_not_see_are_left_out_and_too_many_make_it_degenerate() -> None:
    dark = PROBES.clone()
    dark[[2, 5]] = 0
    source = Side(reader_of(nn.Sequential(ImagesBlankWhenDark(), nn.Flatten()), "0"), PLAIN)
    inputs = LayerSelectionData(source, ("0",), side(TARGET), "output", dark)

    (lenient,), (strict,) = (result_of(inputs, min_valid=share).items for share in (0.5, 0.9))

    assert (lenient.status, lenient.valid_probes) == (LayerStatus.OK, 8)
    assert (strict.status, strict.edge_similarity) == (LayerStatus.DEGENERATE, None)
    assert "only 8 of 10" in (strict.detail or "")


def test_a_layer_that_cannot_tell_probes_apart_has_nodes_only() -> None:
    class Whisper(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.mean(dim=(2, 3)) * 1e-8 + 1.0

    source = Side(reader_of(nn.Sequential(Whisper(), nn.Identity()), "0"), PLAIN)

    (item,) = result_of(LayerSelectionData(source, ("0",), side(TARGET), "output", PROBES)).items

    assert item.status is LayerStatus.CONSTANT_EDGES
    assert item.edge_similarity is None
    assert item.node_similarity is not None


def test_a_target_without_a_usable_map_is_refused() -> None:
    source = side(SOURCE)
    blind = Side(reader_of(nn.Sequential(ImagesBlankWhenDark(), nn.Flatten()), "0"), PLAIN)
    detached = Side(reader_of(nn.Sequential(SignLayer(), nn.Flatten()), "0"), PLAIN)
    black = torch.zeros_like(PROBES)

    with pytest.raises(DegenerateTargetError, match="0 of 10"):
        result_of(LayerSelectionData(source, LAYERS, blind, "0", black))
    with pytest.raises(DetachedFeatureError):
        result_of(LayerSelectionData(source, LAYERS, detached, "0", PROBES))


def test_an_unknown_layer_is_refused_by_name() -> None:
    with pytest.raises(UnknownLayerError, match="'nowhere'"):
        result_of(inputs_of("nowhere"))


def test_nothing_of_the_networks_is_changed() -> None:
    before = [(parameter.clone(), parameter.requires_grad) for parameter in SOURCE.parameters()]

    result_of(inputs_of())

    for parameter, (value, wanted) in zip(SOURCE.parameters(), before, strict=True):
        assert_close(parameter, value, rtol=0, atol=0)
        assert parameter.requires_grad is wanted
        assert parameter.grad is None


def test_progress_counts_probes_and_layers() -> None:
    steps: list[tuple[int, int]] = []

    def note(step: int, total: int, message: str = "") -> None:
        assert message in ("maps", "edges")
        steps.append((step, total))

    layer_selection.run(
        inputs_of("0", "6", memory=A_PROBE_AT_A_TIME),
        LayerSelectionParams(replicates=20),
        note,
    )

    assert steps[-1] == (12, 12)
    assert [step for step, _ in steps] == sorted(step for step, _ in steps)
