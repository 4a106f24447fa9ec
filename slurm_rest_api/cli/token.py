"""`slurm-rest-api token`: creates, lists and revokes the tokens of `auth.mode: token`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

import click

from slurm_rest_api.auth.principal import Role
from slurm_rest_api.auth.token_file import Token, TokenFile
from slurm_rest_api.config import Settings
from slurm_rest_api.errors import TokenFileError

_SECONDS_PER_DAY: Final = 86400


@click.group()
@click.pass_context
def token(context: click.Context) -> None:
    """Create, list and revoke tokens (`auth.mode: token`).

    Changes take effect at once, without a restart.
    """
    settings: Settings = context.obj
    context.obj = TokenFile(settings.auth.token_file)


@token.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["admin", "user"]), default="user", show_default=True)
@click.option(
    "--days", type=click.IntRange(0, 3650), default=365, show_default=True, help="Days until it expires. 0: never."
)
@click.pass_obj
def add(file: TokenFile, name: str, role: Role, days: int) -> None:
    """Create a token for NAME and print it.

    NAME is a person or a program. The token cannot be shown again.
    """
    try:
        click.echo(file.add(name, role, int(time.time()) + days * _SECONDS_PER_DAY if days else None))
    except TokenFileError as error:
        raise click.ClickException(str(error)) from error


@token.command("list")
@click.pass_obj
def list_tokens(file: TokenFile) -> None:
    """List the names that have a token, with role and expiry."""
    try:
        for entry in file.tokens():
            click.echo(f"{entry.name}\t{entry.role}\t{_expiry(entry)}")
    except TokenFileError as error:
        raise click.ClickException(str(error)) from error


@token.command()
@click.argument("name")
@click.pass_obj
def revoke(file: TokenFile, name: str) -> None:
    """Revoke the token of NAME."""
    try:
        file.revoke(name)
    except TokenFileError as error:
        raise click.ClickException(str(error)) from error


def _expiry(entry: Token) -> str:
    if entry.expires is None:
        return "never expires"
    day = datetime.fromtimestamp(entry.expires, UTC).strftime("%Y-%m-%d")
    return f"expired {day}" if entry.expires <= time.time() else f"until {day}"
