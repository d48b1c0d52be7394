"""No ONNX file runs code, opens another file, crashes the reader, takes seconds or a hundred megabytes."""

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.workers.programs.onnx_hostile_cases import CASES, honest
from tests.workers.programs.test_hostile_files import EXTRA_BYTES, SECONDS, cost_of
from workers.programs import ProgramRefusedError
from workers.programs.onnx import convert_onnx

SHAPE = (3, 12, 12)

torch.set_num_threads(1)


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """An export before the first measurement: what it imports stays."""
    folder = tmp_path_factory.mktemp("warm")
    (folder / "honest.onnx").write_bytes(honest().SerializeToString())
    convert_onnx(folder / "honest.onnx", SHAPE, folder / "honest.pt2")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing may appear by itself."""
    yield tmp_path
    assert {path.name for path in tmp_path.iterdir()} <= {"upload", "program.pt2"}


def refusal_of(path: Path) -> ProgramRefusedError | None:
    try:
        convert_onnx(path, SHAPE, path.with_name("program.pt2"))
    except ProgramRefusedError as error:
        return error
    return None


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_refused_cheaply_with_a_code_and_a_remedy(folder: Path, name: str):
    make, code = CASES[name]
    path = folder / "upload"
    path.write_bytes(make())
    refusals: list[ProgramRefusedError | None] = []

    seconds, extra = cost_of(lambda: refusals.append(refusal_of(path)))

    (refusal,) = refusals
    assert refusal is not None
    assert (refusal.code, bool(refusal.remedy)) == (code, True)
    assert seconds < SECONDS
    assert extra < EXTRA_BYTES


@pytest.mark.parametrize("seed", range(8))
def test_flipped_bytes_lead_to_a_refusal_or_to_a_program_and_nothing_else(folder: Path, seed: int):
    chance = random.Random(seed)
    plain = honest().SerializeToString()
    path = folder / "upload"
    for _ in range(12):
        data = bytearray(plain)
        for _ in range(chance.choice((1, 4, 40))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        refusal_of(path)


def test_the_reader_needs_no_onnx_package():
    code = "import sys, workers.programs.onnx; print({'onnx', 'onnxruntime'} & set(sys.modules))"

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "set()"
