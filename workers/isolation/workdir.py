"""The folder of one attempt at a job, and where in it everything lies."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Scratch:
    """Paths of one attempt: ``in`` is read by the child, ``out``, ``kept`` and ``tmp`` are written by it."""

    folder: Path

    @classmethod
    def of(cls, root: Path, job_id: str, fence: int) -> "Scratch":
        """The scratch folder of an attempt, below the folder of all of them."""
        return cls(root / f"{job_id}.{fence}")

    @property
    def inputs(self) -> Path:
        """Files the job reads."""
        return self.folder / "in"

    @property
    def out(self) -> Path:
        """Files the job makes."""
        return self.folder / "out"

    @property
    def kept(self) -> Path:
        """Files that outlive an attempt that is cut short: checkpoints, pictures on the way."""
        return self.folder / "kept"

    @property
    def checkpoint(self) -> Path:
        """The checkpoint of an earlier attempt; absent at the first."""
        return self.inputs / "checkpoint.safetensors"

    @property
    def tmp(self) -> Path:
        """Files nobody will look at."""
        return self.folder / "tmp"

    @property
    def request(self) -> Path:
        """What is to be done, as JSON."""
        return self.folder / "request.json"

    @property
    def result(self) -> Path:
        """The plain data of the result, as JSON."""
        return self.out / "result.json"

    @property
    def log(self) -> Path:
        """Whatever libraries printed."""
        return self.folder / "child.log"

    def make(self) -> None:
        """Create the folders, empty, for this user alone."""
        self.remove()
        for folder in (self.folder, self.inputs, self.out, self.kept, self.tmp):
            folder.mkdir(mode=0o700, parents=True)

    def remove(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
