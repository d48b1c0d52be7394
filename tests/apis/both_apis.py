"""Both APIs of one zoo, and answers that are the same over both."""

from typing import Any

from service.container import Zoo
from tests.apis.scenario import Api

# What differs by nature: two uploads are two models.
_OWN = frozenset({"id", "version", "job_id", "created_at", "etag", "at", "finished_at", "data"})


class Apis:
    """Both APIs of one zoo."""

    def __init__(self, zoo: Zoo, rest: Api, rpc: Api) -> None:
        self.zoo = zoo
        self.both = (rest, rpc)

    def agree(self, ask: Any) -> Any:
        """The answer to a question, which both APIs give."""
        rest, rpc = (ask(api) for api in self.both)
        assert rest == rpc
        return rest

    def alike(self, act: Any) -> tuple[Any, Any]:
        """The answers to an act that makes a new thing over each API: equal but for identity."""
        rest, rpc = (act(api) for api in self.both)
        assert _anonymous(rest) == _anonymous(rpc)
        return rest, rpc


def _anonymous(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {k: _anonymous(v) for k, v in answer.items() if k not in _OWN}
    return [_anonymous(item) for item in answer] if isinstance(answer, list) else answer
