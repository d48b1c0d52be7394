"""``zooscope sign-in`` and ``zooscope whoami``: the page in a browser, and whose key a command uses."""

import typer

from zooscope.cli.context import CliContext, command

app = typer.Typer()
whoami_app = typer.Typer()


@command(app, "sign-in")
def sign_in(context: CliContext) -> None:
    """Print a link that opens the zoo's page, signed in with your key, once."""
    link = context.zoo.sessions.create_link()
    context.out.done(link, link["url"])


@command(whoami_app, "whoami")
def whoami(context: CliContext) -> None:
    """Show the project, the key and the scopes of your commands."""
    context.out.item(context.zoo.sessions.whoami())
