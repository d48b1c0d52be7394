"""Client of sign-in links and of the answer to who the caller is."""

from typing import cast

from zooscope.client.results import SignInLink, Whoami
from zooscope.client.transport import Resource


class Sessions(Resource):
    """``zoo.sessions``: links that sign a browser in, and whose key this is."""

    def create_link(self) -> SignInLink:
        """Create a link that signs one browser in with your key, once."""
        return cast("SignInLink", self._transport.json("POST", "/sign-in-links"))

    def whoami(self) -> Whoami:
        """The project, the key and the scopes of this client."""
        return cast("Whoami", self._transport.json("GET", "/whoami"))
