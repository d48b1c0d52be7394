"""No uploaded file runs code, crashes the reader, takes seconds or a hundred megabytes."""

import gc
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from tests.workers.programs.hostile import (
    CANARY,
    SAMPLES,
    Members,
    endless_modules,
    evil_pickle,
    honest_members,
    zipped,
)
from tests.workers.programs.hostile_cases import CASES
from tests.workers.programs.networks import images
from workers.programs import ProgramRefusedError, read_program

# Most take milliseconds. Some are traced by torch first, without memory for their values.
SECONDS = 5.0
EXTRA_BYTES = 100 * 2**20

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def members(tmp_path_factory) -> Members:
    return honest_members(tmp_path_factory.mktemp("honest"))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Iterator[Path]:
    """A folder in which nothing may appear by itself."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not (tmp_path / CANARY).exists(), "the file ran code"


def resident_bytes(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    raise AssertionError(key)


def cost_of(action: Callable[[], object]) -> tuple[float, int]:
    """Processor seconds (the machine may be busy), and bytes of resident memory at the peak beyond those at the start.

    What the tests before have left on the heap is kept from the collector meanwhile: walking
    through it would count as the action's own time.
    """
    gc.freeze()
    Path("/proc/self/clear_refs").write_text("5")
    before, started = resident_bytes("VmRSS"), time.process_time()
    action()
    spent = time.process_time() - started, resident_bytes("VmHWM") - before
    gc.unfreeze()
    return spent


def refusal_of(path: Path) -> ProgramRefusedError | None:
    try:
        read_program(path)
    except ProgramRefusedError as error:
        return error
    return None


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_refused_cheaply_with_a_code_and_a_remedy(folder, members, name):
    make, code = CASES[name]
    path = folder / "upload"
    path.write_bytes(make(members))
    refusals: list[ProgramRefusedError | None] = []

    seconds, extra = cost_of(lambda: refusals.append(refusal_of(path)))

    (refusal,) = refusals
    assert refusal is not None
    assert (refusal.code, bool(refusal.remedy)) == (code, True)
    assert seconds < SECONDS
    assert extra < EXTRA_BYTES


def test_a_long_way_through_modules_costs_little(folder, members):
    path = folder / "upload"
    path.write_bytes(endless_modules(members))

    seconds, extra = cost_of(lambda: refusal_of(path))

    assert seconds < SECONDS
    assert extra < EXTRA_BYTES


def test_sample_inputs_are_never_opened(folder, members):
    path = folder / "upload"
    path.write_bytes(zipped(members | {SAMPLES: evil_pickle()}))

    answer = read_program(path)(images(1))

    assert answer.isfinite().all()


@pytest.mark.parametrize("seed", range(8))
def test_flipped_bytes_lead_to_a_refusal_or_to_a_program_and_nothing_else(folder, members, seed):
    chance = random.Random(seed)
    honest = zipped(members)
    path = folder / "upload"
    for _ in range(12):
        data = bytearray(honest)
        for _ in range(chance.choice((1, 4, 40))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        refusal_of(path)
