"""Somebody at the page: a browser context, what it sends, what is refused, and what it logs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.rest.fuzz.seeds import SeededZoo
from tests.waiting import HANG_SECONDS

# The page asks whether something is measured; no is an answer.
_NOT_THERE = 404
# The browser itself logs every status above 399 and every lost connection; the page shows them.
_OF_THE_NETWORK = "Failed to load resource"
_POLICY_LISTENER = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`));
"""


def new_context(browser: Any, **look: Any) -> Any:
    """A context of the browser that waits as all tests do; Playwright itself gives up earlier."""
    context = browser.new_context(**look)
    context.set_default_timeout(1000 * HANG_SECONDS)
    return context


@dataclass
class Visitor:
    """A signed-in browser with one tab."""

    context: Any
    page: Any
    url: str
    mistakes: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)

    @classmethod
    def arriving(
        cls, browser: Any, zoo: SeededZoo, token: str, look: Mapping[str, Any]
    ) -> "Visitor":
        """A visitor with a session of this key; ``look`` is width, theme and the like."""
        context = new_context(browser, **look)
        context.add_init_script(_POLICY_LISTENER)
        answer = context.request.post(
            f"{zoo.url}/v1/sessions", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status == 201, answer.text()
        visitor = cls(context, context.new_page(), zoo.url)
        visitor._watch()
        return visitor

    def go(self, path: str) -> None:
        """Open a view and wait for its heading."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.url}/#/{path}")
        self.page.locator("h1").first.wait_for()

    def sees(self, text: str) -> None:
        """Wait until a text is on the screen, whatever hidden parts say before it."""
        self.page.get_by_text(text).filter(visible=True).first.wait_for()

    def _watch(self) -> None:
        self.page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        self.page.on("console", self._note_message)
        self.page.on("request", self._note_request)
        self.page.on("response", self._note_response)

    def _note_message(self, message: Any) -> None:
        if message.type == "error" and _OF_THE_NETWORK not in message.text:
            self.mistakes.append(message.text)

    def _note_request(self, request: Any) -> None:
        if request.method != "GET" and not request.url.endswith(":estimate"):
            self.writes.append(f"{request.method} {request.url}")

    def _note_response(self, response: Any) -> None:
        if 400 <= response.status < 500 and response.status != _NOT_THERE:
            path = response.url.removeprefix(self.url)
            self.refusals.append(f"{response.status} {response.request.method} {path}")
