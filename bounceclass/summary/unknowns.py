"""What no rule knows, by its wording: in templates where drain3 is installed, else by equal wording."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from bounceclass.errors import MissingExtraError
from bounceclass.summary.contents import Unknown, Unknowns
from bounceclass.templates import Templates, Wordings, code_of, mask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounceclass.model import Report

__all__ = ["MOST_READ", "unknowns"]

MOST_READ: Final = 20_000
"""Texts that are grouped: the newest."""
_MOST_SHOWN: Final = 20
_LONGEST: Final = 500
_KIND: Final = "reply"


def unknowns(reports: Iterable[Report], count: int, limit: int) -> Unknowns:
    """Group the texts of reports of one event each; `count` is how many there are in all, `limit` what rules see of a text."""
    groups, by = _empty()
    for report in reports:
        for event in report.events:
            said = event.diagnostic or ""
            groups.add(_KIND, mask(said, limit, event.recipient), code=code_of(event), example=said[:_LONGEST] or None, source=None)
    shown = islice(groups.groups(), _MOST_SHOWN)
    return Unknowns(
        count=count,
        read=groups.texts,
        by=by,
        groups=tuple(Unknown(count=one.count, template=one.template[:_LONGEST], codes=one.codes, example=one.example) for one in shown),
    )


def _empty() -> tuple[Templates | Wordings, str]:
    try:
        return Templates(), "drain3"
    except MissingExtraError:
        return Wordings(), "wording"
