"""Manifests: a user's description of an uploaded model or dataset."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from service.core.file_names import normalized
from service.core.ids import DatasetId
from service.core.strict_model import StrictModel

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
ShortText = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Label = Annotated[Line, AfterValidator(normalized)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
OutputName = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]*$")]
Tag = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w][\w .:/+-]*$")]


class Strict(StrictModel):
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
    STYLIZATION = "stylization"
    TRANSCRIPTION = "transcription"
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
    mean: Annotated[tuple[float, ...], Field(fail_fast=True)] = (0.0, 0.0, 0.0)
    std: Annotated[tuple[float, ...], Field(fail_fast=True)] = (1.0, 1.0, 1.0)
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
    ONNX = "onnx"


class Architecture(Strict):
    """A network from a library: its name and the arguments of its constructor."""

    library: Literal["timm", "torchvision"] = "timm"
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]{1,120}$")]
    arguments: dict[
        Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")],
        int | float | bool | str | tuple[int, int],
    ] = Field(default_factory=dict, max_length=20)


class FewShotHead(Strict):
    """How a few-shot learner compares images: its output is features and decoded features.

    Attributes:
        units: Number of features; the output has twice as many values.
        prior: Number of support images that the decoded features count as.
        scale: Factor of squared distances in the softmax.
        outside_distance: Squared distance that 99 of 100 images of a base class stay below.
    """

    units: int = Field(ge=1, le=4096)
    prior: float = Field(ge=0, le=1e6)
    scale: float = Field(gt=0, le=1e6)
    outside_distance: float = Field(ge=0, le=1e18)


class StylizerNetwork(StrEnum):
    """What a style predicts in a stylizer.

    ``din``: kernels of 3 x 3, a grouped pointwise product and biases after instance normalization.
    ``din_k1``: the same with kernels of one tap. ``cin``: only a scale and a bias.
    ``dyn_only``: as ``din``, without the normalization.
    """

    DIN = "din"
    DIN_K1 = "din_k1"
    CIN = "cin"
    DYN_ONLY = "dyn_only"


class StylizerHead(Strict):
    """How a stylizer is built: its layer ``style`` turns a picture into the parameters of a style.

    Attributes:
        width: Channels of the first layer of the content path.
    """

    network: StylizerNetwork
    width: int = Field(ge=4, le=64, multiple_of=4)


class ModelManifest(Strict):
    """A user's description of an uploaded network.

    ``output`` names the output that counts, of a network that returns several.
    """

    name: Name
    format: ModelFormat
    task: Task = Task()
    input: InputSpec
    architecture: Architecture | None = None
    classes: Annotated[tuple[Line, ...], Field(fail_fast=True)] | None = Field(
        None, max_length=100_000
    )
    few_shot: FewShotHead | None = None
    stylizer: StylizerHead | None = None
    feature_layer: (
        Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]*$")] | None
    ) = None
    output: OutputName | None = None
    trained_on: ShortText = ""
    license: Line = ""
    source: Line = ""
    revision: Line = ""
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
        if self.format is not ModelFormat.SAFETENSORS and self.architecture is not None:
            raise ValueError(
                f"a file in the format {self.format} contains its architecture; omit `architecture`"
            )
        return self


class DatasetKind(StrEnum):
    """What a dataset holds."""

    IMAGES = "images"
    CLIPS = "clips"


class ClipCrop(StrEnum):
    """Which part of a clip's frames is read: the lips of a face that is found, a box, or all."""

    FOUND = "found"
    GIVEN = "given"
    FULL = "full"


class DatasetLayout(StrEnum):
    """How labels are read from the uploaded file."""

    FOLDERS = "folders"
    FLAT = "flat"
    PARQUET = "parquet"
    MASKS = "masks"


class OnError(StrEnum):
    """What happens if an image of a dataset cannot be read."""

    FAIL = "fail"
    SKIP = "skip"


class LabelFolder(StrEnum):
    """Which of several levels of folders names the classes."""

    FIRST = "first"
    LAST = "last"
    PATH = "path"


class NameEncoding(StrEnum):
    """Encodings of names in archives that were packed without UTF-8."""

    UTF_8 = "utf-8"
    CP437 = "cp437"
    CP850 = "cp850"
    CP852 = "cp852"
    CP866 = "cp866"
    CP1250 = "cp1250"
    CP1251 = "cp1251"
    CP1252 = "cp1252"
    GBK = "gbk"
    GB18030 = "gb18030"
    BIG5 = "big5"
    SHIFT_JIS = "shift_jis"
    EUC_JP = "euc_jp"
    EUC_KR = "euc_kr"


_OF_IMAGES = ("layout", "labels", "label_folder", "label_column", "image_column")
_OF_CLIPS = ("crop", "crop_box", "transcript_column", "clips_of")
_OF_DECODED_CLIPS = ("crop", "crop_box", "split")


class DatasetManifest(Strict):
    """A user's description of an uploaded dataset.

    ``labels`` sets the order of the class names; by default they are sorted, or in the order that
    the file states. ``split`` names the part to read where the upload has several, such as `train`.
    ``label_folder`` says which level of folders names the classes if several levels vary: the
    `first`, the `last`, or the `path` of all. ``label_column`` and ``image_column`` name columns of
    Parquet files and label files. ``encoding`` is that of names which are not UTF-8; by default it
    is detected.

    ``kind`` says whether the upload holds images or clips with transcripts. Of clips, ``crop`` says
    which part of the frames is read: the lips of the face that is `found`, the `given` ``crop_box``
    (left, top, width, height, in shares of the frame), or the `full` frame; ``transcript_column``
    names a column of CSV, JSONL and Parquet files. With ``clips_of``, the dataset has the clips of that
    one, and the upload holds transcripts, pinyin and speakers for them; ``kind`` is then clips.
    """

    name: Name
    kind: DatasetKind = DatasetKind.IMAGES
    layout: DatasetLayout = DatasetLayout.FOLDERS
    labels: Annotated[tuple[Label, ...], Field(fail_fast=True)] | None = Field(
        None, max_length=100_000
    )
    split: Label | None = None
    label_folder: LabelFolder | None = None
    label_column: Line | None = None
    image_column: Line | None = None
    encoding: NameEncoding | None = None
    crop: ClipCrop = ClipCrop.FOUND
    crop_box: tuple[float, float, float, float] | None = None
    transcript_column: Line | None = None
    clips_of: DatasetId | None = None
    on_error: OnError = OnError.FAIL
    license: Line = ""
    tags: tuple[Tag, ...] = Field((), max_length=50)

    @model_validator(mode="before")
    @classmethod
    def _clips_of_another_are_clips(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("clips_of") is not None:
            return {"kind": DatasetKind.CLIPS.value, **data}
        return data

    @model_validator(mode="after")
    def _fields_fit_the_kind(self) -> Self:
        of_other_kind = _OF_CLIPS if self.kind is DatasetKind.IMAGES else _OF_IMAGES
        for name in of_other_kind:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} has no meaning for {self.kind}; omit it")
        return self

    @model_validator(mode="after")
    def _nothing_is_decoded_again(self) -> Self:
        for name in _OF_DECODED_CLIPS if self.clips_of is not None else ():
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} has no meaning for clips of another dataset; omit it")
        return self

    @model_validator(mode="after")
    def _box_is_given(self) -> Self:
        if (self.crop is ClipCrop.GIVEN) is not (self.crop_box is not None):
            raise ValueError("give crop_box with crop = given, and only then")
        if self.crop_box is not None:
            left, top, width, height = self.crop_box
            if min(self.crop_box) < 0 or not (0 < width <= 1 - left and 0 < height <= 1 - top):
                raise ValueError("crop_box must lie inside the frame: shares from 0 to 1")
        return self
