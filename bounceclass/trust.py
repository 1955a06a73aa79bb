"""Is a report about mail that we sent? One Standing for each event of a report; what a grade may do is the policy's.

    signed       a tag of ours verifies: it names whom we mailed, whatever the report says
    own-mta      our own MTA wrote the report, or its log knows the queue id as bounced
    known        the returned ENVID or Message-ID was given to this recipient, says the sent log
    dkim         our signature on the returned mail verifies, and covers a To that names this recipient alone
    plausible    the returned mail looks like ours; anybody can write such a thing
    none         nothing ties it to mail of ours

Complaints and unsubscribes silence people, too. A complaint is believed only of an authenticated
source, and where tag or log says whose it is; an unsubscribe needs the tag; else they are `none`.
What a carrier vouches for (a log of ours, a webhook that verifies) has the grade that it says.

Pure: the time and what has to be looked up are arguments. No bytes make it raise.
"""

from __future__ import annotations

import ipaddress
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.addresses import comparable
from bounceclass.errors import SettingsError
from bounceclass.fields import paragraphs
from bounceclass.judge import host_is_ours
from bounceclass.message import DELIVERY, FEEDBACK, Message
from bounceclass.mime.headers import end_of_headers
from bounceclass.model import Kind, Trust
from bounceclass.tags import Addressee, Key, Lookup, Proof, find_tags, verify_tag
from bounceclass.wrapping import (
    LONGEST,
    Fields,
    addresses_in,
    authenticated_domains,
    is_address,
    is_inside,
    require_dkim,
    same,
    signed_recipient,
    unwrap,
    verp_names,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import date

    from bounceclass.model import Event, Report
    from bounceclass.protocols import Item, Voucher
    from bounceclass.settings import Settings, TrustSettings

__all__ = ["Assessor", "Lookups", "Standing", "differs", "gaps", "highest"]


class Lookups(msgspec.Struct, frozen=True, kw_only=True):
    """What only the caller's own records know. Each may be missing; then it knows nothing."""

    addressee: Lookup | None = None
    """Whose a fingerprint is."""
    sent: Callable[[str, str | None], str | None] | None = None
    """From an ENVID or Message-ID (without angle brackets), and the recipient named, to whom it was given; None where not to that
    one. Where nobody is named: the only one. An id that several people were given is known to all of them: it proves nothing."""
    bounced: Callable[[str, str | None], bool] | None = None
    """Whether our own log has this queue id as bounced for this recipient."""
    named: Callable[[str], Collection[str]] | None = None
    """Which final recipients reports under this tag have named before."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How surely one event is about mail of ours. Act on `recipient`, whom we mailed, never on whom the report names.

    `forwarded`: the report names another one, so it only counts. `because` is a sentence for people;
    `alarms` are of a closed set: tag-forged, tag-expired, tag-from-the-future, tags-disagree,
    tag-shared, verp-differs, own-mta-from-outside, source-unproved. `account`: the ESP's, of a voucher.
    """

    grade: Trust
    recipient: str | None = None
    stream: str | None = None
    tag: str | None = None
    """The tag that says so, in lower case."""
    forwarded: bool = False
    because: str
    alarms: tuple[str, ...] = ()
    account: str | None = None


class Tagged(msgspec.Struct, frozen=True):
    """A tag that was found, where, and what it proves."""

    tag: str
    where: str
    proof: Proof

    @property
    def addressee(self) -> Addressee | None:
        """Whom it names, where it is valid."""
        return self.proof.addressee if self.proof.fault is None else None


_GRADES: Final = tuple(Trust)
_ANSWERS: Final = frozenset({Kind.COMPLAINT, Kind.UNSUBSCRIBE})
_MTA_KINDS: Final = frozenset({Kind.BOUNCE, Kind.DELAY, Kind.DELIVERY})
_ADDRESSED: Final = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "cc")
_OWN: Final = (*_ADDRESSED, "references", "in-reply-to")
_STATUS: Final = ("original-envelope-id", "x-postfix-sender", "original-mail-from")
_SENDERS: Final = frozenset({"from", "return-path", "message-id", "sender"})
_RETURNED: Final = ("return-path", "message-id", "list-unsubscribe", "sender", "errors-to", "from", "reply-to", "references", "in-reply-to")
_ALARMING: Final = {"forged": "tag-forged", "expired": "tag-expired", "from-the-future": "tag-from-the-future"}
_MOST_NAMED: Final = 3
"""One tag, more final recipients than a person forwards to."""
_MOST_TAGS: Final = 100
_MOST_HOPS: Final = 50


class Assessor:
    """Settings and keys made ready, once; never changes afterwards and may be shared by threads."""

    def __init__(self, settings: Settings, trust: TrustSettings, keys: Sequence[Key] = ()) -> None:
        """Take what is ours. Raises SettingsError for a network that is none, MissingExtraError where DKIM keys are given and dkimpy is absent."""
        self._settings = settings
        self._trust = trust
        self._keys = tuple(keys)
        self._dkim_keys = {name.lower().rstrip("."): key for name, key in trust.dkim_keys.items()}
        try:
            self._networks = tuple(ipaddress.ip_network(network) for network in trust.own_networks)
        except ValueError as error:
            msg = f"own_networks: {error}"
            raise SettingsError(msg) from error
        if trust.dkim_keys:
            require_dkim()

    @cached_property
    def _no_mail(self) -> Message:
        """What stands for the mail where a carrier has read the report itself."""
        return Message(b"", self._settings)

    def assess(self, report: Report, item: Item, now: date, lookups: Lookups | None = None) -> tuple[Standing, ...]:
        """Return the standing of each event of a report, in their order. `item` is what it was read from, `now` today."""
        if not report.events:
            return ()
        message = Message(item.raw, self._settings) if item.reports is None else self._no_mail
        return tuple(_Case(self, report, item, message, lookups or Lookups(), now).standings())

    def is_ours(self, domain: str | None) -> bool:
        """Tell whether we send as a domain."""
        return host_is_ours(domain, self._trust.domains)

    def is_own_host(self, host: str | None) -> bool:
        """Tell whether a host is a mail server of ours."""
        return host_is_ours(host, self._settings.own_hosts)

    def is_made_here(self, fields: Fields) -> bool:
        """Tell whether a mail was made on a host of ours, and passed none but ours."""
        passed = [value for name, value in fields if name == "received"]
        return 0 < len(passed) <= _MOST_HOPS and all(is_inside(value, self._settings.own_hosts, self._networks) for value in passed)

    def is_believed(self, fields: Fields) -> bool:
        """Tell whether a complaint comes from a source that we believe: authenticated at our MX, and one of `feedback_sources`."""
        proved = authenticated_domains(fields, self._trust.authserv_ids, self._settings.own_hosts)
        sender = addresses_in(next((value for name, value in fields if name == "from"), ""))
        for source in self._trust.feedback_sources:
            domain = source.rpartition("@")[2]
            if any(host_is_ours(one, (domain,)) for one in proved) and (domain == source or (len(sender) == 1 and same(sender[0], source))):
                return True
        return False

    def verify(self, tag: str, now: date, lookups: Lookups, *, days: int) -> Proof:
        """Tell what a tag proves, within so many days."""
        return verify_tag(tag, self._keys, now, days=days, lookup=lookups.addressee)

    def days_for(self, report: Report) -> int:
        """Return how long a tag holds for such a report."""
        answers = bool(report.events) and all(event.kind in _ANSWERS for event in report.events)
        return self._trust.answer_days if answers else self._trust.bounce_days

    def signed_recipient(self, message: Message) -> str | None:
        """Return the one recipient that the returned mail names under our DKIM signature."""
        return signed_recipient(_returned_block(message), self._dkim_keys) if self._dkim_keys else None


class _Case:
    """One report, and what was found about it."""

    def __init__(self, assessor: Assessor, report: Report, item: Item, message: Message, lookups: Lookups, now: date) -> None:  # noqa: PLR0913, PLR0917  what a case is made of
        self._assessor = assessor
        self._report = report
        self._item = item
        self._message = message
        self._lookups = lookups
        self._fields: Fields = [(name.lower(), value) for name, value in message.headers.items()]
        returned = message.original(in_text=True) if item.reports is None else _as_told(report)
        self._returned: Fields = [(name.lower(), value) for name, value in returned.items()] if returned else []
        self._status: Fields = _status_fields(message)
        self._tags = self._find(now)

    @cached_property
    def _is_made_here(self) -> bool:
        return self._assessor.is_made_here(self._fields)

    @cached_property
    def _is_believed(self) -> bool:
        return self._assessor.is_believed(self._fields)

    @cached_property
    def _signed_recipient(self) -> str | None:
        return self._assessor.signed_recipient(self._message)

    @cached_property
    def _looks_ours(self) -> bool:
        senders = (address for name, value in self._returned if name in _SENDERS for address in addresses_in(value))
        return any(self._assessor.is_ours(unwrap(address).rpartition("@")[2]) for address in senders)

    @cached_property
    def _mailed_to(self) -> list[str]:
        """The addresses of ours that the report was sent to."""
        said = [one for wanted in _ADDRESSED for name, value in self._fields if name == wanted for one in addresses_in(value)]
        return [one for one in (self._item.recipient or "", *said) if self._assessor.is_ours(one.rpartition("@")[2])]

    def _find(self, now: date) -> list[Tagged]:
        """Return the tags of the report, each once, those whose place is surest first."""
        days = self._assessor.days_for(self._report)
        envid = self._report.original.envid if self._report.original else None
        places = [("the envelope recipient", self._item.recipient or "")]
        places += [(name, value) for wanted in _OWN for name, value in self._fields if name == wanted]
        places += [("ENVID", envid or "")]
        places += [(name, value) for name, value in self._status if name in _STATUS]
        places += [(f"the returned {name}", value) for wanted in _RETURNED for name, value in self._returned if name == wanted]
        found: dict[str, str] = {}
        for where, value in places:
            for tag in find_tags(value):
                found.setdefault(tag.lower(), where)
        return [Tagged(tag, where, self._assessor.verify(tag, now, self._lookups, days=days)) for tag, where in list(found.items())[:_MOST_TAGS]]

    def _choose(self) -> tuple[Tagged | None, set[int]]:
        """Return the tag that counts, and the events that it is about: those that name its recipient, or all where none does."""
        chosen = next((tag for tag in self._tags if tag.addressee is not None), None)
        if chosen is None or chosen.addressee is None:
            return None, set()
        whom = chosen.addressee.recipient
        named = {at for at, event in enumerate(self._report.events) if same(event.recipient, whom) or same(event.original_recipient, whom)}
        return chosen, named or set(range(len(self._report.events)))

    def _alarms(self) -> list[str]:
        alarms = [_ALARMING[tag.proof.fault] for tag in self._tags if tag.proof.fault in _ALARMING]
        named = {comparable(tag.addressee.recipient) for tag in self._tags if tag.addressee is not None}
        return [*alarms, "tags-disagree"] if len(named) > 1 else alarms

    def standings(self) -> Iterator[Standing]:
        """Yield the standing of each event."""
        tag, about = self._choose()
        shared = self._alarms()
        for at, event in enumerate(self._report.events):
            alarms = [*shared]
            chosen = tag if at in about else None
            if self._item.voucher is not None and chosen is None:
                found = _vouched(event, self._item.voucher)
            elif event.kind in _ANSWERS:
                found = self._of_answer(event, chosen, alarms)
            else:
                found = self._of_tag(event, chosen, alarms) if chosen else self._of_mail(event, alarms)
            account = self._item.voucher.stream if self._item.voucher is not None else None
            yield msgspec.structs.replace(found, alarms=tuple(dict.fromkeys(alarms)), account=account)

    def _of_tag(self, event: Event, tag: Tagged, alarms: list[str]) -> Standing:
        who = tag.addressee or Addressee("")
        before = self._lookups.named(tag.tag) if self._lookups.named else ()
        if len({comparable(name[:LONGEST]) for name in (*before, event.recipient) if name}) > _MOST_NAMED:
            alarms.append("tag-shared")
        forwarded = event.kind is not Kind.UNSUBSCRIBE and differs(event, who.recipient)
        because = f"the tag in {tag.where} is ours (key {tag.proof.key}, issued {tag.proof.issued})"
        return Standing(grade=Trust.SIGNED, recipient=who.recipient, stream=who.stream, tag=tag.tag, forwarded=forwarded, because=because)

    def _of_answer(self, event: Event, tag: Tagged | None, alarms: list[str]) -> Standing:
        if event.kind is Kind.UNSUBSCRIBE:
            return self._of_tag(event, tag, alarms) if tag else Standing(grade=Trust.NONE, because="an unsubscribe needs a tag of ours")
        if not self._is_believed and self._item.voucher is None:
            alarms.append("source-unproved")
            return Standing(grade=Trust.NONE, because="the complaint is from no source that is authenticated and believed")
        found = self._of_tag(event, tag, alarms) if tag else self._of_log(event)
        return found or Standing(grade=Trust.NONE, because="neither tag nor Message-ID says whose complaint it is")

    def _of_mail(self, event: Event, alarms: list[str]) -> Standing:
        return (
            self._of_own_mta(event, alarms)
            or self._of_log(event)
            or self._of_signature(event)
            or self._of_looks(event, alarms)
            or Standing(grade=Trust.NONE, because="nothing ties it to mail of ours")
        )

    def _of_own_mta(self, event: Event, alarms: list[str]) -> Standing | None:
        named = _named(event)
        host = event.reporting_mta
        if event.kind not in _MTA_KINDS or named is None or not self._assessor.is_own_host(host):
            return None
        if self._is_made_here:
            because = f"{host} is ours, and the report came from no other"
        elif queue := self._bounced(named):
            because = f"the log of {host} has {queue} as bounced"
        else:
            alarms.append("own-mta-from-outside")
            return None
        return Standing(grade=Trust.OWN_MTA, recipient=named, forwarded=differs(event, named), because=because)

    def _bounced(self, named: str) -> str | None:
        queue = next((value for name, value in self._status if name == "x-postfix-queue-id"), None)
        return queue if queue and self._lookups.bounced is not None and self._lookups.bounced(queue, named) else None

    def _of_log(self, event: Event) -> Standing | None:
        original = self._report.original
        named = _named(event)
        if original is None or self._lookups.sent is None:
            return None
        for what, value in (("ENVID", original.envid), ("Message-ID", original.message_id)):
            key = (value or "").strip().strip("<>").strip()
            whom = self._lookups.sent(key, named) if key else None
            if whom is not None and (named is None or same(whom, named)):
                return Standing(grade=Trust.KNOWN, recipient=whom, forwarded=differs(event, whom), because=f"the sent log has the {what} for this recipient")
        return None

    def _of_signature(self, event: Event) -> Standing | None:
        named = _named(event)
        if named is None or not same(self._signed_recipient, named):
            return None
        because = "our DKIM signature on the returned mail covers a To that names this recipient"
        return Standing(grade=Trust.DKIM, recipient=named, forwarded=differs(event, named), because=because)

    def _of_looks(self, event: Event, alarms: list[str]) -> Standing | None:
        named = _named(event)
        if not self._looks_ours:
            return None
        said = (verp_names(address, named) for address in self._mailed_to)
        if next((not one for one in said if one is not None), False):
            alarms.append("verp-differs")
            return None
        return Standing(grade=Trust.PLAUSIBLE, recipient=named, forwarded=differs(event, named), because="the returned mail has a sender of our domains")


def highest(standings: Iterable[Standing]) -> Trust:
    """Return the highest grade, none where there is nothing."""
    return min((standing.grade for standing in standings), key=_GRADES.index, default=Trust.NONE)


def gaps(settings: Settings, trust: TrustSettings) -> tuple[str, ...]:
    """Return what is not configured, and what it costs: until then little is believed."""
    said = (
        (bool(trust.keys), "keys: without tags nothing proves whom a report is about"),
        (bool(settings.own_hosts), "own_hosts: reports of our own mail servers can't be told from forged ones"),
        (bool(trust.domains), "domains: reports about our mail can't be told from others"),
        (bool(trust.authserv_ids and trust.feedback_sources), "authserv_ids and feedback_sources: no complaint is believed"),
    )
    return tuple(what for there, what in said if not there)


def _vouched(event: Event, voucher: Voucher) -> Standing:
    named = _named(event)
    return Standing(grade=voucher.grade, recipient=named, stream=voucher.stream, forwarded=differs(event, named), because=voucher.because)


def _as_told(report: Report) -> dict[str, str]:
    """Return what a carrier that has read the report itself says of the original's header."""
    if (original := report.original) is None:
        return {}
    said = {"message-id": original.message_id, "from": original.from_, **{name.lower(): value for name, value in original.headers}}
    return {name: value for name, value in said.items() if value}


def _named(event: Event) -> str | None:
    """Return whom a report says that we mailed: ORCPT before the final recipient."""
    return next((name for name in (event.original_recipient, event.recipient) if name and is_address(name)), None)


def differs(event: Event, whom: str | None) -> bool:
    """Tell whether an event names another final recipient; a name without a domain may be the local part."""
    if event.recipient is None or whom is None:
        return False
    final = event.recipient if "@" in event.recipient else f"{event.recipient}@{whom.rpartition('@')[2]}"
    return not same(final, whom)


def _status_fields(message: Message) -> Fields:
    texts = [message.decoded(part, message.limits.status) for part in message.of_type(DELIVERY | FEEDBACK)]
    return [field for text in texts for paragraph in islice(paragraphs(text), 1) for field in paragraph.fields]


_HEADERS_RETURNED: Final = frozenset({"message/rfc822", "message/global", "message/global-headers", "message/rfc822-headers", "text/rfc822-headers"})
_BLOCK: Final = 64 * 1024


def _returned_block(message: Message) -> bytes:
    for part in message.parts:
        if part.content_type in _HEADERS_RETURNED and not part.encoding_is_opaque():
            end, _ = end_of_headers(message.raw, part.body, part.end, _BLOCK)
            return message.raw[part.body : end]
    return b""
