r"""Entries as lines: what a line says, and how an entry is written so that it can't say anything else.

    csv     every key of a Suppression; a cell that a spreadsheet or a map would take for a formula or a
            comment gets a leading apostrophe: `=1+1@example.org` is `'=1+1@example.org`
    jsonl   the Suppression as JSON, in ASCII
    plain   the address, or `@` and the domain

One line is one entry in all of them: a text with a line break in it is escaped (jsonl) or refused,
for no address that mail could be sent to has one (RFC 5321, 4.1.2; RFC 6531, 3.3).
"""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from bounceclass.addresses import comparable
from bounceclass.errors import Refused
from bounceclass.model import Suppression, clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COLUMNS", "FORMATS", "LONGEST", "Entry", "Layout", "cleaned", "entry_of", "layout"]

COLUMNS: Final = Suppression.__struct_fields__
FORMATS: Final = {".csv": "csv", ".jsonl": "jsonl", ".txt": "plain"}
"""Endings that tell a format."""
LONGEST: Final = 64 * 1024
"""Bytes of a line that is read; a longer one is kept, and taken for no entry."""
_LONGEST_NAME: Final = 1000  # characters; RFC 5321, 4.5.3.1.3 allows 256 octets
_BREAK: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_TRIGGERS: Final = r"=+\-@#\t＝＋－＠"  # noqa: RUF001  spreadsheets read the full-width ones too
_GUARDABLE: Final = re.compile(f"'*[{_TRIGGERS}]")
_GUARDED: Final = re.compile(f"'+[{_TRIGGERS}]")
_SIMPLE: Final = re.compile(r"[\w.+@:/' -]*", re.ASCII)
# Whatever a map, a list or a shell loop might read as more than a name is left out: `:` and `,` end a
# key, `!`, `*`, `|` and `/` in front have meanings of their own.
_PLAIN: Final = re.compile(
    r"(?:[0-9A-Za-z_]|[^\x00-\x7f＝＋－＠＃])(?:[0-9A-Za-z_.!#$%&'*+/=?^`{|}~-]|[^\x00-\x7f])*"  # noqa: RUF001  as above
    r"@(?:[0-9A-Za-z]|[^\x00-\x7f])(?:[0-9A-Za-z._-]|[^\x00-\x7f])*",
)


class Entry(msgspec.Struct, frozen=True):
    """What matters of a line. `ours` tells one that a plugin wrote from one that a person did."""

    address: str | None = None
    domain: str | None = None
    scope: str | None = None
    until: datetime | None = None
    by: str | None = None

    @property
    def ours(self) -> bool:
        """Whether the line says who decided; a person who adds an address by hand leaves that out."""
        return bool(self.by)

    def identity(self) -> str:
        """Return what two spellings of one entry have in common."""
        name = f"a{comparable(self.address)}" if self.address else f"d{comparable(f'@{self.domain}')}"
        return f"{name}\0{self.scope or ''}"

    def lasts_as_long_as(self, other: Entry) -> bool:
        """Tell whether it holds until the other's end at least."""
        if self.until is None or other.until is None:
            return self.until is None
        return _aware(self.until) >= _aware(other.until)


_READ: Final = tuple(COLUMNS.index(name) for name in Entry.__struct_fields__)


class Layout(Protocol):
    """How entries stand in a file."""

    head: bytes

    def holds(self, suppression: Suppression) -> bool:
        """Tell whether an entry belongs in this file; raises Refused where it can't stand there."""

    def write(self, suppression: Suppression) -> str:
        """Return the line; raises Refused where it would say something else."""

    def read(self, line: str) -> Entry | None:
        """Return what a line says, None where it is no entry. May raise ValueError instead."""


class Csv:
    """RFC 4180 with a head, lines ended by LF."""

    head = (",".join(COLUMNS) + "\n").encode()

    def holds(self, suppression: Suppression) -> bool:  # noqa: ARG002  every entry
        """Hold every entry."""
        return True

    def write(self, suppression: Suppression) -> str:
        """Quote and guard each cell; refuse one with a line break."""
        row = _row(suppression)
        row["cause"] = " ".join(row["cause"])
        return ",".join(_cell(row[column] or "") for column in COLUMNS)

    def read(self, line: str) -> Entry | None:
        """Read one record; what was guarded is as it was given."""
        cells = next(csv.reader([line], strict=True), []) if '"' in line else line.split(",")
        if len(cells) < len(COLUMNS):
            cells += [""] * (len(COLUMNS) - len(cells))
        address, domain, scope, until, by = (_given(cells[place]) for place in _READ)
        if bool(address) == bool(domain):
            return None
        return _checked(Entry(address, domain, scope, msgspec.convert(until, datetime) if until else None, by))


class JsonLines:
    """One JSON object a line, every key, ASCII."""

    head = b""

    def holds(self, suppression: Suppression) -> bool:  # noqa: ARG002  every entry
        """Hold every entry."""
        return True

    def write(self, suppression: Suppression) -> str:
        """Escape all that is not ASCII, so that nothing in it ends a line for anybody."""
        return json.dumps(_row(suppression), ensure_ascii=True).replace("\x7f", r"\u007f")

    def read(self, line: str) -> Entry | None:
        """Read one object; unknown keys are nothing to us."""
        return _checked(_JSON.decode(line))


class Plain:
    """One address a line, or `@` and a domain; of one scope, for there is no column to tell scopes apart."""

    head = b""

    def __init__(self, scope: str | None) -> None:
        """Hold the entries of one scope: null for those that hold everywhere."""
        self.scope = scope or None

    def holds(self, suppression: Suppression) -> bool:
        """Hold the entries of our scope; without one, refuse those that have one, rather than lose or widen them."""
        scope = suppression.scope or None
        if self.scope is None and scope is not None:
            msg = f"an entry for {scope!r} alone can't stand in a plain file: set `scope`, or use csv or jsonl"
            raise Refused(msg)
        return scope == self.scope

    def write(self, suppression: Suppression) -> str:
        """Refuse what a reader of such a file could take for anything but one address."""
        name = suppression.address or f"_@{suppression.domain}"
        if not name.isprintable() or not _PLAIN.fullmatch(name):
            msg = f"{suppression.address or suppression.domain!a} can't stand in a plain file, where it might be read as something else: use csv or jsonl"
            raise Refused(msg)
        return suppression.address or f"@{suppression.domain}"

    def read(self, line: str) -> Entry | None:
        """Read a name; a comment, an empty line and anything with a blank in it is none."""
        name = line.strip()
        if name.startswith("#") or "@" not in name or len(name.split()) != 1:
            return None
        address, domain = (None, name[1:]) if name.startswith("@") else (name, None)
        return _checked(Entry(address, domain, self.scope, by="?"))  # a person's line can't be told from ours


_JSON: Final = msgspec.json.Decoder(Entry)


def layout(form: str, scope: str | None = None) -> Layout:
    """Return the layout of a format's name."""
    made: dict[str, Callable[[], Layout]] = {"csv": Csv, "jsonl": JsonLines, "plain": lambda: Plain(scope)}
    return made[form]()


def entry_of(suppression: Suppression) -> Entry:
    """Return an entry as a line of it will be read; raises Refused for a name that is too long to be one."""
    entry = Entry(*(getattr(suppression, key) for key in Entry.__struct_fields__))
    if _checked(entry) is None:
        msg = f"a name of {len(entry.address or entry.domain or ''):,} characters is none that mail could be sent to"
        raise Refused(msg)
    return entry


def _checked(entry: Entry) -> Entry | None:
    """Leave out what names nobody, or two, or is too long to compare."""
    name = entry.address or entry.domain
    if not name or (entry.address and entry.domain) or len(name) > _LONGEST_NAME:
        return None
    return entry


def _given(cell: str) -> str | None:
    """Return what a cell says, without the guard."""
    return cell[1:] if cell[:1] == "'" and _GUARDED.match(cell) else cell or None


def _row(suppression: Suppression) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(suppression)
    return row


def _cell(text: str) -> str:
    broken = _BREAK.search(text)
    if broken:
        msg = f"{text[:80]!a} has {broken[0]!a} in it, which no address has, and which could end or disguise a line of the file"
        raise Refused(msg)
    if _GUARDABLE.match(text):
        text = f"'{text}"
    return text if _SIMPLE.fullmatch(text) else '"' + text.replace('"', '""') + '"'


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def cleaned(suppression: Suppression) -> Suppression:
    """Return a suppression whose names can be written: undecodable bytes stand as `clean_text` spells them."""
    names = {key: clean_text(text) for key in ("address", "domain", "scope", "by") if (text := getattr(suppression, key))}
    return msgspec.structs.replace(suppression, **names, cause=tuple(clean_text(key) for key in suppression.cause))
