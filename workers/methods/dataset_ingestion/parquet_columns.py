"""Which columns of a Parquet file hold the images and the labels, and the names of the classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.core.errors import ZooError
from service.core.file_names import normalized
from service.core.manifest import DatasetManifest
from service.core.strict_json import long_lists, parse_json
from workers.methods.dataset_ingestion.entries import refused
from workers.methods.dataset_ingestion.label_columns import (
    ambiguous_columns,
    label_column,
    require_column,
)

_METADATA = long_lists(4 * 1024**2)
_IMAGE_COLUMNS = (
    "image", "img", "jpg", "jpeg", "png", "webp", "bytes", "pixel_values", "picture", "photo",
)  # fmt: skip
_LAYOUT = "use a column `image` of {bytes, path} or of bytes, or set `image_column`"


@dataclass(frozen=True)
class ParquetColumns:
    """The columns of images and labels, and the classes that integers count into."""

    image: str
    label: str | None
    classes: tuple[str, ...] | None


def columns_of(schema: Any, manifest: DatasetManifest) -> ParquetColumns:
    """The columns by the manifest, else by the types that the file states, else by usual names.

    Raises:
        RefusedUploadError: ``no_images``, ``unknown_column``, or ``ambiguous_labels`` or
            ``ambiguous_images``: several columns could be meant.
    """
    features = _features(schema)
    image = _image_column(schema, features, manifest.image_column)
    others = [name for name in schema.names if name != image]
    label = label_column(others, wanted=manifest.label_column)
    if label is None:
        described = [name for name in others if _class_names(features.get(name)) is not None]
        if len(described) > 1:
            raise ambiguous_columns(described, file="the file")
        label = next(iter(described), None)
    classes = None if label is None else _class_names(features.get(label))
    return ParquetColumns(image, label, classes or _classes_of_integers(manifest))


def _features(schema: Any) -> Mapping[str, Any]:
    """The column types that the library `datasets` wrote into the file, if any."""
    try:
        info = parse_json((schema.metadata or {}).get(b"huggingface", b"{}"), _METADATA)
        features = info["info"]["features"]
    except (ZooError, KeyError, TypeError):
        return {}
    return features if isinstance(features, dict) else {}


def _class_names(feature: Any) -> tuple[str, ...] | None:
    """The names of a ClassLabel, also inside of a list."""
    if isinstance(feature, list) and len(feature) == 1:
        return _class_names(feature[0])
    if not isinstance(feature, dict):
        return None
    names = feature.get("names")
    if isinstance(names, list):
        return tuple(normalized(str(name)) for name in names)
    return _class_names(feature.get("feature"))


def _classes_of_integers(manifest: DatasetManifest) -> tuple[str, ...] | None:
    """The manifest's labels, unless they are the integers themselves."""
    labels = manifest.labels
    return None if labels is None or all(label.isdecimal() for label in labels) else labels


def _image_column(schema: Any, features: Mapping[str, Any], wanted: str | None) -> str:
    """The column of encoded images."""
    if wanted is not None:
        require_column(schema.names, wanted, file="", option="image_column")
        named = [wanted]
    else:
        stated = [
            name
            for name, feature in features.items()
            if isinstance(feature, dict)
            and feature.get("_type") == "Image"
            and name in schema.names
        ]
        usual = [name for name in _IMAGE_COLUMNS if name in schema.names]
        named = stated if len(stated) == 1 else usual[:1] or columns_of_bytes(schema)
    if len(named) != 1:
        raise refused(
            "ambiguous_images" if named else "no_images",
            f"no single column of images among {', '.join(schema.names[:20])}",
            _LAYOUT,
        )
    if named[0] not in columns_of_bytes(schema):
        raise refused(
            "no_images",
            f"the column {named[0]} holds {schema.field(named[0]).type}, and no encoded images",
            _LAYOUT,
        )
    return named[0]


def columns_of_bytes(schema: Any) -> list[str]:
    """The columns of bytes, or of records with ``bytes``."""
    from pyarrow import types

    def is_bytes(kind: Any) -> bool:
        if types.is_dictionary(kind):
            return is_bytes(kind.value_type)
        return bool(
            types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)
        )

    def is_record(kind: Any) -> bool:
        if not types.is_struct(kind):
            return False
        index = kind.get_field_index("bytes")
        return index >= 0 and (is_bytes(kind[index].type) or types.is_null(kind[index].type))

    return [field.name for field in schema if is_bytes(field.type) or is_record(field.type)]
