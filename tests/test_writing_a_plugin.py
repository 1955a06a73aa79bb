"""The plugin that docs/writing-a-plugin.md ends with works as it stands there, and the contract finds what is wrong with others."""

from __future__ import annotations

import hmac
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from bounceclass.engine import Engine
from bounceclass.model import Defect, Event, Kind, Original, Report
from bounceclass.protocols import Forthright, Replayable, Webhook
from bounceclass.testing import CHECKS, NOW, Contract, Example, bodies, broken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

PAGE = Path(__file__).parent.parent / "docs" / "writing-a-plugin.md"
CODE = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[-1]
BODY = b'{"events": [{"id": "e1", "type": "bounced", "email": "ruth@example.net", "reply": "550 5.1.1 user unknown", "message_id": "1@lists.example.com"}]}'
READ = Report(
    kind=Kind.BOUNCE,
    events=(Event(id="e1", kind=Kind.BOUNCE, recipient="ruth@example.net", diagnostic="550 5.1.1 user unknown", reply_code=550),),
    format="acme",
    original=Original(message_id="1@lists.example.com"),
)


def sign(body: bytes, secret: str, now: datetime) -> tuple[dict[str, str], bytes]:
    stamp = str(int(now.timestamp()))
    return {"X-Acme-Signature": f"{stamp},{hmac.digest(secret.encode(), stamp.encode() + b'.' + body, 'sha256').hex()}"}, body


def contract(webhook: Any, **changed: Any) -> Contract:
    module: dict[str, Any] = {}
    exec(compile(CODE, "acme", "exec"), module)  # noqa: S102  our own documentation
    given: dict[str, Any] = {
        "sign": sign,
        "secrets": ("first", "second"),
        "wrong": "third",
        "examples": (Example("bounced", BODY, (READ,)),),
        "unknown": b'{"events": [{"type": "teleported"}]}',
        "window": module["WINDOW"],
    }
    return Contract(webhook=webhook or module["Acme"](), **{**given, **changed})


def test_it_has_at_most_60_lines() -> None:
    assert len(CODE.splitlines()) <= 60


def test_it_keeps_the_contract() -> None:
    assert broken(contract(None)) == []


def test_it_can_be_installed_and_what_it_reads_is_judged(install: Callable[..., None]) -> None:
    install("acme", CODE)
    engine = Engine(plugins=["acme"])
    assert engine.plugins.faults == []
    webhook = engine.plugins.first("webhook")
    assert (isinstance(webhook, Webhook), isinstance(webhook, Forthright), isinstance(webhook, Replayable)) == (True, True, False)
    (report,) = webhook.parse(BODY)
    (event,) = engine.judge(report).events
    assert (event.verdict.advice, event.verdict.reason) == ("suppress", "user-unknown")


# The contract finds what is wrong


class Acme:
    """Acme, with one thing wrong at a time."""

    name = "acme"
    limits: tuple[str, ...] = ("a sentence",)

    def __init__(self, fault: str = "") -> None:
        found: dict[str, Any] = {}
        exec(compile(CODE, "acme", "exec"), found)  # noqa: S102  as above
        self._good = found["Acme"]()
        self._fault = fault
        self._count = 0
        if fault == "says nothing":
            self.limits = ()

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:  # noqa: PLR0911  one a fault
        good: bool = self._good.verify(headers, body, secrets, now)
        match self._fault:
            case "believes everything":
                return True
            case "believes nothing":
                return False
            case "first secret only":
                return bool(self._good.verify(headers, body, secrets[:1], now))
            case "no secret needed":
                return good or (not secrets and "x-acme-signature" in headers)
            case "does not look at the time":
                stamp = headers.get("x-acme-signature", "0,").partition(",")[0]
                return bool(self._good.verify(headers, body, secrets, NOW.fromtimestamp(int(stamp), NOW.tzinfo))) if stamp.isascii() and stamp.isdigit() else False
            case "raises for an odd header":
                return good if headers.get("x-acme-signature", "").isascii() else bool(1 / 0)
        return good

    def parse(self, body: bytes) -> list[Report]:  # noqa: PLR0911  as above
        reports: list[Report] = self._good.parse(body)
        self._count += 1
        match self._fault:
            case "raises for junk":
                return reports if body.startswith(b"{") else [Report(kind=Kind.OTHER)][2:] or [1 / 0]  # type: ignore[list-item]
            case "gives nothing for junk":
                return reports if body.startswith(b"{") else []
            case "gives something else":
                return {}  # type: ignore[return-value]
            case "another each time":
                return [msgspec.structs.replace(reports[0], source=str(self._count))]
            case "takes what is unknown for a bounce":
                return [msgspec.structs.replace(one, kind=Kind.BOUNCE) for one in reports]
            case "reads it otherwise":
                return [msgspec.structs.replace(one, defects=(Defect("x", "y"),)) for one in reports]
        return reports


@pytest.mark.parametrize(
    ("fault", "check", "said"),
    [
        ("believes everything", "authentic", "a post without a signature was believed"),
        ("believes everything", "authentic", "a post whose body is altered was believed"),
        ("believes everything", "authentic", "a post with the header X-Acme-Signature altered was believed"),
        ("believes everything", "authentic", "a post by another secret was believed"),
        ("believes everything", "hostile", "junk without a header was believed: b''"),
        ("believes nothing", "authentic", "a good post was not believed (False): bounced, signed by secret 1"),
        ("first secret only", "authentic", "a good post was not believed (False): bounced, signed by secret 2"),
        ("does not look at the time", "authentic", "a post that is stale was believed"),
        ("does not look at the time", "authentic", "a post that is from the future was believed"),
        ("no secret needed", "authentic", "a post by no secret at all was believed"),
        ("raises for an odd header", "authentic", "the header X-Acme-Signature replaced by junk: verify raised ZeroDivisionError: division by zero"),
        ("raises for junk", "hostile", "parse raised ZeroDivisionError for b''"),
        ("gives nothing for junk", "hostile", "parse gave no Report at all for b''"),
        ("gives something else", "hostile", "parse gave no list of Reports for b''"),
        ("another each time", "hostile", "the same body gave another Report: b''"),
        ("takes what is unknown for a bounce", "unknown", "an event that is in no table isn't of kind `other`"),
    ],
)
def test_the_contract_finds(fault: str, check: str, said: str) -> None:
    assert said in list(CHECKS[check](contract(Acme(fault))))


def test_the_contract_finds_what_reads_otherwise() -> None:
    assert next(CHECKS["examples"](contract(Acme("reads it otherwise")))).startswith("bounced, as documented, reads as ")


@pytest.mark.parametrize("changed", [{"window": None}, {"binds_body": False}])
def test_the_contract_finds_what_is_not_said(changed: dict[str, Any]) -> None:
    assert list(CHECKS["stated"](contract(Acme("says nothing"), **changed))) == ["the ESP signs no time, or not the body, and `limits` don't say so"]


def test_a_good_one_is_good() -> None:
    assert broken(contract(Acme())) == []


def test_hostile_bodies_are_the_same_each_time() -> None:
    assert list(bodies((BODY,))) == list(bodies((BODY,)))
    assert max(map(len, bodies((BODY,)))) > 1_000_000
