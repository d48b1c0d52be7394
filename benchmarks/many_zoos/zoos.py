"""Which zoos there are: data, encoder family, width, length of training, seed and draws of decoders."""

from dataclasses import dataclass

TASKS = (
    *("classes A", "classes B", "classes C", "coarse", "rotation", "jigsaw", "place"),
    *("autoencoding", "denoising", "inpainting", "colorizing", "edges", "orientation"),
)


@dataclass(frozen=True)
class ZooPlan:
    """One zoo.

    ``steps`` and ``batch``: of an encoder; ``draws`` and ``decoder_steps``: of a decoder for every pair.
    """

    album: str
    family: str
    channels: int
    steps: int
    seed: int
    batch: int = 48
    draws: int = 2
    decoder_steps: int = 60

    @property
    def name(self) -> str:
        """Data and family."""
        return f"{self.album}-{self.family}"


PLANS = (
    ZooPlan("mnist", "residual", 48, 250, 11, batch=64, draws=3, decoder_steps=100),
    ZooPlan("cifar", "transformer", 64, 400, 12, batch=64, decoder_steps=100),
    ZooPlan("fashion", "depthwise", 48, 150, 13),
    ZooPlan("omniglot", "plain", 36, 200, 14),
    ZooPlan("camvid", "residual", 40, 150, 15),
    ZooPlan("flowers", "plain", 48, 120, 16),
    ZooPlan("plates", "depthwise", 36, 150, 17),
    ZooPlan("mnist", "transformer", 32, 200, 18),
)
