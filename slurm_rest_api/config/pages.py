"""Section `pages`: a site's own title, logo, message and links on the HTML pages."""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from slurm_rest_api.config.section import AbsolutePath, Section
from slurm_rest_api.slurm.hostlist import expand

_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
_LONGEST_URL: Final = 500


def _shown(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("expected text in one line")
    return value


def _url(value: str) -> str:
    problem = "expected a URL that begins with https:// or http://"
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError(problem) from None
    if parts.scheme not in ("https", "http") or not parts.hostname or len(value) > _LONGEST_URL:
        raise ValueError(problem)
    if not value.isascii() or not value.isprintable() or " " in value or parts.username or parts.password:
        raise ValueError(f"{problem}, in ASCII, without blanks and without a password")
    return value


def _base_url(value: str) -> str:
    if urlsplit(_url(value)).query or "#" in value:
        raise ValueError("expected the URL of the service, without a query")
    return value


def _colour(value: str) -> str:
    if not _COLOUR.fullmatch(value):
        raise ValueError('expected a colour such as "#0072b2", in quotes')
    return value


def _hostlist(value: str) -> str:
    try:
        names = expand(value)
    except ValueError:
        names = []
    if not names:
        raise ValueError("expected a hostlist such as n[001-032]")
    return value


Name = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_shown)]


class LinkSettings(Section):
    """An entry of `pages.links`."""

    name: Name
    url: Annotated[str, AfterValidator(_url)]


class ClusterSettings(Section):
    """An entry of `pages.clusters`."""

    name: Name
    url: Annotated[str, AfterValidator(_base_url)]
    colour: Annotated[str, AfterValidator(_colour)] | None = None


class RackSettings(Section):
    """An entry of `pages.racks`."""

    name: Name
    nodes: Annotated[str, AfterValidator(_hostlist)]


class PagesSettings(Section):
    """Section `pages`: a site's own title, logo, message and links on the HTML pages."""

    title: Name | None = Field(
        default=None,
        description="Name of the site in the header and in the titles of the tabs, next to the name of the cluster.",
    )
    logo: AbsolutePath | None = Field(
        default=None,
        description="File of a logo for the header: PNG, JPEG, GIF, WebP or SVG, at most 256 KiB. It is read when the"
        " service starts.",
    )
    message: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Message at the top of every page, as plain text. Everyone who reaches the pages can read it.",
    )
    message_file: AbsolutePath | None = Field(
        default=None,
        description="File with the message, instead of message. It is read again when it changes, and open pages show"
        " it within a minute. Without the file, or if it is empty, there is no message. The first 2000 characters"
        " are shown.",
    )
    links: tuple[LinkSettings, ...] = Field(
        default=(),
        strict=False,
        max_length=20,
        description="Links of the site in the navigation, for example to its documentation.",
    )
    clusters: tuple[ClusterSettings, ...] = Field(
        default=(),
        strict=False,
        max_length=50,
        description="Clusters with a slurm-rest-api, this one included, for a menu that opens the same page of another"
        " cluster. The name of this one is its ClusterName in slurm.conf.",
    )
    racks: tuple[RackSettings, ...] = Field(
        default=(),
        strict=False,
        max_length=2000,
        description="Racks for the map of nodes, each with a name and the hostlist of its nodes, in the order of the"
        " map. Without any, racks are taken from the names of nodes. Everyone who reaches the pages can read it.",
    )
