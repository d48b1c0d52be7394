"""Uploads for tests of the ingestion, and what is asked of their results."""

import io
import struct
import tarfile
import zipfile
import zlib

from PIL import Image

from workers.methods.dataset_ingestion import DatasetIngestionResult, Limits

LIMITS = Limits(
    image_bytes=100_000,
    image_pixels=10_000,
    images=50,
    probe_images=20,
    clips=20,
    clip_bytes=10**6,
    clip_seconds=20.0,
    total_bytes=10**7,
)


def picture(kind: str = "PNG", *, size: tuple[int, int] = (20, 10), shade: int = 100) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (shade, 0, 255 - shade)).save(file, kind)
    return file.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def reasons(result: DatasetIngestionResult) -> list[tuple[str, str]]:
    return [(problem.name, problem.code) for problem in result.problems]


def tree(*folders: str, count: int = 2) -> dict[str, bytes]:
    names = [f"{folder}/{number}.png" for folder in folders for number in range(count)]
    return {name: picture(shade=shade) for shade, name in enumerate(names)}


def legacy_zip(names: dict[bytes, bytes], *, extra: bytes = b"") -> bytes:
    """A zip without the flag of UTF-8, as old tools write it, with raw names."""
    file = io.BytesIO()
    offsets, directory = [], b""
    for name, data in names.items():
        offsets.append(file.tell())
        sizes = (zlib.crc32(data), len(data), len(data), len(name), len(extra))
        file.write(
            struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, *sizes) + name + extra + data
        )
    for (name, data), offset in zip(names.items(), offsets, strict=True):
        sizes = (zlib.crc32(data), len(data), len(data), len(name), len(extra))
        head = struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, *sizes, 0, 0, 0, 0, offset
        )
        directory += head + name + extra
    end = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, len(names), len(names), len(directory), file.tell(), 0
    )
    return file.getvalue() + directory + end


def notes_of(result: DatasetIngestionResult) -> dict[str, int]:
    """How many files each kind of remark is about."""
    counts: dict[str, int] = {}
    for note in result.notes:
        counts[note.code] = counts.get(note.code, 0) + note.count
    return counts


def labels_by_name(result: DatasetIngestionResult) -> dict[str, object]:
    return {image.name: image.label for image in result.images}
