"""The shape of every list."""

from typing import Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class ListView(BaseModel, Generic[T]):
    """One page: the items, and the token of the next page if there is one."""

    items: list[T]
    next_page_token: str | None = None
