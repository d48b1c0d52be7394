"""What is stored of an archive holds no pickle, computes the same and opens with torch."""

import zipfile
from pathlib import Path

import pytest
import torch

from service.core.file_types import ArchiveMember, archive_members, may_hold_pickle
from tests.workers.programs.hostile import CANARY, SAMPLES, evil_pickle, honest_members, zipped
from tests.workers.programs.networks import SHAPE, Plain, made
from workers.programs import read_program, without_pickles
from workers.programs.exporting import example_images, export_network
from workers.programs.refusal import ProgramRefusedError
from workers.programs.weights import read_weights
from workers.programs.zip_archive import ZipArchive

EXTRA = "net/extra/notes.pkl"
COMPILED = "net/data/aotinductor/model/model.so"


def saved_by_a_user(folder: Path) -> Path:
    """An archive as torch.export.save writes it: with sample inputs."""
    network = made(Plain)
    exported = torch.export.export(network, (torch.randn(2, *SHAPE),))
    torch.export.save(exported, folder / "user.pt2", extra_files={"notes": "hello"})
    return folder / "user.pt2"


def members_of(path: Path) -> dict[str, int]:
    with zipfile.ZipFile(path) as archive:
        return {info.filename.partition("/")[2]: info.file_size for info in archive.infolist()}


def listed(path: Path) -> list[ArchiveMember]:
    data = path.read_bytes()
    return archive_members(lambda start, length: data[start : start + length], len(data))


def test_what_torch_saves_is_stored_without_its_pickle(tmp_path: Path):
    path = saved_by_a_user(tmp_path)
    assert members_of(path)["data/sample_inputs/model.pt"] > 0

    clean = without_pickles(path, tmp_path / "clean.pt2")

    members = members_of(clean)
    assert members["data/sample_inputs/model.pt"] == 0
    assert not any(name.startswith("extra/") for name in members)
    assert b"data.pkl" not in clean.read_bytes()
    torch.testing.assert_close(
        read_program(clean)(example_images(2, SHAPE)), read_program(path)(example_images(2, SHAPE))
    )


def test_the_stored_archive_opens_with_torch(tmp_path: Path):
    path = saved_by_a_user(tmp_path)
    clean = without_pickles(path, tmp_path / "clean.pt2")
    images = torch.randn(2, *SHAPE)

    network = torch.export.load(clean).module()

    torch.testing.assert_close(network(images), made(Plain)(images))


@pytest.mark.parametrize("name", [SAMPLES, EXTRA, COMPILED])
def test_nothing_that_torch_would_open_or_run_survives(tmp_path: Path, name: str):
    path = tmp_path / "evil.pt2"
    path.write_bytes(zipped(honest_members(tmp_path) | {name: evil_pickle()}))

    clean = without_pickles(path, tmp_path / "clean.pt2")

    assert CANARY.encode() not in clean.read_bytes()
    torch.export.load(clean)
    assert not Path(CANARY).exists()


def test_an_archive_without_pickles_stays_the_same_file(tmp_path: Path):
    path = saved_by_a_user(tmp_path)
    clean = without_pickles(path, tmp_path / "clean.pt2")

    again = without_pickles(clean, tmp_path / "again.pt2")

    assert again == clean


def test_equal_archives_become_equal_files(tmp_path: Path):
    path = saved_by_a_user(tmp_path)

    first = without_pickles(path, tmp_path / "1.pt2").read_bytes()
    second = without_pickles(path, tmp_path / "2.pt2").read_bytes()

    assert first == second


def test_networks_that_are_exported_here_hold_no_pickle(tmp_path: Path):
    export_network(made(Plain), SHAPE, tmp_path / "own.pt2")

    members = members_of(tmp_path / "own.pt2")

    assert members["data/sample_inputs/model.pt"] == 0
    assert not may_hold_pickle(listed(tmp_path / "own.pt2"), raw_weights=True)
    assert without_pickles(tmp_path / "own.pt2", tmp_path / "new.pt2") == tmp_path / "own.pt2"


def test_weights_stay_aligned_so_that_they_are_mapped(tmp_path: Path):
    clean = without_pickles(saved_by_a_user(tmp_path), tmp_path / "clean.pt2")

    archive = ZipArchive(clean)

    assert {member.start % 64 for member in archive.members.values()} == {0}
    assert read_weights(archive, "model")


def test_pickles_in_a_directory_are_found(tmp_path: Path):
    user, own = saved_by_a_user(tmp_path), tmp_path / "own.pt2"
    export_network(made(Plain), SHAPE, own)

    assert may_hold_pickle(listed(user), raw_weights=True)
    assert may_hold_pickle(listed(own), raw_weights=False)
    assert not may_hold_pickle(listed(own), raw_weights=True)


def test_a_long_directory_is_read_as_a_whole(tmp_path: Path):
    members = {f"net/models/{number:0100d}.json": b"{}" for number in range(2000)}
    path = tmp_path / "long.pt2"
    path.write_bytes(zipped({EXTRA: evil_pickle(), **members}))

    assert len(listed(path)) == 2001
    assert may_hold_pickle(listed(path), raw_weights=True)


@pytest.mark.parametrize("text", [b'"graph_module"', None], ids=["graph", "weights"])
def test_a_changed_bit_is_refused(tmp_path: Path, text: bytes | None):
    path = saved_by_a_user(tmp_path)
    archive = ZipArchive(path)
    weights = next(name for name in archive.members if name.startswith("data/weights/weight"))
    data = bytearray(path.read_bytes())
    data[archive.member(weights).start + 2 if text is None else data.index(text) + 3] ^= 0x10
    path.write_bytes(data)

    with pytest.raises(ProgramRefusedError) as caught:
        without_pickles(path, tmp_path / "clean.pt2")

    assert caught.value.code == "broken_archive"
