"""The suppression lists of ESPs as CSV files, a row of data each: what their pages take and give.

    ses        address, BOUNCE or COMPLAINT, no heading          import jobs of API v2 (SuppressionListDestination)
    sendgrid   email, reason, status, created (Unix time)        fields of /v3/suppression/bounces; `email` alone is written
    mailgun    address, code, error, created_at (RFC 2822)       POST /v3/{domain}/bounces/import
    postmark   EmailAddress, SuppressionReason, Origin, CreatedAt   fields of the suppressions API

They hold addresses only, for one account and for ever: an entry of a domain, of one list or with an
end can't be written, nor one that a spreadsheet would take for a formula, for there is no way to
quote it that they would undo.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.controls import steers
from bounceclass.model import Reason, Suppression

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FORMULA", "VENDORS", "Vendor"]

FORMULA: Final = ("=", "+", "-", "@", "\t", "'", "＝", "＋", "－", "＠")  # noqa: RUF001  spreadsheets read the full-width ones too
"""How a cell begins that a spreadsheet would run."""


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """One ESP's file: its columns, what is written into them, and how they are read."""

    columns: tuple[str, ...]
    heading: bool = True
    address: str
    reason: str | None = None
    since: str | None = None
    words: Mapping[str, Reason] = {}
    """Their words for a reason, in lower case, where one of ours says the same."""
    cells: Callable[[Suppression], tuple[str, ...]]
    moment: Callable[[str], datetime]

    def row(self, entry: Suppression) -> tuple[str, ...] | None:
        """Return the cells of an entry, None where they can't say it."""
        if entry.address is None or entry.scope is not None or entry.until is not None or entry.address.startswith(FORMULA) or steers(entry.address):
            return None
        return self.cells(entry)

    def fields(self, row: Mapping[str, str]) -> dict[str, object]:
        """Return a row, by its columns, as fields of an entry; raises ValueError for a time that can't be read."""
        told: dict[str, object] = {"address": row.get(self.address, "").strip()}
        if (word := row.get(self.reason or "", "").strip().lower()) in self.words:
            told["reason"] = self.words[word]
        if said := row.get(self.since or "", "").strip():
            try:
                told["since"] = self.moment(said)
            except (ValueError, TypeError, OverflowError, IndexError, OSError) as error:
                msg = f"{said[:40]!r} is no time"
                raise ValueError(msg) from error
        return told


def _iso(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _unix(text: str) -> datetime:
    return datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else _iso(text)


def _rfc(text: str) -> datetime:
    when = parsedate_to_datetime(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _kind(entry: Suppression, complaint: str, unsubscribe: str, other: str) -> str:
    return {Reason.COMPLAINT: complaint, Reason.UNSUBSCRIBE: unsubscribe}.get(entry.reason, other)


VENDORS: Final[Mapping[str, Vendor]] = {
    "ses": Vendor(
        columns=("address", "reason"),
        heading=False,
        address="address",
        reason="reason",
        words={"complaint": Reason.COMPLAINT},
        cells=lambda entry: (entry.address or "", _kind(entry, "COMPLAINT", "COMPLAINT", "BOUNCE")),
        moment=_iso,
    ),
    "sendgrid": Vendor(columns=("email",), address="email", since="created", cells=lambda entry: (entry.address or "",), moment=_unix),
    "mailgun": Vendor(
        columns=("address", "code", "error", "created_at"),
        address="address",
        since="created_at",
        cells=lambda entry: (entry.address or "", "550", f"not mailed: {entry.reason}", format_datetime(entry.since)),
        moment=_rfc,
    ),
    "postmark": Vendor(
        columns=("EmailAddress", "SuppressionReason", "Origin", "CreatedAt"),
        address="emailaddress",
        reason="suppressionreason",
        since="createdat",
        words={"spamcomplaint": Reason.COMPLAINT},
        cells=lambda entry: (entry.address or "", _kind(entry, "SpamComplaint", "ManualSuppression", "HardBounce"), "Customer", entry.since.isoformat()),
        moment=_iso,
    ),
}
