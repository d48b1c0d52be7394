"""Wall clocks that jump: a small library, preloaded into a process, adds an offset to its clock."""

import shutil
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

SOURCE = Path(__file__).with_name("clock_offset.c")
_SECONDS = struct.Struct("=q")


@dataclass(frozen=True)
class Clocks:
    """The library, and the folder with one file per process whose clock can jump."""

    library: Path
    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process is started with so that its clock can jump."""
        return {"LD_PRELOAD": str(self.library), "CHAOS_CLOCKS": str(self.folder)}

    def can_shift(self, pid: int) -> bool:
        """Whether the process has loaded the library."""
        return self._file(pid).exists()

    def shift(self, pid: int, seconds: int) -> None:
        """Have the process see a wall clock that is off by ``seconds`` from now on."""
        with self._file(pid).open("r+b", buffering=0) as file:
            file.write(_SECONDS.pack(seconds))

    def _file(self, pid: int) -> Path:
        return self.folder / str(pid)


@contextmanager
def shifting_clocks() -> Iterator[Clocks | None]:
    """The built library; None without a C compiler, or where nothing can be preloaded."""
    with TemporaryDirectory(prefix="zoo-clocks-") as name:
        library = Path(name) / "clock_offset.so"
        folder = Path(name) / "offsets"
        folder.mkdir()
        yield Clocks(library, folder) if _build(library) else None


def _build(library: Path) -> bool:
    compiler = shutil.which("cc")
    if compiler is None:
        return False
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
