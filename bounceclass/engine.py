"""The Engine: reads, judges, lets plugins refine. Pure: no file after it is built, no network, no clock, no history.

    engine = bounceclass.Engine()
    for event in engine.classify(raw).events:
        if event.verdict.advice == "suppress" and event.recipient == member: disable(member)

`member` is whom *your own* VERP address names. `dispatch` is the one door to the world: it tells the
plugins of a report's events.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass import builtin, transcript
from bounceclass.codes import status_class
from bounceclass.judge import REMEMBERED, Judge
from bounceclass.model import Defect, Event, Kind, Report, clean_text
from bounceclass.packcheck import require_sound
from bounceclass.packs import load, load_ours, our_paths
from bounceclass.plugins import Plugins
from bounceclass.settings import DEFAULT, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bounceclass.notice import Notice, Notices
    from bounceclass.packs import Pack
    from bounceclass.protocols import Failure, Parser
    from bounceclass.sources.files import Input

    _Reading = tuple[Callable[..., Report], Callable[[Report], float], Parser | None, Notices]
    """What reads a mail, how far that can be believed, and what with."""

__all__ = ["Engine"]


_KINDS: Final = {2: Kind.DELIVERY, 4: Kind.DELAY, 5: Kind.BOUNCE}


class Engine:
    """Settings, packs and plugins made ready, once; never changes afterwards and may be shared by threads."""

    def __init__(self, settings: Settings = DEFAULT, packs: Sequence[Pack] = (), plugins: Sequence[object] = ()) -> None:
        """Build an engine.

        `plugins` are switched on besides those of the settings: names of installed ones, `"ses"` or `"ses:eu"`,
        or objects that have hooks. One that can't be used stands in `engine.plugins.faults`, and the
        others go on. Raises KnowledgeError for a pack and SettingsError for an option that does not fit.
        """
        self.settings = settings
        self.plugins = Plugins(settings, plugins, builtin)
        known = self.plugins.collect("knowledge", _load)
        self._judge = Judge(settings, (*packs, *known))
        self._rows = self.plugins.collect("notices", _checked_notice) if self.plugins.names else None
        self._reading: _Reading | None = None
        self._lock = Lock()
        self._remembered = lru_cache(maxsize=8192)(self._reply)

    def classify(self, raw: bytes, source: str | None = None, *, cut: bool = False) -> Report:
        """Return what a mail says, with verdicts. Any bytes give a Report; the same bytes, the same.

        `source` names it in the Report; `cut` tells that `raw` is only the head of a larger mail.
        """
        read, certainty, parser, notices = self._reading or self._ready()
        report = read(raw, self.settings, source, cut=cut, parser=parser, notices=notices)
        return self._judged(report, certainty(report))

    def judge(self, report: Report) -> Report:
        """Return a report that somebody else has read (of a log line, of an ESP's payload) with our verdicts; those it has are not looked at."""
        from bounceclass import prose  # noqa: PLC0415  the MIME side, which `reply` never needs

        return self._judged(report, prose.certainty(report))

    def contradictions(self, report: Report) -> int:
        """Count the events of a judged report whose source's own word says something else than our verdict."""
        return sum(self._judge.contradicts(event, report.format) for event in report.events)

    def answer(self, given: Input) -> Report:
        """Return the report of an input that has no fault: a mail, or a log's line that was read already."""
        return self.judge(given.report) if given.report is not None else self.classify(given.raw, given.source, cut=given.cut)

    def _judged(self, report: Report, certainty: float) -> Report:
        codes = [defect.code for defect in report.defects]
        judged = self._judge.judge(report.events, certainty=certainty, format_=report.format, defects=codes)
        events = tuple([self.plugins.refine(event) for event in judged])
        if self._judge.limit(report.events) < self.settings.limits.rule_text:
            report = msgspec.structs.replace(report, defects=(*report.defects, Defect("text-cut", "diagnostics")))
        return msgspec.structs.replace(report, events=events)

    def _ready(self) -> _Reading:
        """Make ready what only mail needs, at the first one."""
        from bounceclass import prose, reader  # noqa: PLC0415  as above
        from bounceclass.notice import Notices  # noqa: PLC0415  as above

        with self._lock:
            if self._reading is None:
                rows = self.plugins.collect("notices", _checked_notice) if self._rows is None else self._rows
                # None where no plugin has it: the message names the parsers that there are.
                self._reading = (reader.read, prose.certainty, self.plugins.first("parser", name=self.settings.parser), Notices(rows))
            return self._reading

    def reply(self, text: str, *, host: str | None = None, recipient: str | None = None, command: str | None = None) -> Event:
        """Return the event of one SMTP reply, as `smtplib` or a log gives it; it may have several lines.

        `host` is who said so, `command` the phase (one of model.COMMANDS) where it was said.
        """
        answer = self._remembered if len(text) <= REMEMBERED else self._reply
        return self.plugins.refine(answer(text, host, recipient, command))

    def _reply(self, text: str, host: str | None, recipient: str | None, command: str | None) -> Event:
        diagnostic = clean_text(" ".join(text[: self.settings.limits.diagnostic].replace("\0", "").split()))
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

    def dispatch(self, report: Report, *, only: Iterable[str] | None = None) -> list[Failure]:
        """Tell the plugins, or `only` some, of each event of a report; return the calls that failed.

        Each plugin is called in a thread of its own, within `limits.hook_seconds`; one that hangs is given up.
        """
        from bounceclass.eventkey import event_key  # noqa: PLC0415  its digests are OpenSSL's, which `reply` never needs

        failures: list[Failure] = []
        for event in report.events:
            if event.kind is not Kind.OTHER:
                hook = event.kind.replace("-", "_")
                failures += self.plugins.tell(hook, only, event=event, report=report, key=event_key(report, event))
        return failures


def _kind(reply_code: int | None, status: str | None) -> Kind:
    """Tell by the class of a reply what became of the mail: 4yz is tried again, and words alone tell nothing."""
    class_ = (reply_code or 0) // 100 or status_class(status)
    if class_ == 2 and status_class(status) in {4, 5}:  # noqa: PLR2004  "254 4.7.1": a success that delivered nothing
        return Kind.BOUNCE
    return _KINDS.get(class_ or 0, Kind.OTHER)


def _load(path: object) -> Pack:
    """Read a plugin's pack, or ours; one that can't be run is an error."""
    if not isinstance(path, (str, Path)):
        msg = f"{path!r} is no path of a pack"
        raise TypeError(msg)
    pack = load(path, examples=False)
    if path not in our_paths():
        require_sound(pack, str(path), load_ours())
    return pack


def _checked_notice(notice: object) -> Notice:
    from bounceclass.notice import Notice, Notices  # noqa: PLC0415  as above

    if not isinstance(notice, Notice):
        msg = f"{notice!r} is no Notice"
        raise TypeError(msg)
    Notices([notice])
    return notice
