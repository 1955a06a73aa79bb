"""The words: what one input said about each recipient, and what it means.

Frozen msgspec Structs, written as JSON by `encode` and read back by `decode`. Within a `version`
keys and words are only added, so a reader ignores unknown keys and takes an unknown word for the
last member of its enum (`other`, `undetermined`, `none`, `review`).

The rule that keeps people from being silenced by mistake stands in `Verdict.__post_init__`.
"""

from __future__ import annotations

import re
from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "COMMANDS",
    "REPLY_UNLOGGED",
    "SHARED_REPLY",
    "UNJUDGED",
    "UNKNOWN_LOG",
    "UNREAD",
    "Action",
    "Advice",
    "Decision",
    "Defect",
    "Details",
    "Event",
    "Evidence",
    "Kind",
    "Original",
    "Permanence",
    "Reason",
    "Report",
    "Scope",
    "Suppression",
    "Trust",
    "Verdict",
    "clean_text",
    "decode",
    "encode",
    "gravest",
]

COMMANDS: Final = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body")
"""The phases of an SMTP session in which a refusal may come; `body` is after the final dot."""


class Word(StrEnum):
    """A closed word of the contract; a word of a later version is read as the last member."""

    @classmethod
    def _missing_(cls, value: object) -> Self:  # noqa: ARG003  enum's signature
        return list(cls)[-1]


class Kind(Word):
    """What happened to the mail; the order is from grave to harmless."""

    BOUNCE = "bounce"
    DELAY = "delay"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    DELIVERY = "delivery"
    AUTO_REPLY = "auto-reply"
    RECEIPT = "receipt"
    OTHER = "other"


class Permanence(Word):
    """Whether this message, repeated unchanged, would be refused again, by what the remote said."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    UNDETERMINED = "undetermined"


class Scope(Word):
    """Whose problem it is."""

    ADDRESS = "address"
    DOMAIN = "domain"
    SENDER = "sender"
    MESSAGE = "message"
    SYSTEM = "system"
    NONE = "none"


class Advice(Word):
    """What one such event, alone and believed, calls for."""

    SUPPRESS = "suppress"
    COUNT = "count"
    RETRY = "retry"
    FIX = "fix"
    IGNORE = "ignore"
    REVIEW = "review"


class Action(Word):
    """What the policy makes of an event: `hold` waits for the operator."""

    SUPPRESS = "suppress"
    RELEASE = "release"
    COUNT = "count"
    HOLD = "hold"
    NONE = "none"


class Trust(Word):
    """Is a report about mail that we sent? From proof to nothing; what each grade may do is the policy's."""

    SIGNED = "signed"
    OWN_MTA = "own-mta"
    KNOWN = "known"
    DKIM = "dkim"
    PLAUSIBLE = "plausible"
    NONE = "none"


class Reason(Word):
    """Why the mail was not delivered; the last ten are of events that are no failure."""

    USER_UNKNOWN = "user-unknown"
    ADDRESS_INVALID = "address-invalid"
    MAILBOX_FULL = "mailbox-full"
    MAILBOX_DISABLED = "mailbox-disabled"
    ADDRESS_MOVED = "address-moved"
    OWNER_CHANGED = "owner-changed"
    RECIPIENT_FILTERED = "recipient-filtered"
    MEMBERS_ONLY = "members-only"
    DOMAIN_UNKNOWN = "domain-unknown"
    DOMAIN_NO_MAIL = "domain-no-mail"
    SENDER_REJECTED = "sender-rejected"
    AUTHENTICATION_FAILED = "authentication-failed"
    BAD_REPUTATION = "bad-reputation"
    IP_BLOCKED = "ip-blocked"
    NO_REVERSE_DNS = "no-reverse-dns"
    RATE_LIMITED = "rate-limited"
    TOO_MANY_RECIPIENTS = "too-many-recipients"
    GREYLISTED = "greylisted"
    RELAY_DENIED = "relay-denied"
    POLICY = "policy"
    SECURITY = "security"
    TLS_FAILED = "tls-failed"
    SPAM = "spam"
    VIRUS = "virus"
    CONTENT = "content"
    UNSUPPORTED = "unsupported"
    NOT_COMPLIANT = "not-compliant"
    TOO_LARGE = "too-large"
    EXPIRED = "expired"
    NETWORK_ERROR = "network-error"
    ROUTING_LOOP = "routing-loop"
    SYSTEM_ERROR = "system-error"
    SYSTEM_FULL = "system-full"
    MAILER_ERROR = "mailer-error"
    PROTOCOL_ERROR = "protocol-error"
    SUPPRESSED = "suppressed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    AUTO_REPLY = "auto-reply"
    CHALLENGE = "challenge"
    ADDRESS_CHANGE = "address-change"
    RECEIPT = "receipt"
    UNDETERMINED = "undetermined"


UNREAD: Final = "unread-notice"
"""The defect of a mail that a mail system wrote and no reader knows: perhaps a bounce."""
SHARED_REPLY: Final = "shared-reply"
"""The defect of a report that has for each recipient what one of them was refused with."""
REPLY_UNLOGGED: Final = "reply-not-logged"
"""The defect of a log's line that has not all of the reply, so that its status may be the log's own guess."""
UNKNOWN_LOG: Final = "unknown-log"
"""The defect of a file that looks like a log, of which no dialect knows a line."""

BLAMABLE: Final = frozenset({Scope.ADDRESS, Scope.DOMAIN})
WITHDRAWN: Final = frozenset({Reason.COMPLAINT, Reason.UNSUBSCRIBE})  # consent taken back: no refusal needed


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """Which rule spoke, on what text. `start` and `end` are offsets in the event's `field`.

    `overrode` is the id of the rule that would have decided otherwise, null where none would.
    """

    rule: str
    pack: str
    field: str
    start: int
    end: int
    text: str
    overrode: str | None = None


class Details(msgspec.Struct, frozen=True, gc=False):
    """What a rule found besides the reason: each a string as written, or null."""

    ip: str | None = None
    domain: str | None = None
    blocklist: str | None = None
    url: str | None = None
    retry_after: str | None = None
    new_address: str | None = None
    limit: str | None = None
    provider: str | None = None
    list: str | None = None


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What an event means, without regard to history. `confidence` is 0..1.

    Raises ValueError at construction, decoding and `msgspec.structs.replace` where the advice
    does not follow from the rest: `suppress` needs permanence permanent (or consent withdrawn)
    and scope address or domain, `count` needs scope address or domain.
    """

    permanence: Permanence
    reason: Reason
    scope: Scope
    advice: Advice
    confidence: float
    details: Details = Details()
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        """Refuse to be a verdict that could silence somebody without cause."""
        if self.advice == "suppress" or self.advice == "count":  # noqa: PLR1714  a set would cost three times as much
            if self.scope not in BLAMABLE:
                msg = f"advice {self.advice} needs scope address or domain, not {self.scope} ({self.reason})"
                raise ValueError(msg)
            if self.advice == "suppress" and self.permanence != "permanent" and self.reason not in WITHDRAWN:
                msg = f"advice suppress needs permanence permanent, not {self.permanence} ({self.reason})"
                raise ValueError(msg)
        if not 0 <= self.confidence <= 1:
            msg = f"confidence is {self.confidence}, not within 0..1"
            raise ValueError(msg)


UNJUDGED: Final = Verdict(Permanence.UNDETERMINED, Reason.UNDETERMINED, Scope.NONE, Advice.REVIEW, 0.0)
"""The verdict of an event that no judge has seen yet."""


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One recipient's outcome. Codes are what the mail or reply states; nothing is invented.

    `recipient` is as written, null where nobody is named; `action` is RFC 3464's word in lower
    case; `diagnostic` is unfolded and without its type; `command` is one of COMMANDS; `label` is
    the source's own verdict; `id` the source's own name for the event.
    """

    id: str | None = None
    kind: Kind
    recipient: str | None = None
    original_recipient: str | None = None
    action: str | None = None
    reply_code: int | None = None
    enhanced_status: str | None = None
    diagnostic: str | None = None
    diagnostic_type: str | None = None
    command: str | None = None
    remote_mta: str | None = None
    reporting_mta: str | None = None
    label: str | None = None
    occurred_at: datetime | None = None
    verdict: Verdict = UNJUDGED


class Defect(msgspec.Struct, frozen=True, gc=False):
    """Something wrong with the input that was read all the same: a closed code, and where."""

    code: str
    where: str


class Original(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename={"from_": "from"}):
    """What came back of the original message; `headers` are those the settings ask for."""

    message_id: str | None = None
    from_: str | None = None
    to: str | None = None
    subject: str | None = None
    list_id: str | None = None
    envid: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Report(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What one input said. `kind` is the gravest of its events'; `format` names the reader."""

    version: int = 1
    source: str | None = None
    kind: Kind
    events: tuple[Event, ...] = ()
    format: str | None = None
    parser: str | None = None
    defects: tuple[Defect, ...] = ()
    original: Original | None = None


class Suppression(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An entry of a suppression list: who is not to be mailed, and why. Exactly one of `address` and `domain` is given.

    `scope` is the list or stream that it holds for, null for all; `until` null for ever; `cause` the
    keys of the events that it rests on; `by` who decided. Raises ValueError where nobody, or both, are named.
    """

    address: str | None = None
    domain: str | None = None
    scope: str | None = None
    reason: Reason
    since: datetime
    until: datetime | None = None
    cause: tuple[str, ...] = ()
    by: str

    def __post_init__(self) -> None:
        """Refuse to be about nobody, or about two."""
        if bool(self.address) == bool(self.domain):
            msg = "a suppression names an address or a domain, one of them"
            raise ValueError(msg)


class Decision(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the policy made of an event, given trust, history and incidents.

    `because` is a sentence for people; `until` when it lapses, null where it does not. `suppression` is what
    `suppress` enters, what `hold` would enter, and what `release` lifts; null for `count` and `none`.
    """

    action: Action
    because: str
    until: datetime | None = None
    suppression: Suppression | None = None


_GRAVITY: Final = {kind: place for place, kind in enumerate(Kind)}
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Report)


def gravest(events: Sequence[Event]) -> Kind:
    """Return the gravest kind among `events`, `other` where there are none."""
    return events[0].kind if len(events) == 1 else min([event.kind for event in events], key=_GRAVITY.__getitem__, default=Kind.OTHER)


def clean_text(text: str) -> str:
    r"""Return `text` as valid Unicode: bytes smuggled in as surrogates become `\xNN`, others U+FFFD."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return _SURROGATE.sub(_spell, text)


def _spell(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else "\ufffd"  # noqa: PLR2004  PEP 383's range


def encode(words: Report | Event | Verdict) -> bytes:
    """Return the JSON of a Report, Event or Verdict: one line, every key, times in UTC with `Z`."""
    return _ENCODER.encode(words)


def decode(data: bytes | str) -> Report:
    """Return the Report that `encode` wrote, in this or any later version of its words.

    Raises msgspec.ValidationError (a ValueError) where the JSON is no Report.
    """
    try:
        return _DECODER.decode(data)
    except msgspec.ValidationError:
        return msgspec.convert(_soften(msgspec.json.decode(data)), Report)


def _soften(tree: Any) -> Any:  # noqa: ANN401  any JSON
    """Turn the advice that hangs on a word of a later version into `review`."""
    events = tree.get("events") if isinstance(tree, dict) else None
    for event in events if isinstance(events, list) else ():
        verdict = event.get("verdict") if isinstance(event, dict) else None
        if isinstance(verdict, dict) and any(_is_later(verdict.get(enum.__name__.lower()), enum) for enum in _JUDGED):
            verdict["advice"] = Advice.REVIEW
    return tree


_JUDGED: Final = (Permanence, Reason, Scope)


def _is_later(word: object, enum: type[Word]) -> bool:
    return isinstance(word, str) and word not in enum.__members__.values()
