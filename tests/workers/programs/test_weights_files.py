"""A safetensors file is bounded before it is read, and fits its architecture exactly or not at all."""

import json
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from service.core.manifest import Architecture
from tests.workers.programs.test_hostile_files import SECONDS
from tests.zooscope.packing.trainers import SAFETENSORS
from workers.programs import ProgramRefusedError
from workers.programs.architectures import build_with_weights
from workers.programs.safetensors_header import read_header

torch.set_num_threads(1)
BUILDING_SECONDS = 10.0
"""Processor seconds for what is no reading of the file, with much to spare."""
ARCHITECTURE = Architecture(library="timm", name="resnet10t", arguments={"num_classes": 4})


def file_of(path: Path, header: bytes, body: bytes = b"") -> Path:
    path.write_bytes(len(header).to_bytes(8, "little") + header + body)
    return path


def entry(*shape: int, start: int = 0, end: int = 0, dtype: str = "F32") -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def crowded() -> bytes:
    entry = '"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    return ("{" + ",".join(entry % number for number in range(60_000)) + "}").encode()


HEADERS = {
    "no object": b"[]",
    "no JSON": b"{not json",
    "deep JSON": b"{" + b'"a":[' * 30_000,
    "deep lists": b'{"a":' + b"[" * 100_000,
    "a huge number": b'{"a":' + b"9" * 100_000 + b"}",
    "a tensor twice": b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
    "a field twice": b'{"a":{"dtype":"F32","dtype":"I8","shape":[0],"data_offsets":[0,0]}}',
    "a missing field": json.dumps({"a": {"dtype": "F32", "shape": [0]}}).encode(),
    "a strange field": json.dumps({"a": entry(0) | {"run": "x"}}).encode(),
    "a strange type": json.dumps({"a": entry(0, dtype="PICKLE")}).encode(),
    "nine axes": json.dumps({"a": entry(*[1] * 9, end=4)}).encode(),
    "a negative size": json.dumps({"a": entry(-1, end=4)}).encode(),
    "a size of 2**40": json.dumps({"a": entry(2**40, end=2**42)}).encode(),
    "a size that is true": b'{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}',
    "a size that is text": b'{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}',
    "bytes that do not fit": json.dumps({"a": entry(4, end=4)}).encode(),
    "bytes beyond the file": json.dumps({"a": entry(64, end=256)}).encode(),
    "offsets that run back": json.dumps({"a": entry(1, start=8, end=4)}).encode(),
    "a gap": json.dumps({"a": entry(1, end=4), "b": entry(1, start=8, end=12)}).encode(),
    "an overlap": json.dumps({"a": entry(2, end=8), "b": entry(2, start=4, end=12)}).encode(),
    "bytes left over": json.dumps({"a": entry(1, end=4)}).encode(),
    "sixty thousand tensors": crowded(),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_header_is_refused_at_once(tmp_path, name):
    path = file_of(tmp_path / "weights", HEADERS[name], bytes(16))
    started = time.process_time()

    with pytest.raises(ProgramRefusedError) as caught:
        read_header(path)

    assert caught.value.code in {"broken_safetensors", "safetensors_too_large"}
    assert caught.value.remedy
    assert time.process_time() - started < SECONDS


def test_a_header_that_claims_63_megabytes_is_not_read(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes((63_000_000).to_bytes(8, "little") + b"{}")

    with pytest.raises(ProgramRefusedError, match="63000000"):
        read_header(path)


def test_a_file_of_the_library_passes(tmp_path):
    save_file({"a": torch.ones(2, 3), "b": torch.ones((), dtype=torch.int64)}, tmp_path / "w")

    header = read_header(tmp_path / "w")

    assert header["a"].shape == (2, 3)
    assert header["b"].shape == ()


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    import timm

    torch.manual_seed(0)
    return dict(timm.create_model("resnet10t", num_classes=4).state_dict())


def test_weights_fill_their_architecture(tmp_path, state):
    save_file(state, tmp_path / "w")

    network = build_with_weights(ARCHITECTURE, tmp_path / "w")

    assert not network.training
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, state[name])


def test_half_precision_weights_are_widened(tmp_path, state):
    half = {n: t.half() if t.is_floating_point() else t for n, t in state.items()}
    save_file(half, tmp_path / "w")

    network = build_with_weights(ARCHITECTURE, tmp_path / "w")

    assert {p.dtype for p in network.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", SAFETENSORS)
def test_weights_are_read_as_packing_reads_them(tmp_path, state, name):
    changed = SAFETENSORS[name](state)
    save_file({n: t.contiguous() for n, t in changed.items()}, tmp_path / "w")

    network = build_with_weights(ARCHITECTURE, tmp_path / "w")

    tolerance = 1e-2 if name in {"half", "bfloat16"} else 0
    for weight, tensor in network.state_dict().items():
        if "num_batches" not in weight:
            torch.testing.assert_close(tensor, state[weight], rtol=tolerance, atol=tolerance)


def test_two_sets_of_weights_are_not_chosen_between(tmp_path, state):
    both = {f"{key}.{n}": t.clone() for key in ("first", "second") for n, t in state.items()}
    save_file(both, tmp_path / "w")

    with pytest.raises(ProgramRefusedError, match=r"first, second") as caught:
        build_with_weights(ARCHITECTURE, tmp_path / "w")

    assert caught.value.code == "ambiguous_weights"
    assert "single set" in str(caught.value.remedy)


def test_names_full_of_dots_cost_no_time(tmp_path, state):
    deep = {f"{number}{'.a' * 4000}": torch.ones(1) for number in range(200)}
    save_file(deep, tmp_path / "w")
    started = time.process_time()

    with pytest.raises(ProgramRefusedError) as caught:
        build_with_weights(ARCHITECTURE, tmp_path / "w")

    assert caught.value.code == "weights_do_not_fit"
    assert time.process_time() - started < SECONDS + BUILDING_SECONDS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("fc.bias"), "missing: fc.bias"),
        (lambda s: s.update(extra=torch.ones(1)), "not in the network: extra"),
        (
            lambda s: s.update({"fc.bias": torch.ones(7)}),
            r"fc.bias: \[7\] in the file, \[4\] in the network",
        ),
        (lambda s: s.update({"fc.bias": torch.ones(4, dtype=torch.int32)}), "fc.bias"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, state, change, words):
    changed = dict(state)
    change(changed)
    save_file(changed, tmp_path / "w")

    with pytest.raises(ProgramRefusedError, match=words) as caught:
        build_with_weights(ARCHITECTURE, tmp_path / "w")

    assert caught.value.code == "weights_do_not_fit"


def test_weights_with_nan_are_refused(tmp_path, state):
    save_file(state | {"fc.bias": torch.full((4,), torch.nan)}, tmp_path / "w")

    with pytest.raises(ProgramRefusedError, match=r"fc\.bias") as caught:
        build_with_weights(ARCHITECTURE, tmp_path / "w")

    assert caught.value.code == "non_finite_weights"


@pytest.mark.parametrize(
    ("library", "name", "arguments", "code"),
    [
        ("timm", "os.system", {}, "unknown_architecture"),
        ("torchvision", "os.system", {}, "unknown_architecture"),
        ("torchvision", "raft_large", {}, "unknown_architecture"),
        ("timm", "resnet10t", {"pretrained": True}, "invalid_architecture_arguments"),
        (
            "timm",
            "resnet10t",
            {"checkpoint_path": "/etc/passwd"},
            "invalid_architecture_arguments",
        ),
        ("timm", "resnet10t", {"num_classes": 10**9}, "invalid_architecture_arguments"),
        ("timm", "resnet10t", {"num_classes": "4"}, "invalid_architecture_arguments"),
        ("timm", "resnet10t", {"img_size": 64}, "invalid_architecture_arguments"),
        ("torchvision", "resnet18", {"progress": True}, "invalid_architecture_arguments"),
    ],
)
def test_only_listed_names_and_checked_arguments_reach_a_constructor(
    tmp_path, state, library, name, arguments, code
):
    save_file(state, tmp_path / "w")
    architecture = Architecture(library=library, name=name, arguments=arguments)

    with pytest.raises(ProgramRefusedError) as caught:
        build_with_weights(architecture, tmp_path / "w")

    assert caught.value.code == code
    assert caught.value.remedy
