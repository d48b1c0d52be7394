"""/v1/sessions, /v1/sign-in-links and /v1/whoami: browsers that sign in, and who sends a request."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPAuthorizationCredentials
from starlette.responses import Response

from service.core.errors import ForbiddenError
from service.core.operations.access import audited_calls, sessions
from service.core.operations.access.keys import Caller
from service.rest.dependencies import AppStateDep, AppZoo, caller_of, documented_bearer
from service.rest.responses import json_response
from service.rest.scoped_route import ScopedRoute
from service.rest.session_cookies import address_of, session_cookie, session_token
from service.views.sessions import SessionView, SignInLinkView, WhoamiView

router = APIRouter(prefix="/v1", tags=["sessions"], route_class=ScopedRoute)


async def _anybody(
    request: Request,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(documented_bearer)],
) -> Caller:
    return caller_of(request)


AnyCaller = Annotated[Caller, Depends(_anybody)]


@router.post("/sessions", status_code=201, response_model=SessionView)
def begin(request: Request, zoo: AppZoo, caller: AnyCaller) -> Response:
    """Sign a browser in with the API key, or the token of a one-time link, in `Authorization`.

    The session is in an HttpOnly cookie. It ends by DELETE, when it expires, and with its key.
    """
    _require_no_session(request)
    audited_calls.note_ids([caller.key_id])
    token = request.headers.get("authorization", "").partition(" ")[2].strip()
    with zoo.transaction() as session:
        if token.startswith(sessions.LINK_PREFIX):
            sessions.use_link(session, token=token)
        begun = sessions.begin(session, caller, seconds=zoo.settings.session_seconds)
    cookie = session_cookie(
        request.scope,
        begun.token,
        seconds=int(zoo.settings.session_seconds),
        proxies=zoo.settings.proxies,
    )
    view = SessionView(expires_at=begun.expires_at)
    return json_response(view, status=201, headers={"Set-Cookie": cookie})


@router.delete("/sessions", status_code=204)
def end(request: Request, app_state: AppStateDep, caller: AnyCaller) -> Response:
    """Sign the browser out; without a session, nothing changes."""
    audited_calls.note_ids([caller.key_id])
    token = session_token(request.scope)
    if token is not None:
        with app_state.zoo.transaction() as session:
            sessions.end(session, token=token)
        app_state.authenticator.signed_out(token)
    proxies = app_state.zoo.settings.proxies
    cookie = session_cookie(request.scope, "", seconds=0, proxies=proxies)
    return Response(status_code=204, headers={"Set-Cookie": cookie})


@router.post("/sign-in-links", status_code=201, response_model=SignInLinkView)
def create_link(request: Request, zoo: AppZoo, caller: AnyCaller) -> Response:
    """Create a link that signs one browser in with your key, once; it needs a key, not a session."""
    _require_no_session(request)
    _require_a_scope(caller)
    audited_calls.note_ids([caller.key_id])
    with zoo.transaction() as session:
        link = sessions.create_link(session, caller, seconds=zoo.settings.sign_in_link_seconds)
    address = address_of(request.scope, zoo.settings.proxies)
    view = SignInLinkView(url=f"{address}{sessions.path_of(link)}", expires_at=link.expires_at)
    return json_response(view, status=201)


@router.get("/whoami", response_model=WhoamiView)
def whoami(request: Request, zoo: AppZoo, caller: AnyCaller) -> Response:
    """Get the project, the key and the scopes of the caller."""
    token = session_token(request.scope)
    with zoo.transaction() as session:
        view = WhoamiView.of(session, caller, token=token)
    return json_response(view)


def _require_no_session(request: Request) -> None:
    """A session cannot prolong itself: what begins one needs a key or a link."""
    if session_token(request.scope) is not None:
        raise ForbiddenError(
            "a session cannot begin another one",
            code="key_required",
            remedy="send an API key, or the token of a one-time link, in `Authorization`",
        )


def _require_a_scope(caller: Caller) -> None:
    if not caller.scopes:
        raise ForbiddenError(
            "a link cannot make another one",
            code="key_required",
            remedy="send an API key in `Authorization`",
        )
