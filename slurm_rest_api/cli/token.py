"""`slurm-rest-api token`: makes, lists and revokes the tokens of auth.mode token."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

import click

from slurm_rest_api.auth.principal import Role
from slurm_rest_api.auth.token_file import Token, TokenFile
from slurm_rest_api.config import Settings
from slurm_rest_api.errors import TokenFileError

_DAY: Final = 86400


@click.group()
@click.pass_context
def token(context: click.Context) -> None:
    """Make, list and revoke the tokens of auth.mode token. Running workers notice at once."""
    settings: Settings = context.obj
    context.obj = TokenFile(settings.auth.token_file)


@token.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["admin", "user"]), default="user", show_default=True)
@click.option("--days", type=click.IntRange(0, 3650), default=365, show_default=True, help="Valid for; 0: for ever.")
@click.pass_obj
def add(file: TokenFile, name: str, role: Role, days: int) -> None:
    """Make a token for NAME (a person or a program) and print it; it is shown this once."""
    try:
        click.echo(file.add(name, role, int(time.time()) + days * _DAY if days else None))
    except TokenFileError as error:
        raise click.ClickException(str(error)) from error


@token.command("list")
@click.pass_obj
def list_tokens(file: TokenFile) -> None:
    """List whose tokens there are, with role and expiry."""
    try:
        for entry in file.tokens():
            click.echo(f"{entry.name}\t{entry.role}\t{_expiry(entry)}")
    except TokenFileError as error:
        raise click.ClickException(str(error)) from error


@token.command()
@click.argument("name")
@click.pass_obj
def revoke(file: TokenFile, name: str) -> None:
    """Make the token of NAME worthless."""
    try:
        file.revoke(name)
    except TokenFileError as error:
        raise click.ClickException(str(error)) from error


def _expiry(entry: Token) -> str:
    if entry.expires is None:
        return "for ever"
    day = datetime.fromtimestamp(entry.expires, UTC).strftime("%Y-%m-%d")
    return f"expired {day}" if entry.expires <= time.time() else f"until {day}"
