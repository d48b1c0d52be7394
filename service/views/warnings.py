"""The wire shape of warnings."""

from pydantic import BaseModel


class AnswerWarningView(BaseModel):
    """Why an answer is worth less than it looks, and what to do about it."""

    code: str
    detail: str
    remedy: str
