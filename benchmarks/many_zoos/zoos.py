"""Which zoos there are: data, encoder family, width, length of training, seed and draws of decoders."""

from dataclasses import dataclass

TASKS = (
    *("classes A", "classes B", "classes C", "coarse", "rotation", "jigsaw", "place"),
    *("autoencoding", "denoising", "inpainting", "colorizing", "edges", "orientation"),
)


@dataclass(frozen=True)
class ZooPlan:
    """One zoo. ``steps``: of an encoder; ``draws``: of a decoder for every pair."""

    album: str
    family: str
    channels: int
    steps: int
    seed: int
    draws: int = 2

    @property
    def name(self) -> str:
        """Data and family."""
        return f"{self.album}-{self.family}"


PLANS = (
    ZooPlan("mnist", "residual", 48, 250, 11, draws=3),
    ZooPlan("cifar", "transformer", 64, 400, 12),
    ZooPlan("fashion", "depthwise", 72, 300, 13),
    ZooPlan("omniglot", "plain", 36, 300, 14),
    ZooPlan("camvid", "residual", 64, 350, 15),
    ZooPlan("flowers", "plain", 72, 200, 16, draws=3),
    ZooPlan("plates", "depthwise", 48, 250, 17),
    ZooPlan("mnist", "transformer", 48, 300, 18),
)
