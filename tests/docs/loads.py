"""What a page makes a browser load, and which of it comes from another host."""

import re
from html.parser import HTMLParser

_LOADING = {"src", "srcset", "poster", "data"}
_LINKS_THAT_LOAD = {"stylesheet", "icon", "shortcut", "preload", "prefetch", "modulepreload"}
_IN_STYLE_SHEETS = re.compile(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""")
_ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//|^(?:https?|wss?|ftp):", re.IGNORECASE)
_INLINE_EVENT = re.compile(r"^on[a-z]+$")


class PageLoads(HTMLParser):
    """The addresses a page loads, its links, and what of it is script or style in the page itself."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.loads += [values[name] for name in _LOADING & values.keys()]
        relations = set(values.get("rel", "").lower().split())
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif "href" in values and (tag != "link" or relations & _LINKS_THAT_LOAD):
            self.loads.append(values["href"])
        if tag == "style" or (tag == "script" and "src" not in values):
            self.inline.append(f"<{tag}>")
        self.inline += [name for name in values if name == "style" or _INLINE_EVENT.match(name)]
        self.loads += loads_of_css(values.get("style", ""))


def loads_of_css(css: str) -> list[str]:
    """The addresses that a style sheet loads."""
    return [url or imported for url, imported in _IN_STYLE_SHEETS.findall(css)]


def elsewhere(addresses: list[str]) -> list[str]:
    """Those that leave the host of the page."""
    return [address for address in addresses if _ELSEWHERE.match(address.strip())]
