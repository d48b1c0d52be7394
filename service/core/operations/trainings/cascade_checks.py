"""Checks that refuse a cascade before it is queued: its clips, and the first stage that it shares."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from service.core.catalog import JobInputs, Params
from service.core.catalog.cascade_seq2seq import (
    CascadeSeq2SeqParams,
    CascadeStage,
    ClipsAndFirstStage,
)
from service.core.catalog.training import fewest_steps
from service.core.counts import counted
from service.core.errors import InvalidRequestError
from service.core.operations import owned_rows
from service.core.operations.error_pointers import error_pointer, invalid_value
from service.core.tables import ClipRecord, ModelRecord

LARGEST_UNKNOWN_SHARE = 0.2
_DATASET, _FIRST_STAGE = "/inputs/dataset_id", "/inputs/first_stage"


def require_valid_cascade(
    session: Session, *, project: str, inputs: JobInputs, params: Params
) -> None:
    """Accept a cascade whose clips have pinyin and whose first stage fits, and every other method.

    Raises:
        InvalidRequestError: ``no_chinese_text``; ``too_few_clips``; ``budget_too_short``; ``not_a_cascade``;
            ``other_first_stage``; ``vocabulary_mismatch``.
        ConflictError: The cascade is not ready.
    """
    if not (isinstance(inputs, ClipsAndFirstStage) and isinstance(params, CascadeSeq2SeqParams)):
        return
    _require_chinese(session, inputs.dataset_id, params)
    _require_steps(params, params.stages[0 if inputs.first_stage is None else 1 :])
    if inputs.eval_dataset_id is not None:
        _require_chinese_evaluation(session, inputs.eval_dataset_id)
    if inputs.first_stage is not None:
        with error_pointer(_FIRST_STAGE):
            model = owned_rows.get_ready_reader(session, project=project, id=inputs.first_stage)
        _require_same_first_stage(model, params)
        _require_known_syllables(session, inputs.dataset_id, model)


def _require_steps(params: CascadeSeq2SeqParams, stages: Sequence[CascadeStage]) -> None:
    """Accept a budget that lets every phase take a step. Raises InvalidRequestError."""
    shares = params.phase_shares(stages=stages)
    if params.budget.steps is not None and shares:
        fewest = fewest_steps(shares)
        if params.budget.steps < fewest:
            raise invalid_value(
                "/budget",
                f"{counted(params.budget.steps, 'step')} cannot fill the {len(shares)} phases of"
                " this cascade",
                code="budget_too_short",
                remedy=f"set a budget of at least {fewest} steps, or one in seconds",
            )


def _of_one_syllable_per_character() -> ColumnElement[bool]:
    """Whether a clip has a syllable for every character of its transcript."""
    return func.cardinality(ClipRecord.pinyin) == func.char_length(ClipRecord.transcript)


def _fitting_clips(session: Session, dataset_id: str) -> int:
    """Number of clips with one syllable per character."""
    query = select(func.count()).where(
        ClipRecord.dataset_id == dataset_id, _of_one_syllable_per_character()
    )
    return session.scalar(query) or 0


def _require_chinese(session: Session, dataset_id: str, params: CascadeSeq2SeqParams) -> None:
    fitting = _fitting_clips(session, dataset_id)
    if fitting == 0:
        raise _no_chinese_text(_DATASET, dataset_id)
    if CascadeStage.PINYIN in params.stages and fitting < params.batch_size:
        raise invalid_value(
            "/params/batch_size",
            f"{counted(fitting, 'clip')} of {dataset_id} with one syllable per character are fewer"
            f" than the {params.batch_size} of a batch",
            code="too_few_clips",
            remedy="bring more clips in Chinese characters alone, or with a column `pinyin`;"
            " or set a smaller batch_size, which is at least 8",
        )


def _require_chinese_evaluation(session: Session, dataset_id: str) -> None:
    if _fitting_clips(session, dataset_id) == 0:
        raise _no_chinese_text("/inputs/eval_dataset_id", dataset_id)


def _no_chinese_text(pointer: str, dataset_id: str) -> InvalidRequestError:
    return invalid_value(
        pointer,
        f"no clip of {dataset_id} has a transcript in Chinese characters with pinyin",
        code="no_chinese_text",
        remedy="choose clips whose transcripts are Chinese characters, or that have a column"
        " `pinyin`; speech_recognizer and lip_by_speech take any script",
    )


def _require_same_first_stage(model: ModelRecord, params: CascadeSeq2SeqParams) -> None:
    if not model.is_cascade:
        raise invalid_value(
            _FIRST_STAGE,
            f"{model.id} is no cascade",
            code="not_a_cascade",
            remedy="choose a model that cascade_seq2seq made",
        )
    if len(params.stages) == 1:
        raise invalid_value(
            _FIRST_STAGE,
            "a cascade of one stage has no stage to train after the first",
            code="other_first_stage",
            remedy="leave first_stage out, or add stages",
        )
    differences = list(_differences(model, params))
    if differences:
        raise invalid_value(
            _FIRST_STAGE,
            f"{model.id} and this cascade differ: {'; '.join(text for text, _ in differences)}",
            code="other_first_stage",
            remedy=f"set {', '.join(setting for _, setting in differences)}, or train a new first"
            " stage",
        )


def _differences(model: ModelRecord, params: CascadeSeq2SeqParams) -> Iterator[tuple[str, str]]:
    """What a first stage has otherwise, and the setting that would fit it."""
    head = model.manifest["reader"]
    first, size, features = head["stages"][0]["stage"], head["size"], head["features"]
    if first != params.stages[0]:
        fitting = f"first_stage to a cascade that begins with {params.stages[0]}"
        yield f"its first stage is {first}, not {params.stages[0]}", fitting
    for name, value, wanted in (
        ("width", size["width"], params.width),
        ("layers", size["layers"], params.layers),
        ("frame_rate", features["rate"], params.frame_rate),
        ("components", features["components"], params.components),
    ):
        if value != wanted:
            yield f"its {name} is {value:g}, not {wanted:g}", f"{name} to {value:g}"


def _require_known_syllables(session: Session, dataset_id: str, model: ModelRecord) -> None:
    """Raises InvalidRequestError: ``vocabulary_mismatch``: too many syllables are unknown."""
    vocabulary = model.manifest["reader"]["stages"][0]["vocabulary"]
    spoken = (
        select(func.rtrim(func.unnest(ClipRecord.pinyin), "12345").label("syllable"))
        .where(ClipRecord.dataset_id == dataset_id, _of_one_syllable_per_character())
        .subquery()
    )
    query = select(spoken.c.syllable, func.count()).group_by(spoken.c.syllable)
    counts = session.execute(query).all()
    unknown = {syllable: count for syllable, count in counts if syllable not in vocabulary}
    share = sum(unknown.values()) / max(1, sum(count for _, count in counts))
    if share > LARGEST_UNKNOWN_SHARE:
        raise invalid_value(
            _FIRST_STAGE,
            f"{model.id} has never learned {share:.0%} of the syllables of {dataset_id}, such as"
            f" {', '.join(sorted(unknown)[:5])}",
            code="vocabulary_mismatch",
            remedy="choose a cascade that learned from clips like these, or train a new first"
            " stage",
        )
