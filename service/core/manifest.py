"""Manifests: a user's description of an uploaded model or dataset."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
ShortText = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Tag = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w][\w .:/+-]*$")]


class Strict(BaseModel):
    """A model that rejects unknown fields, so that no typing error goes unnoticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TaskKind(StrEnum):
    """The kind of task a network was trained for."""

    CLASSIFICATION = "classification"
    MULTI_LABEL = "multi_label"
    SEGMENTATION = "segmentation"
    DETECTION = "detection"
    REGRESSION = "regression"
    AUTOENCODING = "autoencoding"
    DENOISING = "denoising"
    EDGES = "edges"
    DEPTH = "depth"
    EMBEDDING = "embedding"
    RECOGNITION = "recognition"
    OTHER = "other"


class Task(Strict):
    """The kind of task and a free description."""

    kind: TaskKind = TaskKind.OTHER
    text: ShortText = ""


class ChannelOrder(StrEnum):
    """Order of the color channels that the network was trained on."""

    RGB = "RGB"
    BGR = "BGR"


class InputSpec(Strict):
    """How a canonical RGB square in [0, 1] becomes the network's input.

    input = (low + (high - low) * x - mean) / std per channel, with ``range`` = (low, high).
    One channel means ITU-R 601 luma; BGR reverses the channels before normalization, so ``mean``
    and ``std`` are in the network's own channel order.
    """

    channels: Literal[1, 3] = 3
    height: int = Field(ge=4, le=4096)
    width: int = Field(ge=4, le=4096)
    range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    channel_order: ChannelOrder = ChannelOrder.RGB

    @model_validator(mode="before")
    @classmethod
    def _repeat_scalars(cls, data: Any) -> Any:
        """One value for mean or std stands for every channel."""
        if not isinstance(data, dict):
            return data
        channels = data.get("channels", 3)
        repeated = dict(data)
        for key, neutral in (("mean", 0.0), ("std", 1.0)):
            value = data.get(key, neutral)
            values = list(value) if isinstance(value, list | tuple) else [value]
            repeated[key] = (
                values * channels if len(values) == 1 and channels in (1, 3) else values
            )
        return repeated

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ValueError(
                f"mean and std need one value, or one for each of {self.channels} channels"
            )
        if any(not s > 0 for s in self.std):
            raise ValueError("every std must be above 0")
        if not self.range[0] < self.range[1]:
            raise ValueError("range must be [low, high] with low below high")
        return self


class ModelFormat(StrEnum):
    """Supported file formats of models; any other file is an error with a remedy."""

    PT2 = "pt2"
    SAFETENSORS = "safetensors"


class Architecture(Strict):
    """A network from a library: its name and the arguments of its constructor."""

    library: Literal["timm", "torchvision"] = "timm"
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]{1,120}$")]
    arguments: dict[
        Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")],
        int | float | bool | str | tuple[int, int],
    ] = Field(default_factory=dict, max_length=20)


class ModelManifest(Strict):
    """A user's description of an uploaded network."""

    name: Name
    format: ModelFormat
    task: Task = Task()
    input: InputSpec
    architecture: Architecture | None = None
    classes: tuple[Line, ...] | None = Field(None, max_length=100_000)
    feature_layer: (
        Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]*$")] | None
    ) = None
    trained_on: ShortText = ""
    license: Line = ""
    tags: tuple[Tag, ...] = Field((), max_length=50)

    @field_validator("task", mode="before")
    @classmethod
    def _kind_alone(cls, value: Any) -> Any:
        """``"classification"`` stands for ``{"kind": "classification"}``."""
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _architecture_goes_with_bare_weights(self) -> Self:
        if self.format is ModelFormat.SAFETENSORS and self.architecture is None:
            raise ValueError(
                "safetensors needs `architecture`: the name of a timm or torchvision network"
            )
        if self.format is ModelFormat.PT2 and self.architecture is not None:
            raise ValueError("a pt2 archive contains its architecture; omit `architecture`")
        return self


class DatasetLayout(StrEnum):
    """How labels are read from the uploaded file."""

    FOLDERS = "folders"
    FLAT = "flat"
    PARQUET = "parquet"


class OnError(StrEnum):
    """What happens if an image of a dataset cannot be read."""

    FAIL = "fail"
    SKIP = "skip"


class DatasetManifest(Strict):
    """A user's description of an uploaded dataset.

    ``labels`` sets the order of the class names; by default they are sorted.
    """

    name: Name
    layout: DatasetLayout = DatasetLayout.FOLDERS
    labels: tuple[Line, ...] | None = Field(None, max_length=100_000)
    on_error: OnError = OnError.FAIL
    license: Line = ""
    tags: tuple[Tag, ...] = Field((), max_length=50)
