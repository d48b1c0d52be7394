"""The folder of one attempt at a job, and the paths in it."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Scratch:
    """Paths of one attempt: the child reads ``in`` and writes ``out``, ``updates`` and ``tmp``."""

    folder: Path

    @classmethod
    def of(cls, root: Path, job_id: str, fence: int) -> "Scratch":
        """The folder of an attempt, below the folder of all attempts."""
        return cls(root / f"{job_id}.{fence}")

    @property
    def owner(self) -> str:
        """The job whose attempt this is."""
        return self.folder.name.partition(".")[0]

    @property
    def inputs(self) -> Path:
        """Files the job reads."""
        return self.folder / "in"

    @property
    def out(self) -> Path:
        """Files the job produces."""
        return self.folder / "out"

    @property
    def updates(self) -> Path:
        """Files of live updates, which outlive the attempt: checkpoints and pictures."""
        return self.folder / "updates"

    @property
    def checkpoint(self) -> Path:
        """The checkpoint of an earlier attempt; absent on the first."""
        return self.inputs / "checkpoint.safetensors"

    @property
    def tmp(self) -> Path:
        """Temporary files, deleted with the folder."""
        return self.folder / "tmp"

    @property
    def request(self) -> Path:
        """The method, its parameters and facts about its inputs, as JSON."""
        return self.folder / "request.json"

    @property
    def result(self) -> Path:
        """The plain data of the result, as JSON."""
        return self.out / "result.json"

    @property
    def log(self) -> Path:
        """Everything that libraries print."""
        return self.folder / "child.log"

    def make(self) -> None:
        """Create the folders, empty and private to this user."""
        self.remove()
        for folder in (self.folder, self.inputs, self.out, self.updates, self.tmp):
            folder.mkdir(mode=0o700, parents=True)

    def remove(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
