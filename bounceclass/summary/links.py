"""Where a sender asks to be taken off a list: rows of `data/links.toml`, whose head says what each key means."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from bounceclass.knowledge import data_file
from bounceclass.summary.contents import Link

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Row", "link_for", "rows"]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"for_": "for"}):
    """A table of links.toml."""

    name: str
    url: str
    source: str
    for_: tuple[str, ...]
    zones: tuple[str, ...] = ()
    provider: str | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    links: dict[str, Row]


_FILE: Final = "links.toml"


@cache
def rows() -> dict[str, Row]:
    """Return all rows by name."""
    return msgspec.toml.decode(data_file(_FILE), type=_File).links


def link_for(what: str, named: str | None, url: str | None, providers: Iterable[str]) -> Link | None:
    """Return the page that helps: of the list that is named or linked to, else of the provider if there is one alone; None where we know none."""
    hosts = [host for host in (named, _host(url)) if host]
    by_zone = (row for row in rows().values() if any(_is_below(host, zone) for host in hosts for zone in row.zones))
    alone = list(providers)
    by_provider = (row for row in rows().values() if len(alone) == 1 and row.provider == alone[0])
    found = next((row for row in (*by_zone, *by_provider) if what in row.for_), None)
    return Link(found.name, found.url) if found else None


def _host(url: str | None) -> str | None:
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def _is_below(host: str, zone: str) -> bool:
    return f".{host.lower().rstrip('.')}".endswith(f".{zone}")
