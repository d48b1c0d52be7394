"""The shape of every list, and of every request for one."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from service.core.paging import DEFAULT_PAGE, LARGEST_PAGE, Page, PageTokens

R = TypeVar("R")
T = TypeVar("T")
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class RecordView(BaseModel):
    """A view whose fields have the names of the record's attributes."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, record: Any) -> Self:
        """The view of a record."""
        return cls.model_validate(record)


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(frozen=True)

    page_size: int = Field(
        DEFAULT_PAGE, ge=1, le=LARGEST_PAGE, description="Maximum number of items in the page."
    )
    page_token: str | None = Field(
        None, max_length=400, description="`next_page_token` of the previous page."
    )


class ListView(BaseModel, Generic[T]):
    """One page: the items, and the token of the next page if there is one."""

    items: list[T]
    next_page_token: str | None = None


def list_view(
    read: Callable[..., Page[R]],
    view: Callable[[R], T],
    query: PageQuery,
    *,
    tokens: PageTokens,
    scope: Any,
) -> ListView[T]:
    """The page of a list that a query asks for.

    Args:
        read: Reads at most ``limit`` records ``after`` an id; after None the first ones.
        view: Makes the view of a record.
        query: The size of the page, and its token.
        tokens: Reads and makes page tokens.
        scope: Everything that decides the list: project, noun, filters. JSON values.
    """
    after = tokens.read(query.page_token, scope=scope)
    page = read(after=after, limit=query.page_size)
    items = [view(record) for record in page.items]
    return ListView(items=items, next_page_token=tokens.make(page.next_after, scope=scope))
