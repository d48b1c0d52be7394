"""Spec of ``speech_recognizer``: sound of clips to text."""

from service.core.catalog.method_spec import Audience, Family, JobLane, MethodKind, MethodSpec
from service.core.catalog.speech_training import ClipsOnly, SpeechTrainingConfig
from service.core.manifest import DatasetKind


class SpeechRecognizerParams(SpeechTrainingConfig):
    """The recognizer and its optimizer."""


SPEC = MethodSpec(
    name="speech_recognizer",
    title="A recognizer that turns the sound of clips into text",
    family=Family.TRAINING,
    kind=MethodKind.READER_TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Chan et al. 2016, arXiv 1508.01211; Zhao et al. 2020, arXiv 1911.11502",
    inputs=ClipsOnly,
    params=SpeechRecognizerParams,
    result="a reader of clips, with report and learning curve",
    lane=JobLane.LONG,
    dataset_kinds=frozenset({DatasetKind.CLIPS}),
    time_limit_seconds=None,
)
