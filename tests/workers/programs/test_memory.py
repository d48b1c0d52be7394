"""The peak of what lives at once is computed from the graph, before anything runs."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.workers.programs.networks import NETWORKS, SHAPE, images, made, write_archive
from workers.programs import PassKind, Program, read_program
from workers.programs.inspection import probe_problems
from workers.programs.liveness import MemoryTrace
from workers.programs.memory_needs import images_at_once
from workers.programs.refusal import NotEnoughMemoryError

GIBIBYTE = 1024**3
COPIES = 10
NUMBERS = 2**27


class Bomb(nn.Module):
    """Every value passes the limit of values; all of them together take five gibibytes."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(COPIES, 2)

    def forward(self, batch: Tensor) -> Tensor:
        row = batch.flatten(1)[:, :1].expand(-1, NUMBERS // 2)
        wide = torch.cat([row, row], 1)
        copies = [wide * (factor + 1.0) for factor in range(COPIES)]
        return self.head(torch.stack([copy.mean(1) for copy in copies], 1))


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return read_program(write_archive(made(Bomb), tmp_path_factory.mktemp("bomb") / "net.pt2"))


def slow_forward_peak(trace: MemoryTrace, count: int) -> int:
    """For each call, the sum over all memory that was made so far and is needed still."""
    scaled = [
        {m: -(-size * count // trace.batch) if call.per_image else size for m, size in call.made.items()}
        for call in trace.calls
    ]  # fmt: skip
    peaks = [0]
    for now in range(len(trace.calls)):
        born = {m: size for sizes in scaled[: now + 1] for m, size in sizes.items()}
        needed = {m for call in trace.calls[now:] for m in call.touched} | trace.results
        peaks.append(sum(size for m, size in born.items() if m in needed))
    return -(-trace.image_bytes * count // trace.batch) + max(peaks)


def slow_gradient_peak(trace: MemoryTrace, count: int) -> int:
    """The same with all that depends on the images live, and the gradients of what is read later."""

    def scaled(size: int) -> int:
        return -(-size * count // trace.batch)

    peaks = [0]
    for now, call in enumerate(trace.calls):
        born = [
            (m, scaled(size) if earlier.per_image else size)
            for earlier in trace.calls[: now + 1]
            for m, size in earlier.made.items()
        ]
        needed = {m for later in trace.calls[now:] for m in later.touched} | trace.results
        live = sum(size for m, size in born if m in needed)
        saved = sum(
            scaled(sum(earlier.made.values()))
            for earlier in trace.calls[: now + 1]
            if earlier.per_image
        )
        read_later = {slot for later in trace.calls[now:] for slot in later.reads}
        gradients = sum(
            scaled(size)
            for earlier in trace.calls[: now + 1]
            if earlier.per_image
            for slot, size in earlier.gradients.items()
            if slot in read_later or slot in call.gradients
        )
        peaks.append(live + saved + gradients)
    return 2 * scaled(trace.image_bytes) + max(peaks)


@pytest.mark.parametrize("name", NETWORKS)
def test_peaks_agree_with_a_slow_count_over_all_values(name: str, tmp_path: Path):
    program = read_program(write_archive(made(NETWORKS[name]), tmp_path / "net.pt2"))
    trace = program._interface.memory

    for count in (1, 8):
        assert trace.peak(count, PassKind.FORWARD) == slow_forward_peak(trace, count)
        assert trace.peak(count, PassKind.GRADIENT) == slow_gradient_peak(trace, count)


def test_a_chain_holds_two_values_at_once_worked_out_by_hand(tmp_path: Path):
    chain = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Tanh(), nn.Sigmoid(), nn.Conv2d(4, 2, 1))
    program = read_program(write_archive(chain.eval(), tmp_path / "net.pt2"))
    pixels = SHAPE[1] * SHAPE[2]
    weights = 4 * (3 * 4 + 4 + 4 * 2 + 2)
    image, wide, narrow = 4 * 3 * pixels, 4 * 4 * pixels, 4 * 2 * pixels

    assert program.peak_bytes(1) == weights + image + 2 * wide
    saved = 3 * wide + narrow
    gradients = max(wide + wide, wide + narrow)
    live = wide + narrow
    assert (
        program.peak_bytes(1, PassKind.GRADIENT) <= weights + 2 * image + saved + gradients + live
    )


def test_views_take_no_memory_and_copies_do(tmp_path: Path):
    class Views(nn.Module):
        def forward(self, batch: Tensor) -> Tensor:
            return batch.flatten(1)[:, :8].unsqueeze(1).expand(-1, 1000, -1).transpose(1, 2)

    class Copies(nn.Module):
        def forward(self, batch: Tensor) -> Tensor:
            return batch.flatten(1)[:, :8].unsqueeze(1).expand(-1, 1000, -1).contiguous()

    views, copies = (
        read_program(write_archive(network, tmp_path / f"{index}.pt2"))
        for index, network in enumerate((Views(), Copies()))
    )

    assert copies.peak_bytes(1) - views.peak_bytes(1) == 4 * 8 * 1000


def test_a_pass_never_holds_more_than_its_gradient_peak(tmp_path: Path):
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv2d(3, 64, 1), nn.Conv2d(64, 2, 1)

        def forward(self, batch: Tensor) -> Tensor:
            return self.last((self.first(batch).tanh() * 2).sigmoid()).mean((2, 3))

    program = read_program(
        write_archive(Wide().eval(), tmp_path / "net.pt2", example=torch.randn(2, 3, 128, 128))
    )
    batch = images(4, (3, 128, 128)).requires_grad_()
    saved: dict[int, int] = {}

    def record(tensor: Tensor) -> Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
        program(batch)

    assert 0 < sum(saved.values()) < program.peak_bytes(4, PassKind.GRADIENT)


def test_values_that_pass_one_by_one_are_refused_together_before_they_exist(bomb: Program):
    (problem,) = probe_problems(bomb, memory_bytes=GIBIBYTE)

    assert problem.code == "out_of_memory"
    assert "GiB" in problem.detail
    assert "1.0 GiB" in problem.detail
    assert "ZOO_JOB_MEMORY_BYTES" in problem.remedy


def test_the_peak_of_the_bomb_is_all_of_it(bomb: Program):
    assert bomb.peak_bytes(1) >= COPIES * NUMBERS * 4
    assert bomb.peak_bytes(8) >= 8 * COPIES * NUMBERS * 4


def test_as_many_images_run_at_once_as_fit(tmp_path: Path):
    program = read_program(write_archive(made(NETWORKS["Plain"]), tmp_path / "net.pt2"))
    limit = program.peak_bytes(4)

    def fitting(limit_bytes: int | None) -> int:
        return images_at_once(
            program, most=16, least=1, kind=PassKind.FORWARD, limit_bytes=limit_bytes
        )

    assert (fitting(limit), fitting(None), fitting(limit - 1)) == (4, 16, 2)
    with pytest.raises(NotEnoughMemoryError) as refused:
        fitting(program.peak_bytes(1) - 1)
    assert refused.value.code == "out_of_memory"


def test_a_small_network_is_probed_with_fewer_images_where_memory_is_scarce(tmp_path: Path):
    program = read_program(write_archive(made(NETWORKS["Plain"]), tmp_path / "net.pt2"))

    assert probe_problems(program, memory_bytes=program.peak_bytes(2, PassKind.GRADIENT)) == ()
