"""Networks that learn from labels: teachers, and the supervised anchor."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.students import nets
from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import LabeledPictures
from service.core.manifest import InputSpec, TaskKind
from workers.programs import Program
from workers.programs.exporting import export_network
from workers.programs.reading import read_program
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.training.loop import cosine, drops
from workers.torchkit.training.steps import shifted
from workers.torchkit.training.teachers import Teacher

CACHE = Path("~/.cache/zooscope/students").expanduser()


@dataclass(frozen=True)
class Recipe:
    """How a network of the protocol is trained.

    ``adam`` falls as a half cosine; ``sgd`` has momentum 0.9, decay 5e-4 and falls to a tenth
    after 50 % and 80 % of its steps. ``shifts`` move every batch by up to a sixteenth of its
    side, as the methods do that learn from images.
    """

    steps: int = 800
    batch: int = 64
    rate: float = 2e-3
    optimizer: Literal["adam", "sgd"] = "adam"
    change: Literal["none", "shifts"] = "none"

    def rounds(self, parameters: list[nn.Parameter]) -> Iterator[torch.optim.Optimizer]:
        """The optimizer, once for every step, with that step's rate."""
        made: torch.optim.Optimizer = (
            torch.optim.Adam(parameters, lr=self.rate)
            if self.optimizer == "adam"
            else torch.optim.SGD(parameters, lr=self.rate, momentum=0.9, weight_decay=5e-4)
        )
        share = cosine if self.optimizer == "adam" else drops(0.5, 0.8)
        for step in range(self.steps):
            made.param_groups[0]["lr"] = self.rate * share(step / self.steps)
            yield made


TEACHING = Recipe()


def teacher(
    net: NetSpec,
    pictures: LabeledPictures,
    *,
    name: str,
    seed: int,
    recipe: Recipe = TEACHING,
    spec: InputSpec | None = None,
) -> Teacher:
    """A network that learned these pictures, as the service would hold it.

    Args:
        spec: What it takes; None takes the pictures' own mean and deviation.
    """
    taken = pictures.spec if spec is None else spec
    program = _exported(net, pictures, seed=seed, recipe=recipe, spec=taken)
    return Teacher(name, name, program, taken, pictures.task, pictures.labels)


def module(
    net: NetSpec,
    pictures: LabeledPictures,
    *,
    seed: int,
    recipe: Recipe = TEACHING,
    spec: InputSpec | None = None,
) -> nn.Module:
    """The same network as a module in evaluation mode; its weights are kept between runs."""
    taken = pictures.spec if spec is None else spec
    network = net.made(len(pictures.labels), side=taken.height, seed=seed)
    path = _cache_path(net, pictures, seed=seed, recipe=recipe, spec=taken).with_suffix(
        ".safetensors"
    )
    if path.exists():
        network.load_state_dict(load_file(path))
        return network.eval()
    learn_labels(network, pictures, spec=taken, recipe=recipe, seed=seed)
    half = path.with_suffix(f".{torch.randint(2**40, ()).item()}")
    save_file(network.state_dict(), half)
    half.replace(path)
    return network.eval()


def _exported(
    net: NetSpec, pictures: LabeledPictures, *, seed: int, recipe: Recipe, spec: InputSpec
) -> Program:
    path = _cache_path(net, pictures, seed=seed, recipe=recipe, spec=spec).with_suffix(".pt2")
    if path.exists():
        return read_program(path)
    network = module(net, pictures, seed=seed, recipe=recipe, spec=spec)
    half = path.with_suffix(f".{torch.randint(2**40, ()).item()}.pt2")
    program = export_network(network, (spec.channels, spec.height, spec.width), half)
    half.replace(path)
    return program


def _cache_path(
    net: NetSpec, pictures: LabeledPictures, *, seed: int, recipe: Recipe, spec: InputSpec
) -> Path:
    """Where the results of these facts are cached; other facts or other code, another path."""
    CACHE.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(repr((net, seed, recipe, spec, pictures.labels)).encode())
    for source in (__file__, nets.__file__):
        digest.update(Path(source).read_bytes())
    for part in (pictures.frames, pictures.truth):
        digest.update(part.contiguous().numpy().tobytes())
    return CACHE / f"{net.build}-{digest.hexdigest()[:24]}"


def learn_labels(
    network: nn.Module, pictures: LabeledPictures, *, spec: InputSpec, recipe: Recipe, seed: int
) -> None:
    """Train on the pictures' truth; shifts are for truth that does not move with the picture."""
    generator = torch.Generator().manual_seed(seed)
    images = to_network_input(pictures.frames, Preprocessing.of(spec))
    network.train()
    for optimizer in recipe.rounds(list(network.parameters())):
        positions = torch.randint(len(images), (recipe.batch,), generator=generator)
        batch = images[positions]
        if recipe.change == "shifts":
            batch = shifted(batch, generator=generator)
        loss = label_loss(network(batch), pictures.truth[positions], pictures.task)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def label_loss(logits: Tensor, truth: Tensor, task: TaskKind) -> Tensor:
    """Cross-entropy of labels, of every label alone, or of every pixel."""
    if task is TaskKind.MULTI_LABEL:
        return functional.binary_cross_entropy_with_logits(logits, truth.to(logits.dtype))
    return functional.cross_entropy(logits, truth)
