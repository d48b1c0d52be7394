"""Tables of accuracies with an ability, two hidden kinds of tasks, noise, a score and a size."""

import numpy as np

from workers.tools.ranking_bench.tables import Table


def simulated(
    *, seed: int, models: int = 12, datasets: int = 6, quality: float = 0.5, unit: float = 1.0
) -> Table:
    """One table; ``quality`` is how much of the truth the score contains."""
    rng = np.random.default_rng(seed)
    ability = rng.normal(size=models)
    z = ability[:, None] + 0.5 * rng.normal(size=(models, 2)) @ rng.normal(size=(2, datasets))
    z += 0.5 * rng.normal(size=z.shape)
    levels, slopes = rng.uniform(0.5, 0.8, datasets), rng.uniform(0.02, 0.05, datasets)
    return Table(
        "simulated",
        tuple(f"net {chr(97 + at % 26)}{at}" for at in range(models)),
        tuple(f"d{at}" for at in range(datasets)),
        unit * (levels + slopes * z),
        {"score": quality * z + rng.normal(size=z.shape)},
        {"size": np.exp(ability + rng.normal(size=models))},
    )
