"""Styles of a prediction: pictures of a request or of a stored dataset, for a stylizer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.blobs import VerifiedStore
from service.core.errors import InvalidRequestError
from service.core.operations import names, owned_rows
from service.core.operations.error_pointers import error_pointer, invalid_value
from service.core.operations.zoo.datasets import ImageLocation
from service.core.predict_messages import MOST_IMAGES, OutputKind
from service.core.stylizations import (
    MOST_STYLES,
    StyleSettings,
    Stylization,
    pictures_per_content,
)
from service.core.tables import DatasetRecord, ImageRecord, ModelRecord

_TWO_WAYS = "send one or more pictures as `styles`, or name a `style_dataset` of pictures"


@dataclass(frozen=True)
class StyleOptions:
    """The styles that a request names, and how to apply them.

    Attributes:
        images: Encoded image files.
        masks: Encoded gray images, one for each style, or none.
        settings: How the styles are applied.
        dataset_id: The id or name of a dataset whose pictures are the styles instead.
        positions: Positions of its pictures to paint in, from 0; empty for all.
        stroke_map: An encoded gray image of stroke sizes, or None.
    """

    images: Sequence[bytes] = ()
    masks: Sequence[bytes] = ()
    settings: StyleSettings = field(default_factory=StyleSettings)
    dataset_id: str | None = None
    positions: Sequence[int] = ()
    stroke_map: bytes | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the request says nothing about styles; a seed may mean a support."""
        plain = replace(self.settings, seed=0) == StyleSettings()
        files = (self.images, self.masks, self.positions, self.stroke_map)
        return plain and not any(files) and self.dataset_id is None


@dataclass(frozen=True)
class ChosenStyles:
    """The styles of a request in order, not all of them read yet."""

    styles: Sequence[bytes | ImageLocation]
    masks: Sequence[bytes]
    settings: StyleSettings
    stroke_map: bytes | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of styles, masks and stroke map together."""
        styles = [
            len(style) if isinstance(style, bytes) else style.image.length for style in self.styles
        ]
        return sum(styles) + sum(map(len, self.masks)) + len(self.stroke_map or b"")

    def read(self, blobs: VerifiedStore) -> Stylization:
        """The styles as a worker takes them. Raises BlobDamagedError."""
        styles = [
            style if isinstance(style, bytes) else style.read(blobs) for style in self.styles
        ]
        return Stylization(tuple(styles), tuple(self.masks), self.settings, self.stroke_map)


def styles_for(
    session: Session,
    *,
    model: ModelRecord,
    options: StyleOptions,
    contents: int,
    output: OutputKind | None,
) -> ChosenStyles | None:
    """The styles that a stylizer paints in; None for another network, or for its features.

    Raises:
        InvalidRequestError: ``styles_not_taken``, ``styles_missing``, ``styles_ambiguous``,
            ``too_many_styles``, ``masks_mismatch`` or another fault of the styles.
        NotFoundError: The dataset of styles does not exist.
        ConflictError: It is not ready.
    """
    if not model.is_stylizer:
        _require_none(model, options)
        return None
    if output is OutputKind.CLASSES:
        raise invalid_value(
            "/output",
            f"{model.id} is a stylizer and has no classes",
            code="output_not_supported",
            remedy="request the output image with styles, or features; a classifier has classes",
        )
    if output is OutputKind.FEATURES:
        _require_none_for_features(options)
        return None
    _require_one_source(model, options)
    chosen = ChosenStyles(
        _styles_of(session, model, options), options.masks, options.settings, options.stroke_map
    )
    _require_countable(chosen)
    _require_matching(chosen)
    per_content = pictures_per_content(len(chosen.styles), len(chosen.masks), chosen.settings)
    if contents * per_content > MOST_IMAGES:
        raise invalid_value(
            "/images",
            f"{contents} images in {len(chosen.styles)} styles are more than {MOST_IMAGES} pictures",
            code="too_many_pictures",
            remedy="send fewer images or styles at once",
        )
    return chosen


def _require_none(model: ModelRecord, options: StyleOptions) -> None:
    if not options.is_empty:
        raise invalid_value(
            "/styles",
            f"{model.id} is no stylizer and takes no styles",
            code="styles_not_taken",
            remedy="use a model that dynamic_instance_normalization made, or omit the styles",
        )


def _require_none_for_features(options: StyleOptions) -> None:
    if not options.is_empty:
        raise invalid_value(
            "/styles",
            "styles paint pictures, and the request asks for features",
            code="styles_not_taken",
            remedy="omit the styles, or request the output image",
        )


def _require_one_source(model: ModelRecord, options: StyleOptions) -> None:
    """Accept styles that were sent, or those of a dataset."""
    if options.dataset_id is not None and options.images:
        raise invalid_value(
            "/style_dataset",
            "the request has both styles and a dataset of styles",
            code="styles_ambiguous",
            remedy=_TWO_WAYS,
        )
    if options.dataset_id is None and options.positions:
        raise invalid_value(
            "/style_images",
            "the request chooses pictures of a dataset and names none",
            code="styles_missing",
            remedy="name the `style_dataset` that the pictures are in",
        )
    if options.dataset_id is None and not options.images:
        raise invalid_value(
            "/styles",
            f"{model.id} is a stylizer, and the request has no styles",
            code="styles_missing",
            remedy=_TWO_WAYS,
        )


def _styles_of(
    session: Session, model: ModelRecord, options: StyleOptions
) -> Sequence[bytes | ImageLocation]:
    """The styles that were sent, or the chosen pictures of a dataset of the model's project."""
    if options.dataset_id is None:
        return options.images
    with error_pointer("/style_dataset"):
        row_id = names.id_of(
            session, DatasetRecord, project=model.project, reference=options.dataset_id
        )
        dataset = owned_rows.get_ready(session, DatasetRecord, project=model.project, id=row_id)
    positions = list(options.positions) or list(range(dataset.images or 0))
    if len(positions) > MOST_STYLES:
        raise _too_many(len(positions), "choose fewer pictures of the dataset with `style_images`")
    query = select(ImageRecord).where(
        ImageRecord.dataset_id == dataset.id, ImageRecord.position.in_(positions)
    )
    rows = {row.position: row for row in session.scalars(query)}
    missing = [position for position in positions if position not in rows]
    if missing:
        raise invalid_value(
            "/style_images",
            f"{dataset.id} has no picture {missing[0]}; it has {dataset.images}",
            code="unknown_image",
            remedy=f"choose positions from 0 to {(dataset.images or 0) - 1}",
        )
    return [
        ImageLocation.of(rows[position], dataset.packed_sha256 or "") for position in positions
    ]


def _require_countable(chosen: ChosenStyles) -> None:
    """Accept at most 16 styles."""
    if len(chosen.styles) > MOST_STYLES:
        raise _too_many(len(chosen.styles), "send fewer styles at once")


def _too_many(count: int, remedy: str) -> InvalidRequestError:
    return invalid_value(
        "/styles",
        f"the request has {count} styles; the limit is {MOST_STYLES}",
        code="too_many_styles",
        remedy=remedy,
    )


def _require_matching(chosen: ChosenStyles) -> None:
    """Accept as many masks or weights as styles, but not both, and weights that add up.

    Neither goes with a sheet.
    """
    count, weights = len(chosen.styles), chosen.settings.weights
    if chosen.settings.sheet and (chosen.masks or weights is not None):
        raise invalid_value(
            "/sheet",
            "a sheet shows every style by itself, and the request mixes them",
            code="sheet_of_mixture",
            remedy="omit the weights and masks, or the sheet",
        )
    if chosen.masks and len(chosen.masks) != count:
        raise invalid_value(
            "/masks",
            f"the request has {len(chosen.masks)} masks for {count} styles",
            code="masks_mismatch",
            remedy="send one mask for each style, in their order, or none",
        )
    if weights is None:
        return
    if chosen.masks:
        raise invalid_value(
            "/style_weights",
            "the request has both masks and weights",
            code="masks_and_weights",
            remedy="make the masks darker instead of setting weights",
        )
    if len(weights) != count:
        raise invalid_value(
            "/style_weights",
            f"the request has {len(weights)} weights for {count} styles",
            code="style_weights_mismatch",
            remedy="set one weight for each style, in their order",
        )
    if not sum(weights) > 0:
        raise invalid_value(
            "/style_weights",
            "all weights are 0",
            code="style_weights_zero",
            remedy="set at least one weight above 0",
        )
