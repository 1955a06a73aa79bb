"""Reporting bounces to listmonk, which counts them by its own settings: https://listmonk.app/docs/bounces/.

Only such as blame the recipient, for listmonk asks neither why nor whose fault. Once each: `source`
carries a hash of the event's key, and is looked for before anything is posted.
"""

from __future__ import annotations

import logging
import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.errors import Refused
from bounceclass.model import Advice, Kind
from bounceclass.wrapping import is_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bounceclass.model import Event, Report
    from bounceclass_listmonk.api import Api

__all__ = ["Bounces"]

LOG: Final = logging.getLogger("bounceclass")
_SUBSCRIBER, _CAMPAIGN = "x-listmonk-subscriber", "x-listmonk-campaign"
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BLAMING: Final = frozenset({Advice.SUPPRESS, Advice.COUNT})
_LONGEST: Final = 500
"""Characters of a diagnostic in `meta`."""


class Bounces:
    """The bounce records of one listmonk."""

    def __init__(self, api: Api, types: Mapping[str, str], source: str, *, by_address: bool) -> None:
        """Keep whom to tell, and as what."""
        self._api = api
        self._types = types
        self._source = source
        self._by_address = by_address

    def post(self, event: Event, report: Report, key: str) -> None:
        """Report an event, where it blames somebody who is known and is not there yet."""
        kind = self._type(event)
        if kind == "none" or not (who := self._who(event, report)):
            return
        source = f"{self._source}:{blake2b(key.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"
        if self._is_there(source):
            return
        body = {**who, "source": source, "type": kind, "meta": _meta(event, key)}
        if campaign := _uuid(report, _CAMPAIGN):
            body["campaign_uuid"] = campaign
        self._api.send("POST", "/webhooks/bounce", body)

    def _type(self, event: Event) -> str:
        verdict = event.verdict
        if verdict.advice not in _BLAMING:
            return "none"
        default = "complaint" if event.kind is Kind.COMPLAINT else self._types[verdict.advice]
        return self._types.get(verdict.reason, default)

    def _who(self, event: Event, report: Report) -> dict[str, str]:
        """Say who it is about: what only a mail of listmonk's own brings back, else, by choice, the address that we mailed."""
        if uuid := _uuid(report, _SUBSCRIBER):
            return {"subscriber_uuid": uuid}
        address = event.original_recipient or event.recipient
        if self._by_address and address and is_address(address):
            return {"email": address}
        LOG.info("listmonk: a bounce is not reported: no X-Listmonk-Subscriber came back", extra={"plugin": "listmonk"})
        return {}

    def _is_there(self, source: str) -> bool:
        data = self._api.get("/api/bounces", {"source": source, "per_page": "1"})
        try:
            return any(one["source"] == source for one in data["results"])
        except (TypeError, KeyError):
            msg = "listmonk answered with no list of bounces"
            raise Refused(msg) from None


def _uuid(report: Report, field: str) -> str | None:
    headers = report.original.headers if report.original else ()
    return next((value.strip() for name, value in headers if name.lower() == field and _UUID.fullmatch(value.strip())), None)


def _meta(event: Event, key: str) -> str:
    """Return JSON as text, as its documentation has it."""
    verdict = event.verdict
    told = {
        "reason": verdict.reason,
        "advice": verdict.advice,
        "reply_code": event.reply_code,
        "enhanced_status": event.enhanced_status,
        "diagnostic": event.diagnostic and event.diagnostic[:_LONGEST],
        "key": key,
    }
    return msgspec.json.encode(told).decode()
