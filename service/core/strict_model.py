"""Models of requests that explain the fields that they refuse."""

from types import NoneType, UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from service.core.spelling import suggestion

_UNKNOWN = "extra_forbidden"
# A suggestion costs time; nobody reads more of them.
_MOST_SUGGESTIONS = 20


class StrictModel(BaseModel):
    """A model whose errors for unknown fields say which field may have been meant.

    A subclass sets ``extra="forbid"``.
    """

    @field_validator("*", mode="before")
    @classmethod
    def _keep_truth_apart(cls, value: Any, info: ValidationInfo) -> Any:
        """``true`` is no number, although Python counts it as 1."""
        if isinstance(value, bool) and _is_number(
            cls.model_fields[info.field_name or ""].annotation
        ):
            raise ValueError("a number is needed, not true or false")
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _explain_unknown_fields(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            raise _explained(error, cls) from None


def _is_number(annotation: Any) -> bool:
    """Whether a field takes numbers, or nothing else but null."""
    if get_origin(annotation) is Annotated:
        return _is_number(get_args(annotation)[0])
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    kinds = [get_args(part)[0] if get_origin(part) is Annotated else part for part in parts]
    return set(kinds) <= {int, float, NoneType} and kinds != [NoneType]


def _explained(error: ValidationError, model: type[BaseModel]) -> ValidationError:
    """The same error, with a suggestion for each unknown field of ``model`` itself."""
    findings = error.errors(include_url=False, include_context=False)
    unknown = [item for item in findings if item["type"] == _UNKNOWN and len(item["loc"]) == 1]
    if not unknown:
        return error
    reasons = {item["loc"]: "unknown field" for item in unknown}
    for item in unknown[:_MOST_SUGGESTIONS]:
        hint = suggestion(str(item["loc"][0]), model.model_fields, kind="fields")
        reasons[item["loc"]] = f"unknown field; {hint}"
    details = [
        InitErrorDetails(
            type=PydanticCustomError(item["type"], reasons.get(item["loc"], item["msg"])),
            loc=item["loc"],
            input=item["input"],
        )
        for item in findings
    ]
    return ValidationError.from_exception_data(error.title, details)
