"""Whether the estimators' order is the order of measured transfer: digits, eight small networks.

scikit-learn's 8 × 8 digits. For each seed eight convolutional networks of one architecture learn
from digits 0 to 4 (names, names for a tenth of the steps, parity, larger than 2, quarter turns,
random labels, the picture itself) or nothing at all. Three targets on digits 5 to 9: names,
parity, and names of pictures turned upside down; 100 images to learn from, the rest to test on.
Estimators see the 100 images only. Truth is test accuracy, of a logistic head on frozen features
and of the whole network fine-tuned for
10 steps: after 60 all eight, the untrained one too, were equally good.

    python -m benchmarks.estimator_truth [--seeds 3] [--write]

Prints Spearman correlation over the eight networks: mean, least and greatest of seeds × targets.
"""

import argparse
import copy
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalog.measurement import Estimator
from workers.methods.transferability_estimators import EstimateSettings, estimates

RESULTS = Path(__file__).parents[1] / "docs" / "results"
STEPS, TUNING_STEPS, BATCH, TRAIN = 300, 10, 64, 100


class Small(nn.Module):
    """Two convolutions, 64 features, one head."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(512, 64), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(64, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, or pixels of an autoencoder."""
        return self.head(self.body(images))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class TransferTarget:
    """Images to learn from and to test on."""

    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def trained(network: Small, images: Tensor, goals: Tensor, *, steps: int, seed: int) -> Small:
    """The same network after ``steps`` of Adam; goals are classes, or pixels."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    for _ in range(steps):
        drawn = torch.randint(len(images), (BATCH,), generator=generator)
        answers = network(images[drawn])
        loss = (
            functional.mse_loss(answers, goals[drawn])
            if goals.is_floating_point()
            else functional.cross_entropy(answers, goals[drawn])
        )
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return network


def sources(images: Tensor, labels: Tensor, seed: int) -> Iterator[tuple[str, Small]]:
    """The eight networks of one seed."""
    generator = torch.Generator().manual_seed(seed)
    turns = torch.randint(4, (len(images),), generator=generator)
    turned = torch.stack(
        [image.rot90(int(k), (1, 2)) for image, k in zip(images, turns, strict=True)]
    )
    noise = torch.randint(5, (len(images),), generator=generator)
    recipes: dict[str, tuple[Tensor, Tensor, int]] = {
        "names": (images, labels, STEPS),
        "names, a tenth": (images, labels, STEPS // 10),
        "parity": (images, labels % 2, STEPS),
        "larger than 2": (images, (labels > 2).long(), STEPS),
        "quarter turns": (turned, turns, STEPS),
        "random labels": (images, noise, STEPS),
        "the picture": (images, images.flatten(1), STEPS),
        "nothing": (images, labels, 0),
    }
    for name, (pictures, goals, steps) in recipes.items():
        torch.manual_seed(seed)
        outputs = goals.shape[1] if goals.is_floating_point() else int(goals.max()) + 1
        yield name, trained(Small(outputs), pictures, goals, steps=steps, seed=seed)


def targets(images: Tensor, labels: Tensor, seed: int) -> Iterator[TransferTarget]:
    """Names, parity, and names upside down; 100 drawn images to learn from."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    learn, test = order[:TRAIN], order[TRAIN:]
    for pictures, goals in (
        (images, labels),
        (images, labels % 2),
        (images.flip(2), labels),
    ):
        yield TransferTarget((pictures[learn], goals[learn]), (pictures[test], goals[test]))


def truth_of(network: Small, target: TransferTarget) -> dict[str, float]:
    """Test accuracy of a head on frozen features, and of the network fine-tuned."""
    with torch.no_grad():
        features = [network.body(part[0]).numpy() for part in (target.train, target.test)]
    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(
        features[0], target.train[1].numpy()
    )
    tuned = copy.deepcopy(network)
    tuned.head = nn.Linear(64, int(target.train[1].max()) + 1)
    trained(tuned, *target.train, steps=TUNING_STEPS, seed=0)
    with torch.no_grad():
        right = (tuned(target.test[0]).argmax(dim=1) == target.test[1]).float().mean()
    return {
        "frozen": float(head.score(features[1], target.test[1].numpy())),
        "tuned": float(right),
    }


def scores_of(network: Small, name: str, target: TransferTarget) -> dict[Estimator, float | None]:
    """Every estimator on the images to learn from."""
    images, labels = target.train
    with torch.no_grad():
        features = network.body(images)
        logits = None if name == "the picture" else network.head(features)
    return estimates(features, labels, logits, settings=EstimateSettings()).scores


def one_seed(seed: int) -> list[dict[str, Any]]:
    """Truth and scores of all networks on every target."""
    digits = load_digits()
    images = torch.from_numpy(digits.images).float().unsqueeze(1) / 16
    labels = torch.from_numpy(digits.target).long()
    low = labels < 5
    zoo = list(sources(images[low], labels[low], seed))
    return [
        {
            "seed": seed,
            "target": number,
            "truth": {name: truth_of(network, target) for name, network in zoo},
            "scores": {name: scores_of(network, name, target) for name, network in zoo},
        }
        for number, target in enumerate(targets(images[~low], labels[~low] - 5, seed))
    ]


def correlations(rows: list[dict[str, Any]], kind: str) -> dict[str, list[float]]:
    """Spearman of every estimator with truth, target by target, over networks with a score."""
    values: dict[str, list[float]] = {}
    for row in rows:
        for estimator in Estimator:
            names = [name for name in row["truth"] if row["scores"][name][estimator] is not None]
            scores = [row["scores"][name][estimator] for name in names]
            real = [row["truth"][name][kind] for name in names]
            value = float(spearmanr(scores, real)[0])
            values.setdefault(estimator.value, []).append(value)
    return values


def page(rows: list[dict[str, Any]]) -> str:
    """The correlations as a page."""
    lines = [
        "# Estimators against measured transfer on digits",
        "",
        f"{len({row['seed'] for row in rows})} seeds × 3 targets × 8 networks, 100 labeled images;"
        " 2 cores of an AMD EPYC, one thread, no GPU. `python -m benchmarks.estimator_truth --write`."
        " Spearman over the networks, mean (least … greatest) of seeds × targets. LEEP and NCE:"
        " seven networks, one has no class logits.",
        "",
        "| estimator | frozen features, logistic head | fine-tuned |",
        "|---|---|---|",
    ]
    frozen, tuned = (correlations(rows, kind) for kind in ("frozen", "tuned"))
    for estimator in sorted(frozen, key=lambda name: -float(np.nanmean(frozen[name]))):
        cells = [
            f"{np.nanmean(values[estimator]):.2f} ({np.nanmin(values[estimator]):.2f} … {np.nanmax(values[estimator]):.2f})"
            for values in (frozen, tuned)
        ]
        lines.append(f"| {estimator} | {cells[0]} | {cells[1]} |")
    lines += [
        "",
        "Mean accuracy by network:",
        "",
        "| network | frozen | fine-tuned |",
        "|---|---|---|",
    ]
    for name in rows[0]["truth"]:
        means = [
            np.mean([row["truth"][name][kind] for row in rows]) for kind in ("frozen", "tuned")
        ]
        lines.append(f"| {name} | {means[0]:.3f} | {means[1]:.3f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and, when asked, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--write", action="store_true", help="write docs/results/estimator_truth.*"
    )
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rows = [row for seed in range(chosen.seeds) for row in one_seed(seed)]
    text = page(rows)
    print(text)
    if chosen.write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "estimator_truth.md").write_text(text)
        (RESULTS / "estimator_truth.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
