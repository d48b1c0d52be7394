"""What trainings on spoken clips share: sizes of readers, features and the order of clips."""

from pydantic import Field

from service.core.catalog.method_spec import JobInputs
from service.core.catalog.training import Budget, TrainingConfig
from service.core.ids import DatasetId


class ClipsOnly(JobInputs):
    """Clips to learn from, and clips to evaluate on."""

    dataset_id: DatasetId
    """The clips to learn from, with their transcripts."""
    eval_dataset_id: DatasetId | None = None
    """Clips to evaluate on; None holds out a share of the sentences of ``dataset_id``."""


class SpeechTrainingConfig(TrainingConfig):
    """Settings of a training that makes a reader of clips."""

    budget: Budget = Budget(steps=2000)
    """Length of the training."""
    batch_size: int = Field(32, ge=8, le=1024)
    """Number of clips per step."""
    validation_fraction: float = Field(0.2, gt=0, lt=1)
    """Share of the sentences held out if there is no ``eval_dataset_id``."""
    learning_rate: float = Field(3e-3, gt=0, le=1)
    """Peak learning rate of Adam, after warm-up and before cosine decay."""
    width: int = Field(80, ge=4, le=512)
    """Cells of an encoder per direction; its decoder has twice as many."""
    layers: int = Field(1, ge=1, le=4)
    """Layers of encoders and decoders."""
    dropout: float = Field(0.3, ge=0, lt=1)
    """Share of values that training sets to 0."""
    curriculum_fraction: float = Field(0.2, ge=0, le=1)
    """Share of the training after which clips of all lengths are drawn; 0 draws them at once."""
    shortest_fraction: float = Field(0.35, gt=0, le=1)
    """Share of the clips, the shortest, with which the training begins."""
    sampling: float = Field(0.2, ge=0, le=1)
    """Share of previous tokens that are the reader's own, reached after 60 % of the training."""


class LipTrainingConfig(SpeechTrainingConfig):
    """Settings of a training that reads lips."""

    frame_rate: float = Field(25.0, ge=5, le=100)
    """Frames per second at which the pictures are read, by their time stamps."""
    components: int = Field(40, ge=2, le=256)
    """Principal components of a crop."""
