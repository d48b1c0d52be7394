"""Which zoos there are: data, encoder family, width, length of training, seed and draws of decoders."""

from dataclasses import dataclass

TASKS = (
    *("classes A", "classes B", "classes C", "coarse", "rotation", "jigsaw", "place"),
    *("autoencoding", "denoising", "inpainting", "colorizing", "edges", "orientation"),
)


FEWER = tuple(name for name in TASKS if name not in {"place", "denoising", "colorizing"})


@dataclass(frozen=True)
class ZooPlan:
    """One zoo.

    ``steps`` and ``batch``: of an encoder; ``draws`` and ``decoder_steps``: of a decoder for every pair;
    ``probes``: the most of its own images that are kept.
    """

    album: str
    family: str
    channels: int
    steps: int
    seed: int
    batch: int = 48
    draws: int = 2
    decoder_steps: int = 60
    tasks: tuple[str, ...] = FEWER
    probes: int = 500

    @property
    def name(self) -> str:
        """Data and family."""
        return f"{self.album}-{self.family}"


PLANS = (
    ZooPlan(
        "mnist",
        "residual",
        48,
        250,
        11,
        batch=64,
        draws=3,
        decoder_steps=100,
        tasks=TASKS,
        probes=1000,
    ),
    ZooPlan(
        "cifar", "transformer", 64, 400, 12, batch=64, decoder_steps=100, tasks=TASKS, probes=1000
    ),
    ZooPlan("fashion", "depthwise", 48, 150, 13, tasks=TASKS, probes=1000),
    ZooPlan("omniglot", "plain", 36, 200, 14),
    ZooPlan("camvid", "residual", 40, 150, 15),
    ZooPlan("flowers", "plain", 48, 120, 16),
    ZooPlan("plates", "depthwise", 36, 150, 17),
    ZooPlan("mnist", "transformer", 32, 200, 18),
)
