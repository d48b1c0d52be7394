"""Tables of results: as pandas data frames, and as HTML for notebooks."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from zooscope.client.extras import imported

_MOST_ROWS = 20
_DIGITS = 4

Row = Mapping[str, Any]


def data_frame(rows: Sequence[Row], columns: Sequence[str]) -> Any:
    """A pandas DataFrame with these columns; what a row lacks is empty.

    Raises:
        ZooClientError: ``extra_missing``.
    """
    pandas = imported("pandas", purpose="to_pandas()")
    values = [[row.get(column) for column in columns] for row in rows]
    return pandas.DataFrame(values, columns=list(columns))


def html_table(title: str, rows: Sequence[Row], columns: Sequence[str]) -> str:
    """The first rows as an HTML table under a title, with the number of all rows."""
    shown = rows[:_MOST_ROWS]
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(_text(row.get(column)))}</td>' for column in columns)}</tr>"
        for row in shown
    )
    more = f"<p>{len(rows) - len(shown)} more</p>" if len(rows) > len(shown) else ""
    return (
        f"<p><b>{escape(title)}</b></p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
    )


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.{_DIGITS}f}"
    if isinstance(value, list | tuple):
        return " … ".join(map(_text, value))
    return str(value)
