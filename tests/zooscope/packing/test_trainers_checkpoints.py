"""Checkpoints as trainers write them fill their network, and say which of several weights were taken."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import Tensor, nn

from tests.workers.programs.networks import Plain, images
from tests.zooscope.packing.trainers import (
    CHECKPOINTS,
    SAFETENSORS,
    TrainerOutput,
    prefixed,
    trained,
    write_shards,
)
from zooscope.packing import PackingError, load_weights

torch.set_num_threads(1)
TOLERANCES = {"half": 1e-2, "bfloat16": 1e-1}


@pytest.fixture(scope="module")
def source() -> TrainerOutput:
    return trained()


def require_equal(network: nn.Module, expected: nn.Module, *, tolerance: float = 0.0) -> None:
    torch.testing.assert_close(
        network.eval()(images(2)), expected.eval()(images(2)), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_checkpoint_fills_its_network(tmp_path: Path, source: TrainerOutput, name: str, legacy):
    content, words = CHECKPOINTS[name]
    path = tmp_path / "last.ckpt"
    torch.save(content(source), path, _use_new_zipfile_serialization=not legacy)
    network = Plain()

    loaded = load_weights(network, path)

    require_equal(network, source.network, tolerance=TOLERANCES.get(name, 0.0))
    assert words in loaded.note
    assert bool(words) == bool(loaded.note)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_of_pickle_is_read(tmp_path: Path, source: TrainerOutput, protocol: int):
    torch.save(
        CHECKPOINTS["timm's train script"][0](source), tmp_path / "w.pth", pickle_protocol=protocol
    )
    network = Plain()

    load_weights(network, tmp_path / "w.pth")

    require_equal(network, source.network)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("timm's train script", "state_dict_ema"),
        ("torchvision's reference script", "model_ema"),
        ("torchvision's reference script", "model_ema.module"),
        ("contrastive", "state_dict.module.momentum_encoder"),
        ("self-distilled", "teacher"),
    ],
)
def test_other_weights_are_taken_when_asked_for(
    tmp_path: Path, source: TrainerOutput, name: str, key: str
):
    torch.save(CHECKPOINTS[name][0](source), tmp_path / "w.pth")
    network = Plain()

    loaded = load_weights(network, tmp_path / "w.pth", key=key)

    require_equal(network, source.average)
    assert loaded.key.startswith(key)


def test_a_key_that_is_not_there_lists_those_that_are(tmp_path: Path, source: TrainerOutput):
    torch.save(
        {"state_dict": source.state, "state_dict_ema": source.average_state}, tmp_path / "w.pth"
    )

    with pytest.raises(PackingError) as caught:
        load_weights(Plain(), tmp_path / "w.pth", key="best")

    assert caught.value.code == "unknown_weights_key"
    assert "--weights-key: state_dict, state_dict_ema" in str(caught.value.remedy)


def test_two_sets_without_a_rule_are_not_chosen_between(tmp_path: Path, source: TrainerOutput):
    torch.save({"first": source.state, "second": source.average_state}, tmp_path / "w.pth")

    with pytest.raises(PackingError) as caught:
        load_weights(Plain(), tmp_path / "w.pth")

    assert caught.value.code == "ambiguous_weights"
    assert "first, second" in str(caught.value.remedy)


def test_the_same_weights_under_two_keys_are_one_set(tmp_path: Path, source: TrainerOutput):
    state = source.state
    torch.save({"first": state, "second": state}, tmp_path / "w.pth")
    network = Plain()

    load_weights(network, tmp_path / "w.pth")

    require_equal(network, source.network)


def test_an_average_alone_is_taken_and_named(tmp_path: Path, source: TrainerOutput):
    torch.save({"model_ema": source.average_state}, tmp_path / "w.pth")
    network = Plain()

    loaded = load_weights(network, tmp_path / "w.pth")

    require_equal(network, source.average)
    assert "moving average" in loaded.note


@pytest.mark.parametrize("name", SAFETENSORS)
def test_bare_weights_fill_their_network(tmp_path: Path, source: TrainerOutput, name: str):
    state = SAFETENSORS[name](source.state)
    save_file({n: t.contiguous() for n, t in state.items()}, tmp_path / "w.safetensors")
    network = Plain()

    load_weights(network, tmp_path / "w.safetensors")

    require_equal(network, source.network, tolerance=TOLERANCES.get(name, 0.0))


@pytest.mark.parametrize("named", ["first", "second", "index"])
def test_shards_are_read_together(tmp_path: Path, source: TrainerOutput, named: str):
    first, second = write_shards(tmp_path, source.state)
    index = tmp_path / "model.safetensors.index.json"
    names = dict.fromkeys(source.state, first.name) | {"head.bias": second.name}
    index.write_text(json.dumps({"metadata": {}, "weight_map": names}))
    network = Plain()

    load_weights(network, {"first": first, "second": second, "index": index}[named])

    require_equal(network, source.network)


def test_a_missing_shard_is_named(tmp_path: Path, source: TrainerOutput):
    first, second = write_shards(tmp_path, source.state)
    second.unlink()

    with pytest.raises(PackingError, match=second.name) as caught:
        load_weights(Plain(), first)

    assert caught.value.code == "shard_missing"


def test_an_index_names_no_file_elsewhere(tmp_path: Path):
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../../etc/passwd"}}))

    with pytest.raises(PackingError) as caught:
        load_weights(Plain(), index)

    assert caught.value.code == "not_a_checkpoint"


class TiedLinear(nn.Module):
    """A network that uses one tensor under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight

    def forward(self, values: Tensor) -> Tensor:
        return self.second(self.first(values))


@pytest.mark.parametrize("form", ["pth", "safetensors"])
def test_shared_tensors_are_read_under_either_name(tmp_path: Path, form: str):
    torch.manual_seed(3)
    network, other = TiedLinear(), TiedLinear()
    path = tmp_path / f"w.{form}"
    if form == "pth":
        torch.save(network.state_dict(), path)
    else:
        save_model(network, str(path))  # keeps one of the two names

    load_weights(other, path)

    values = torch.randn(2, 4)
    torch.testing.assert_close(other(values), network(values))


def test_a_head_that_the_file_lacks_is_named_with_the_way_out(
    tmp_path: Path, source: TrainerOutput
):
    state = {name: tensor for name, tensor in source.state.items() if not name.startswith("head.")}
    torch.save({"state_dict": prefixed(state, "module.base_encoder.")}, tmp_path / "w.pth")

    with pytest.raises(PackingError, match=r"missing: head\.weight, head\.bias") as caught:
        load_weights(Plain(), tmp_path / "w.pth")

    assert caught.value.code == "weights_do_not_fit"
    assert "without the parts that the file lacks" in str(caught.value.remedy)


def test_weights_that_the_network_lacks_are_not_dropped(tmp_path: Path, source: TrainerOutput):
    torch.save(source.state | {"body.9.weight": torch.ones(2)}, tmp_path / "w.pth")

    with pytest.raises(PackingError, match=r"not in the network: body\.9\.weight"):
        load_weights(Plain(), tmp_path / "w.pth")
