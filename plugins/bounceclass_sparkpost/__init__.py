"""SparkPost (Bird): batches of events. Nothing is signed: the secret is `user:password` of basic auth, or the token of OAuth 2.

    [{"msys": {"message_event": {"type": "bounce", "bounce_class": "10", "raw_rcpt_to": "ruth@example.net", "error_code": "550",
                                 "raw_reason": "550 5.1.1 ...", "event_id": "...", "timestamp": "1773057600"}}}]

`raw_reason` is what the remote said, `reason` the same with what varies taken out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bounceclass.esp import Inbound, ListSettings, Posts, TwoWay, by_password, secret_text
from bounceclass.http import Api
from bounceclass.model import Kind, Report
from bounceclass.payload import Outcome, Record, nothing, report, unknown

__all__ = ["LIMITS", "PACK", "Settings", "plugin", "webhook"]

PACK: Final = Path(__file__).with_name("sparkpost.toml")
LIMITS: Final = ("SparkPost signs nothing: a password or a token over TLS is all the proof; no time is signed, so an old post is known by its bytes only",)
_NAME: Final = "sparkpost"
_KINDS: Final = {
    "bounce": Kind.BOUNCE,
    "out_of_band": Kind.BOUNCE,
    "policy_rejection": Kind.BOUNCE,
    "generation_failure": Kind.BOUNCE,
    "generation_rejection": Kind.BOUNCE,
    "delay": Kind.DELAY,
    "delivery": Kind.DELIVERY,
    "spam_complaint": Kind.COMPLAINT,
    "list_unsubscribe": Kind.UNSUBSCRIBE,
    "link_unsubscribe": Kind.UNSUBSCRIBE,
}
_CLASSES: Final = {"60": Kind.AUTO_REPLY, "100": Kind.AUTO_REPLY, "90": Kind.UNSUBSCRIBE, "80": Kind.OTHER}
"""Classes of what is called a bounce there and is none."""
_SILENT: Final = frozenset({
    "injection", "sms_status", "open", "initial_open", "click", "amp_open", "amp_initial_open", "amp_click", "relay_injection", "relay_rejection",
    "relay_delivery", "relay_tempfail", "relay_permfail", "ab_test_completed", "ab_test_cancelled", "success", "error",
})  # fmt: skip
_SUPPRESSED: Final = "suppressed"
_ADMIN: Final = "25"


class Settings(ListSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.sparkpost]`."""

    token_header: str | None = None
    """Besides basic auth: the header in which a token is sent."""
    api_url: str = "https://api.sparkpost.com"


def read(record: Record) -> Report:
    """Return what one event says; an empty one is a ping."""
    classes = record.raw("msys")
    event = Record(next(iter(classes.values()), None)) if isinstance(classes, dict) else Record(None)
    word = event.text("type") or ""
    kind = _KINDS.get(word)
    if kind is None:
        return nothing(_NAME) if word in _SILENT or classes == {} else unknown(_NAME, word)
    if kind is Kind.BOUNCE:
        kind = _CLASSES.get(event.text("bounce_class") or "", kind)
    if kind is Kind.OTHER:
        return nothing(_NAME)
    said = event.text("raw_reason") or event.text("reason")
    return report(
        _NAME,
        kind,
        Outcome(event.text("raw_rcpt_to") or event.text("rcpt_to"), said, None, event.number("error_code")),
        label=_label(kind, event, said or ""),
        id_=event.text("event_id"),
        at=event.moment("timestamp"),
        remote_mta=event.text("ip_address") if kind in {Kind.BOUNCE, Kind.DELAY, Kind.DELIVERY} else None,
        message_id=event.text("transmission_id") or event.text("message_id"),
        sender=event.text("msg_from"),
        subject=event.text("subject"),
        tags=event.texts("campaign_id") + event.texts("rcpt_tags"),
    )


def _label(kind: Kind, event: Record, said: str) -> str | None:
    """Return the class of a bounce, the feedback type of a complaint; class 25 is told apart by what SparkPost itself says."""
    if kind is Kind.COMPLAINT:
        return event.text("fbtype")
    class_ = event.text("bounce_class")
    return f"{_ADMIN}/{_SUPPRESSED}" if class_ == _ADMIN and _SUPPRESSED in said.lower() else class_


def webhook(header: str | None = None) -> Posts:
    """Return what verifies by a password, or by a token in a header, and reads the posts."""
    return Posts(_NAME, by_password(header), read, limits=LIMITS, replay=lambda headers, _: headers.get("x-messagesystems-batch-id"))


def plugin(settings: Settings) -> Inbound | TwoWay:
    """Make an instance; with a key for the API, one that keeps the list there."""
    inbound = Inbound(webhook(settings.token_header), (PACK,))
    if settings.api_key is None:
        return inbound
    from bounceclass_sparkpost.remote import LIMITS as ACTING  # noqa: PLC0415  for those who act only
    from bounceclass_sparkpost.remote import Listing  # noqa: PLC0415  as above

    key = secret_text(settings.api_key, "plugins.sparkpost.api_key")
    api = Api("sparkpost", settings.api_url, {"Authorization": key})
    return TwoWay(inbound, Listing(api), scope=settings.scope, limits=ACTING)
