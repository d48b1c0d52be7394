"""The shape of every list, and of every request for one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from service.core.operations.lists import FacetCounts
from service.core.paging import DEFAULT_PAGE, LARGEST_PAGE, Page, PageTokens

R = TypeVar("R")
T = TypeVar("T", bound=BaseModel)
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


# A token holds the last value of the sorted column, such as a name of 200 characters.
_LONGEST_TOKEN = 2000
# A client of gRPC takes messages of four mebibytes.
_MOST_BYTES = 3 * 1024**2


class RecordView(BaseModel):
    """A view whose fields have the names of the record's attributes."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, record: Any) -> Self:
        """The view of a record."""
        return cls.model_validate(record)


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page_size: int = Field(
        DEFAULT_PAGE, ge=1, le=LARGEST_PAGE, description="Maximum number of items in the page."
    )
    page_token: str | None = Field(
        None, max_length=_LONGEST_TOKEN, description="`next_page_token` of the previous page."
    )


class ListView(BaseModel, Generic[T]):
    """One page: the items, and the token of the next page if there is one."""

    items: list[T]
    next_page_token: str | None = None


SORT_DESCRIPTION = "Field that orders the list; `-` puts the largest or newest first."
Include = Literal["total", "facets"]


class CountedQuery(PageQuery):
    """Which page of a list that can be searched and counted."""

    q: Words | None = Field(None, description="Words that every item contains, in any case.")
    include: tuple[Include, ...] = Field(
        (), max_length=2, description="`total`, `facets` or both: what to count."
    )


class FacetValueView(BaseModel):
    """A value of a facet, and the number of items that have it."""

    value: str
    count: int


class FacetView(BaseModel):
    """The most frequent values of a filter; they ignore that filter, but no other one."""

    name: str
    values: list[FacetValueView]


class CountedListView(ListView[T], Generic[T]):
    """One page, with the number of all items and their facets if the query includes them."""

    total: int | None = None
    facets: list[FacetView] | None = None


@dataclass(frozen=True)
class ListCounters:
    """How the items that match a query are counted."""

    total: Callable[[], int]
    facets: Callable[[], list[FacetCounts]]


def counted_list_view(
    page: ListView[T], query: CountedQuery, counts: ListCounters
) -> CountedListView[T]:
    """The page with the counts that a query includes."""
    return CountedListView(
        items=page.items,
        next_page_token=page.next_page_token,
        total=counts.total() if "total" in query.include else None,
        facets=[_facet(facet) for facet in counts.facets()] if "facets" in query.include else None,
    )


def _facet(facet: FacetCounts) -> FacetView:
    values = [FacetValueView(value=value, count=count) for value, count in facet.values]
    return FacetView(name=facet.name, values=values)


def list_view(
    read: Callable[..., Page[R]],
    view: Callable[[R], T],
    query: PageQuery,
    *,
    tokens: PageTokens,
    scope: Any,
) -> ListView[T]:
    """The page of a list that a query asks for, shortened to about three mebibytes.

    Args:
        read: Reads at most ``limit`` records ``after`` an id; after None the first ones.
        view: Makes the view of a record.
        query: The size of the page, and its token.
        tokens: Reads and makes page tokens.
        scope: Everything that decides the list: project, noun, filters. JSON values.
    """
    after = tokens.read(query.page_token, scope=scope)
    page = read(after=after, limit=query.page_size)
    items: list[T] = []
    size = 0
    for item in map(view, page.items):
        size += len(item.model_dump_json())
        # The first item is shown whatever its size, so that every page advances.
        if items and size > _MOST_BYTES:
            break
        items.append(item)
    after = page.next_after(len(items))
    return ListView(items=items, next_page_token=tokens.make(after, scope=scope))
