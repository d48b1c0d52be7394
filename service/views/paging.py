"""The shape of every list, and of every request for one."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, Field

from service.core.manifest import Strict
from service.core.paging import DEFAULT_PAGE, LARGEST_PAGE, Page, PageTokens

R = TypeVar("R")
T = TypeVar("T")
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class PageQuery(Strict):
    """Which page of a list."""

    page_size: int = Field(DEFAULT_PAGE, ge=1, le=LARGEST_PAGE)
    page_token: str | None = Field(None, max_length=400)


class ListView(BaseModel, Generic[T]):
    """One page: the items, and the token of the next page if there is one."""

    items: list[T]
    next_page_token: str | None = None


def list_view(
    read: Callable[[str | None], Page[R]],
    view: Callable[[R], T],
    *,
    tokens: PageTokens,
    token: str | None,
    scope: Any,
) -> ListView[T]:
    """The page of a list that a token names.

    Args:
        read: Reads the page after an id; after None the first one.
        view: Makes the view of a record.
        tokens: Reads and makes page tokens.
        token: The token of the request.
        scope: Everything that decides the list: project, noun, filters. JSON values.
    """
    page = read(tokens.read(token, scope=scope))
    items = [view(record) for record in page.items]
    return ListView(items=items, next_page_token=tokens.make(page.next_after, scope=scope))
