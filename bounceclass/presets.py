"""What repetition decides, as data: the rows of `data/policy.toml`, presets, and what the settings change.

A preset copies thresholds and windows of other software, never whom it blames: it can't add a reason.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Final, Literal, get_args

import msgspec

from bounceclass.domains import DomainState  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass.errors import KnowledgeError, SettingsError
from bounceclass.knowledge import data_file
from bounceclass.model import Reason

__all__ = ["PRESETS", "DomainRule", "PolicySettings", "Row", "Rule", "rows_for"]

Preset = Literal["default", "mailman", "discourse", "civicrm", "listmonk", "ses"]
PRESETS: Final[tuple[str, ...]] = get_args(Preset)

Number = Annotated[int, msgspec.Meta(ge=1, le=100)]
Days = Annotated[int, msgspec.Meta(ge=0, le=3650)]
Terms = tuple[Annotated[int, msgspec.Meta(ge=1, le=3650)], ...]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When failed mailings in a row suppress an address; the head of policy.toml says what each key means."""

    n: Number = 1
    span_days: Days = 0
    max_gap_days: Days = 45
    any_reason: bool = False
    expiry_days: Terms = ()

    def until(self, since: datetime, lapsed: int) -> datetime | None:
        """Return when an entry ends that follows on so many that ran out; None where it does not."""
        return since + timedelta(days=self.expiry_days[min(lapsed, len(self.expiry_days) - 1)]) if self.expiry_days else None


class DomainRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When failed mailings to a domain suppress all of it."""

    addresses: Number = 1
    or_addresses: Number | None = None
    alike: tuple[Reason, ...] = ()
    agrees: tuple[DomainState, ...]
    host_agrees: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done about a reason. Raises ValueError where repetition alone, or a domain, would be suppressed for ever."""

    suppress: Rule | None = None
    count: Rule | None = None
    domain: DomainRule | None = None
    per_stream: bool = False
    once: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse to suppress for ever what one event alone would not."""
        if any(rule is not None and not rule.expiry_days for rule in (self.count, self.domain)):
            msg = "count and domain need expiry_days: what only repetition tells has to end"
            raise ValueError(msg)

    @property
    def is_of_address(self) -> bool:
        """Whether it blames the address, everywhere."""
        return self.domain is None and not self.per_stream


class PolicySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How verdicts become decisions."""

    preset: Preset = "default"
    """Whose thresholds and windows."""
    reasons: dict[Reason, Row] = {}
    """Rows of your own, each whole in the place of the preset's: {"mailbox-full": {"count": {"n": 5, "expiry_days": [30]}}}."""
    protect: tuple[str, ...] = ()
    """Addresses never suppressed without you, besides `postmaster@`, `abuse@`, your domains and return path: `lists@example.net`, `*@example.org`."""
    max_age_days: Days = 30
    """Older mail is classified, and nothing follows."""
    heal_days: Days = 5
    """A delivery counts as one when nothing of the same mailing has failed within so many days."""
    dkim_acts: bool = False
    """Whether one report of grade `dkim` is enough; else it counts."""
    domain_quiet_days: Days = 30
    """A domain that took mail within so many days is not suppressed as a whole, but held."""
    domain_addresses: Annotated[int, msgspec.Meta(ge=1)] = 50
    """Nor is one with more known addresses."""
    held_days: Days = 7
    """How long a held decision waits before it is dropped."""
    incident_least: Annotated[int, msgspec.Meta(ge=1)] = 20
    """Fewer decisions of one reason at one place are no incident."""
    incident_times: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    """Nor are those that are not more than so many times the rate of 28 days."""


class _Every(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    suppress: Rule | None = None
    count: Rule | None = None


class _Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    every: _Every


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reasons: dict[Reason, Row]
    presets: dict[str, _Preset]


_TABLE: Final = "policy.toml"


@cache
def _table() -> _Table:
    try:
        return msgspec.toml.decode(data_file(_TABLE), type=_Table)
    except msgspec.DecodeError as error:
        raise KnowledgeError(_TABLE, str(error)) from error


def rows_for(settings: PolicySettings) -> dict[Reason, Row]:
    """Return the rows that hold, by reason. Raises SettingsError for a row about a reason that blames no recipient."""
    table = _table()
    rows = dict(table.reasons)
    if settings.preset != "default":
        every = table.presets[settings.preset].every
        rows |= {reason: _changed(row, every) for reason, row in rows.items() if row.is_of_address and reason is not Reason.OWNER_CHANGED}
    for reason in settings.reasons:
        if reason not in rows:
            msg = f"policy.reasons.{reason}: no repetition of it is the recipient's fault"
            raise SettingsError(msg)
    return rows | settings.reasons


def _changed(row: Row, every: _Every) -> Row:
    # A reason that one event does not prove by itself is not made to do so.
    return msgspec.structs.replace(row, suppress=every.suppress if row.suppress else None, count=every.count)
