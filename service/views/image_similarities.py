"""Wire shape of how alike two networks look at each image."""

from pydantic import BaseModel

from service.container import Zoo
from service.core.ids import DatasetId, ModelId
from service.core.manifest import Strict
from service.core.operations import names
from service.core.operations.neighbors import neighbors
from service.core.tables import ModelRecord


class ImageSimilaritiesQuery(Strict):
    """Which other network, and through which probe set."""

    other_model_id: ModelId
    dataset_id: DatasetId


class ImageSimilarityView(BaseModel):
    """Cosine of two networks' attribution maps of one image.

    ``similarity`` is null where the image does not count for both networks.
    """

    index: int
    similarity: float | None


class ImageSimilaritiesView(BaseModel):
    """How alike two networks look at each image of a probe set.

    ``items`` is empty where the stored maps cannot be read within a request.
    """

    model_id: str
    other_model_id: str
    dataset_id: str
    items: list[ImageSimilarityView]


def image_similarities_view(
    zoo: Zoo, query: ImageSimilaritiesQuery, *, project: str, model_id: str
) -> ImageSimilaritiesView:
    """The similarity of two measured networks on each image."""
    with zoo.transaction() as session:
        other_id = names.id_of(
            session, ModelRecord, project=project, reference=query.other_model_id
        )
        first, second = (
            neighbors.measured_graph(
                session, project=project, model_id=id_, dataset_id=query.dataset_id
            )
            for id_ in (model_id, other_id)
        )
    cosines = zoo.comparer.image_similarities(first.sha256 or "", second.sha256 or "")
    items = [
        ImageSimilarityView(index=index, similarity=cosine) for index, cosine in enumerate(cosines)
    ]
    return ImageSimilaritiesView(
        model_id=model_id, other_model_id=other_id, dataset_id=first.dataset_id, items=items
    )
