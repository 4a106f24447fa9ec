"""A site's own face of the pages: title, logo, message, links and clusters."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slurm_rest_api.auth.cached_file import CachedFile

logger = logging.getLogger(__name__)

PRODUCT: Final = "slurm-rest-api"
MAX_LOGO_BYTES: Final = 256 * 1024
MAX_MESSAGE: Final = 2000
"""Most characters of a message."""

# A character has at most four bytes in UTF-8.
_MAX_MESSAGE_BYTES: Final = 4 * MAX_MESSAGE
_SIGNATURES: Final = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE[^>\[]*>\s*)?<svg[\s>]", re.DOTALL), "image/svg+xml"),
)


@dataclass(frozen=True)
class Link:
    """A link of the site."""

    name: str
    url: str


@dataclass(frozen=True)
class Cluster:
    """A cluster of the site: `url` is that of its service, `colour` such as "#0072b2" or None."""

    name: str
    url: str
    colour: str | None = None


@dataclass(frozen=True)
class Logo:
    """An image, and its media type by its content."""

    body: bytes
    media_type: str


def read_logo(file: Path) -> Logo:
    """Reads the image in `file`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is too large, or no image of a known type.
    """
    with file.open("rb") as opened:
        body = opened.read(MAX_LOGO_BYTES + 1)
    if len(body) > MAX_LOGO_BYTES:
        raise ValueError(f"it is larger than {MAX_LOGO_BYTES // 1024} KiB")
    head = body[:4096].removeprefix(b"\xef\xbb\xbf")
    for signature, media_type in _SIGNATURES:
        if signature.match(head):
            return Logo(body, media_type)
    raise ValueError("it is no PNG, JPEG, GIF, WebP or SVG image")


def logo_fault(file: Path | None) -> str | None:
    """Returns why the logo in `file` cannot be used, None if it can or there is none."""
    try:
        if file is not None:
            read_logo(file)
    except OSError as error:
        return f'pages.logo: "{file}" cannot be read: {error.strerror}.'
    except ValueError as error:
        return f'pages.logo: "{file}" cannot be used: {error}.'
    return None


class MessageFile:
    """The message in a file. The file is read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._file = CachedFile(path, _message_of)
        self._fault: str | None = None

    def text(self) -> str:
        """Returns the message, "" if there is none or the file cannot be read."""
        try:
            text = self._file.content()
        except FileNotFoundError:
            return ""
        except OSError as error:
            self._report(error.strerror or str(error))
            return ""
        self._fault = None
        return text

    def _report(self, fault: str) -> None:
        if fault != self._fault:
            logger.warning("pages.message_file: %s cannot be read: %s.", self._file.path, fault)
        self._fault = fault


def _message_of(content: bytes) -> str:
    text = content[:_MAX_MESSAGE_BYTES].decode("utf-8", "replace").strip()
    return text if len(text) <= MAX_MESSAGE and len(content) <= _MAX_MESSAGE_BYTES else f"{text[:MAX_MESSAGE]}…"


@dataclass(frozen=True)
class Site:
    """Holds a site's own parts of the pages. `message` returns the current message, "" for none."""

    title: str | None = None
    logo: Logo | None = None
    message: Callable[[], str] = str
    has_message_file: bool = False
    links: tuple[Link, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    racks: tuple[tuple[str, list[str]], ...] = ()
    """Each rack with the names of its nodes, in the order of the map."""

    def name(self, cluster: str) -> str:
        """Returns the name of the site in the titles of the tabs. `cluster` is "" if it is not known yet."""
        return " · ".join(filter(None, (cluster, self.title))) or PRODUCT

    def here(self, cluster: str) -> Cluster | None:
        """Returns the entry of this cluster in `clusters`."""
        return next((entry for entry in self.clusters if entry.name.casefold() == cluster.casefold()), None)
