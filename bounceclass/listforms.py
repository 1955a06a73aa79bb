"""The suppression list in files: written and read one entry at a time, in bounded memory.

    csv       every field; what is written is read back as it was
    jsonl     likewise
    plain     one address or @domain a line, `#` begins a comment
    postfix   a text map for check_recipient_access: `ruth@example.org 550 5.7.1 ...`; written only
    opensmtpd a list for `match ... rcpt-to <table>` (table(5)): one address or @domain a line; written only
    ses, sendgrid, mailgun, postmark   their CSV: `vendorlists`

Times are RFC 3339 in UTC. Nothing that an address or a reason holds can make another line, field or formula.
"""

from __future__ import annotations

import csv
import re
from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import IO, TYPE_CHECKING, Final

import msgspec

from bounceclass.addresses import comparable
from bounceclass.controls import escape_json, steers
from bounceclass.model import Reason, Suppression
from bounceclass.vendorlists import FORMULA, VENDORS
from bounceclass.wrapping import is_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from bounceclass.vendorlists import Vendor

__all__ = ["READ", "TABLES", "WRITTEN", "Faulty", "Given", "read", "write"]

FIELDS: Final = ("address", "domain", "scope", "reason", "since", "until", "cause", "by")
READ: Final = ("csv", "jsonl", "plain", *VENDORS)
TABLES: Final = ("postfix", "opensmtpd")
"""What MTAs read: who stands there is refused, for whatever list."""
WRITTEN: Final = (*READ, *TABLES)
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_LOCAL: Final = re.compile(r"[A-Za-z0-9.!$%&'*+/=?^_`{|}~-]{1,64}")
"""What a key of a table may hold; a `#` would begin a comment, a blank or a colon a value."""
_SHOWN: Final = 100


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry gets that a file doesn't tell."""

    reason: Reason
    since: datetime
    by: str
    scope: str | None = None
    until: datetime | None = None


class Faulty(msgspec.Struct, frozen=True):
    """A line that can't be taken: its number, counted from 1, and why."""

    line: int
    fault: str


def write(entries: Iterable[Suppression], form: str) -> Iterator[str | Faulty]:
    """Yield the lines of a file; an entry that can't be said safely in that form is a Faulty, by its number."""
    vendor = VENDORS.get(form)
    if form == "csv" or (vendor and vendor.heading):
        yield ",".join(f'"{name}"' for name in (vendor.columns if vendor else FIELDS)) + "\n"
    line_of = _vendor_line(vendor) if vendor else _WRITERS[form]
    for number, entry in enumerate(entries, start=1):
        line = line_of(entry)
        yield line if line is not None else Faulty(number, f"{entry.address or entry.domain} can't be written safely into such a file")


def read(file: IO[str], form: str, given: Given) -> Iterator[Suppression | Faulty]:
    """Yield the entries of a file; a line that is none is a Faulty, and the next one is read."""
    if vendor := VENDORS.get(form):
        yield from _read_vendor(file, given, vendor)
    else:
        yield from {"csv": _read_csv, "jsonl": _read_jsonl, "plain": _read_plain}[form](file, given)


def _vendor_line(vendor: Vendor) -> Callable[[Suppression], str | None]:
    return lambda entry: None if (cells := vendor.row(entry)) is None else _csv_line(cells)


def _fields(entry: Suppression) -> dict[str, str]:
    told = msgspec.to_builtins(entry)
    return {name: " ".join(entry.cause) if name == "cause" else told[name] or "" for name in FIELDS}


def _csv_line(cells: Iterable[str]) -> str | None:
    """Quote every cell, and put an apostrophe before what a spreadsheet would take for a formula; None where one holds control characters."""
    cells = tuple(cells)
    if any(steers(cell) for cell in cells):
        return None
    safe = (f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells)
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in safe) + "\n"


def _plain(entry: Suppression) -> str | None:
    whom = entry.address or f"@{entry.domain}"
    return f"{whom}\n" if whom.isprintable() and not whom.startswith("#") and whom == whom.strip() else None


def _key(entry: Suppression) -> str | None:
    """Return what an MTA's table is asked for, `ruth@example.org` or `@gone.example`; None where that needs quoting."""
    local, _, domain = comparable(entry.address or f"@{entry.domain}").rpartition("@")
    return f"{local}@{domain}" if _HOST.fullmatch(domain) and (not entry.address or _LOCAL.fullmatch(local)) else None


def _postfix(entry: Suppression) -> str | None:
    """Return a line of access(5)."""
    key = _key(entry)
    return None if key is None else f"{key.removeprefix('@')} 550 5.7.1 not mailed: {entry.reason}, since {entry.since:%Y-%m-%d}\n"


def _opensmtpd(entry: Suppression) -> str | None:
    """Return a line of table(5)."""
    key = _key(entry)
    return None if key is None else f"{key}\n"


_WRITERS: Final[dict[str, Callable[[Suppression], str | None]]] = {
    "csv": lambda entry: _csv_line(_fields(entry).values()),
    "jsonl": lambda entry: escape_json(msgspec.json.encode(entry)).decode() + "\n",
    "plain": _plain,
    "postfix": _postfix,
    "opensmtpd": _opensmtpd,
}


def _read_plain(file: IO[str], given: Given) -> Iterator[Suppression | Faulty]:
    for number, line in enumerate(file, start=1):
        whom = line.partition("#")[0].strip()
        if whom:
            yield _entry(number, {"domain": whom[1:]} if whom.startswith("@") else {"address": whom}, given)


def _read_jsonl(file: IO[str], given: Given) -> Iterator[Suppression | Faulty]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            fields = msgspec.json.decode(line, type=dict[str, object])
        except msgspec.DecodeError as error:
            yield Faulty(number, str(error))
        else:
            yield _entry(number, fields, given)


def _read_csv(file: IO[str], given: Given) -> Iterator[Suppression | Faulty]:
    """Read a table by its first line; columns in any order and case, those that we don't know left out."""
    for number, row in _table(file, {"address", "domain"}):
        if isinstance(row, Faulty):
            yield row
            continue
        cells = {name: cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell for name, cell in row.items()}
        fields: dict[str, object] = {name: cell for name, cell in cells.items() if cell and name in FIELDS}
        fields["cause"] = str(fields.get("cause", "")).split()
        yield _entry(number, fields, given)


def _read_vendor(file: IO[str], given: Given, vendor: Vendor) -> Iterator[Suppression | Faulty]:
    for number, row in _table(file, {vendor.address}, None if vendor.heading else vendor.columns):
        if isinstance(row, Faulty):
            yield row
            continue
        try:
            fields = vendor.fields(row)
        except ValueError as error:
            yield Faulty(number, str(error))
        else:
            yield _entry(number, fields, given)


def _table(file: IO[str], needed: AbstractSet[str], columns: Sequence[str] | None = None) -> Iterator[tuple[int, dict[str, str] | Faulty]]:
    """Yield the line number and the cells by column of each row; without `columns` the first line names them, one of `needed` among them."""
    rows = csv.reader(file)
    names = list(columns or ())
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield rows.line_num, Faulty(rows.line_num, str(error))
            continue
        if not names:
            names = [name.strip().lower().removeprefix("\ufeff") for name in row]
            if needed.isdisjoint(names):
                yield rows.line_num, Faulty(rows.line_num, "the first line names no column " + " or ".join(f"`{name}`" for name in sorted(needed)))
                return
        elif any(cell.strip() for cell in row):
            yield rows.line_num, dict(zip(names, row, strict=False))


def _entry(number: int, fields: dict[str, object], given: Given) -> Suppression | Faulty:
    told = {name: value for name, value in fields.items() if name in FIELDS and value is not None}
    if told.get("reason", given.reason) not in {reason.value for reason in Reason}:
        return Faulty(number, f"no reason {str(told['reason'])[:_SHOWN]!r}")
    defaults = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not None}
    try:
        entry = msgspec.convert(defaults | told, Suppression, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        return Faulty(number, str(error))
    whom = entry.address or f"x@{entry.domain}"
    if not is_address(whom):
        return Faulty(number, f"{(entry.address or entry.domain or '')[:_SHOWN]!r} is no {'address' if entry.address else 'domain'}")
    if any(at is not None and at.tzinfo is None for at in (entry.since, entry.until)):
        return Faulty(number, "a time without a zone: write 2026-03-09T12:00:00Z")
    return entry
