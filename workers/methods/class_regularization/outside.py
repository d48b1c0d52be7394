"""The distance beyond which an image probably belongs to none of the classes."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from workers.methods.class_regularization.episodes import EpisodeSize, draw_episodes
from workers.methods.class_regularization.heads import EpisodeHead
from workers.torchkit.few_shot import squared_distances

_EPISODES, _AT_ONCE = 200, 20
_INSIDE = 0.99
_SIZE = EpisodeSize(5, 1, 1)


def outside_distance(
    features: Float[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    head: EpisodeHead,
    *,
    seed: int,
) -> float:
    """The 99th percentile of squared distances of base images to the descriptor of their class.

    Descriptors come from one image each, which makes the threshold generous for more shots.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = draw_episodes(labels, _SIZE, count=_EPISODES, generator=generator)
    distances = []
    with torch.no_grad():
        for episodes in drawn.parts(_AT_ONCE):
            descriptors = head.descriptors(features[episodes.support])
            queries = features[episodes.queries].flatten(1, 2)
            own = squared_distances(queries, descriptors).diagonal(dim1=1, dim2=2)
            distances.append(own.flatten())
    return float(torch.cat(distances).double().quantile(_INSIDE))
