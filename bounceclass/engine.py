"""The Engine: reads and judges. Pure: no file after it is built, no network, no clock, no history.

In list software it is three lines: build an Engine once, `classify` each mail, and act on the
events whose `verdict.advice` is "suppress" and whose recipient is the member that was mailed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass import transcript
from bounceclass.codes import status_class
from bounceclass.judge import Judge
from bounceclass.model import Event, Kind, Report, clean_text
from bounceclass.settings import DEFAULT, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.packs import Pack

__all__ = ["Engine"]


_KINDS: Final = {2: Kind.DELIVERY, 4: Kind.DELAY, 5: Kind.BOUNCE}


class Engine:
    """Settings and packs made ready, once; never changes afterwards and may be shared by threads."""

    def __init__(self, settings: Settings = DEFAULT, packs: Sequence[Pack] = ()) -> None:
        """Build an engine; raises KnowledgeError for a pack and SettingsError for an option that does not fit."""
        self.settings = settings
        self._judge = Judge(settings, packs)

    def classify(self, raw: bytes, source: str | None = None, *, cut: bool = False) -> Report:
        """Return what a mail says, with verdicts. Any bytes give a Report; the same bytes, the same.

        `source` names it in the Report; `cut` tells that `raw` is only the head of a larger mail.
        """
        from bounceclass import reader  # noqa: PLC0415  the MIME side, which `reply` never needs

        report = reader.read(raw, self.settings, source, cut=cut)
        return msgspec.structs.replace(report, events=self._judge.judge(report.events))

    def reply(self, text: str, *, host: str | None = None, recipient: str | None = None, command: str | None = None) -> Event:
        """Return the event of one SMTP reply, as `smtplib` or a log gives it; it may have several lines.

        `host` is who said so, `command` the phase (one of model.COMMANDS) where it was said.
        """
        diagnostic = clean_text(" ".join(text[: self.settings.limits.diagnostic].split()))
        said = transcript.read(diagnostic)
        event = Event(
            kind=_kind(said.reply_code, said.enhanced_status),
            recipient=recipient,
            reply_code=said.reply_code,
            enhanced_status=said.enhanced_status,
            diagnostic=diagnostic or None,
            command=command or said.command,
            remote_mta=host or said.remote_host,
        )
        return self._judge.judge([event])[0]


def _kind(reply_code: int | None, status: str | None) -> Kind:
    """Tell by the class of a reply what became of the mail: 4yz is tried again, and words alone tell nothing."""
    class_ = (reply_code or 0) // 100 or status_class(status)
    if class_ == 2 and status_class(status) in {4, 5}:  # noqa: PLR2004  "254 4.7.1": a success that delivered nothing
        return Kind.BOUNCE
    return _KINDS.get(class_ or 0, Kind.OTHER)
