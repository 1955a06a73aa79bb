"""What writers of plugins test with: the contract of a Webhook, checked.

    from bounceclass.testing import CHECKS, Contract, Example, broken

    CONTRACT = Contract(webhook=Acme(), sign=sign, secrets=("one", "two"), examples=(...,), unknown=b'{"event": "new"}')

    def test_the_contract() -> None:
        assert broken(CONTRACT) == []

`sign(body, secret, now)` makes what the ESP would post: headers and body. Each check of CHECKS yields
a sentence for every promise that is not kept:

    authentic   good posts verify, by either of two secrets; an altered body or header, another secret, no
                signature and a stale one do not
    examples    each documented payload reads as the whole Report that is expected
    unknown     an event that the ESP has added since is of kind `other`
    hostile     junk, truncated, huge and deep bodies give Reports, never an exception
    stated      what is not signed, or doesn't expire, stands in `limits`

No check needs the network, a clock or another library; what is random has a fixed seed.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.model import Kind, Report, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bounceclass.protocols import Webhook

    Sign = Callable[[bytes, str, datetime], tuple[dict[str, str], bytes]]

__all__ = ["CHECKS", "NOW", "Contract", "Example", "bodies", "broken", "survives"]

NOW: Final = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
"""When posts are signed here."""
_SMALL: Final = timedelta(seconds=30)
_FUTURE: Final = timedelta(hours=1)


class Example(msgspec.Struct, frozen=True):
    """A documented payload, not signed, and what it must read as."""

    name: str
    body: bytes
    reports: tuple[Report, ...]


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """A Webhook and what its ESP promises.

    `window` is how old a signed time may be, None where the ESP signs none. `binds_body` is false where the
    signature doesn't cover the body. `secrets` are two that both hold while one replaces the other.
    `wrong` is a third, which doesn't. `unknown` is a payload with an event that is in no table.
    """

    webhook: Webhook
    sign: Sign
    secrets: tuple[str, str]
    wrong: str
    examples: tuple[Example, ...]
    unknown: bytes
    window: timedelta | None = None
    binds_body: bool = True


def broken(contract: Contract) -> list[str]:
    """Return every promise that is broken, a sentence each; empty where all are kept."""
    return [f"{name}: {fault}" for name, check in CHECKS.items() for fault in check(contract)]


def survives(webhook: Webhook, body: bytes) -> list[str]:
    """Return what is wrong with how a body, whatever it is, is taken."""
    try:
        reports = webhook.parse(body)
    except Exception as error:  # noqa: BLE001  that it raises is the finding
        return [f"parse raised {type(error).__name__} for {body[:60]!r}"]
    if not isinstance(reports, list) or not all(isinstance(one, Report) for one in reports):
        return [f"parse gave no list of Reports for {body[:60]!r}"]
    if not reports:
        return [f"parse gave no Report at all for {body[:60]!r}"]
    try:
        again = [encode(one) for one in reports] == [encode(one) for one in webhook.parse(body)]
    except Exception as error:  # noqa: BLE001  as above
        return [f"a Report can't be written: {type(error).__name__}, for {body[:60]!r}"]
    return [] if again else [f"the same body gave another Report: {body[:60]!r}"]


def _verify(contract: Contract, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime = NOW) -> bool | str:
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        return contract.webhook.verify(lower, body, secrets, now)
    except Exception as error:  # noqa: BLE001  as above
        return f"verify raised {type(error).__name__}: {error}"


def _authentic(contract: Contract) -> Iterator[str]:
    for example in contract.examples:
        for number, secret in enumerate(contract.secrets, 1):
            headers, body = contract.sign(example.body, secret, NOW)
            yield from _accepted(contract, headers, body, f"{example.name}, signed by secret {number}")
    headers, body = contract.sign(contract.examples[0].body, contract.secrets[0], NOW)
    yield from _rejected(contract, headers, body)
    yield from _altered(contract, headers, body)


def _accepted(contract: Contract, headers: dict[str, str], body: bytes, what: str) -> Iterator[str]:
    for secrets in (contract.secrets, contract.secrets[::-1]):
        if (answer := _verify(contract, headers, body, secrets)) is not True:
            yield f"a good post was not believed ({answer}): {what}"
    if (answer := _verify(contract, headers, body, contract.secrets, NOW + _SMALL)) is not True:
        yield f"a good post of half a minute ago was not believed ({answer}): {what}"


def _rejected(contract: Contract, headers: dict[str, str], body: bytes) -> Iterator[str]:
    others, forged = contract.sign(contract.examples[0].body, contract.wrong, NOW)
    attempts: list[tuple[str, Mapping[str, str], bytes, tuple[str, ...], datetime]] = [
        ("by no secret at all", headers, body, (), NOW),
        ("by another secret", others, forged, contract.secrets, NOW),
        ("while another secret holds", headers, body, (contract.wrong,), NOW),
    ]
    if headers or body != contract.examples[0].body:
        attempts.append(("without a signature", {}, contract.examples[0].body, contract.secrets, NOW))
    if contract.window is not None:
        attempts += [
            ("that is stale", headers, body, contract.secrets, NOW + contract.window + _SMALL),
            ("that is from the future", headers, body, contract.secrets, NOW - _FUTURE),
        ]
    for what, given, raw, secrets, now in attempts:
        if (answer := _verify(contract, given, raw, secrets, now)) is not False:
            yield f"a post {what} was believed" if answer is True else f"a post {what}: {answer}"


def _altered(contract: Contract, headers: dict[str, str], body: bytes) -> Iterator[str]:
    for name, value in headers.items():
        for what, changed in (("altered", _turned(value)), ("emptied", ""), ("replaced by junk", "\xff=;,\ud800")):
            if (answer := _verify(contract, {**headers, name: changed}, body, contract.secrets)) is not False:
                yield f"a post with the header {name} {what} was believed" if answer is True else f"the header {name} {what}: {answer}"
    if contract.binds_body:
        for what, raw in (("altered", _swapped(body)), ("cut", body[:-1]), ("empty", b""), ("longer", body + b" x")):
            if (answer := _verify(contract, headers, raw, contract.secrets)) is not False:
                yield f"a post whose body is {what} was believed" if answer is True else f"a body that is {what}: {answer}"


def _turned(value: str) -> str:
    """Change a character in the middle, which in base64 and hex always counts."""
    place = len(value) // 2
    return value[:place] + ("A" if value[place : place + 1] != "A" else "B") + value[place + 1 :]


def _swapped(body: bytes) -> bytes:
    """Change a letter in the middle of a body."""
    place = next((at for at in range(len(body) // 2, len(body)) if chr(body[at]).isalnum()), len(body) // 2)
    return body[:place] + (b"z" if body[place : place + 1] != b"z" else b"y") + body[place + 1 :]


def _examples(contract: Contract) -> Iterator[str]:
    for example in contract.examples:
        _, body = contract.sign(example.body, contract.secrets[0], NOW)
        for what, raw in (("as documented", example.body), ("as signed", body)):
            yield from survives(contract.webhook, raw)
            if tuple(contract.webhook.parse(raw)) != example.reports:
                yield f"{example.name}, {what}, reads as {[encode(one).decode() for one in contract.webhook.parse(raw)]}"


def _unknown(contract: Contract) -> Iterator[str]:
    yield from survives(contract.webhook, contract.unknown)
    if not all(report.kind is Kind.OTHER for report in contract.webhook.parse(contract.unknown)):
        yield "an event that is in no table isn't of kind `other`"


def _hostile(contract: Contract) -> Iterator[str]:
    for body in bodies(tuple(example.body for example in contract.examples)):
        yield from survives(contract.webhook, body)
        if (answer := _verify(contract, {}, body, contract.secrets)) is not False:
            yield f"junk without a header was believed: {body[:60]!r}" if answer is True else str(answer)


def bodies(good: tuple[bytes, ...]) -> Iterator[bytes]:
    """Yield bodies that nobody should post: made of good ones, and of nothing; the same ones each time."""
    yield from (b"", b"\0", b"null", b"true", b"[]", b"{}", b"[{}]", b"[[]]", b"0", b'"x"', b"\xff\xfe", b"{}\n{}", b"a=1&b=%zz", b"{" * 200_000)
    yield b"[" * 100_000 + b"]" * 100_000
    yield b'{"event-data":' * 50_000 + b"1" + b"}" * 50_000
    yield b'[{"event":"bounce","email":"' + b"a" * 1_000_000 + b'"}]'
    yield b'{"a": ' + b"9" * 5000 + b"}"
    yield b"[" + b",".join([b"{}"] * 20_000) + b"]"
    chance = random.Random(8)  # noqa: S311  no secret hangs on it
    for body in good:
        for _ in range(12):
            yield body[: chance.randrange(len(body))]
            place = chance.randrange(len(body))
            yield body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]
        yield from _misshapen(body)


def _misshapen(body: bytes) -> Iterator[bytes]:
    """Put a value of another shape wherever a JSON body has one."""
    try:
        tree = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return
    paths = list(_paths(tree))
    shapes: tuple[object, ...] = (None, 1.5, -1, "", "\u2028", [], [None], {}, {"a": [{}]}, True, 10**30)
    for strange in shapes:
        for path in paths:
            yield msgspec.json.encode(_with(tree, path, strange))


def _paths(tree: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    children: list[tuple[str | int, object]] = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    for name, child in children:
        yield (*path, name)
        yield from _paths(child, (*path, name))


def _with(tree: object, path: tuple[str | int, ...], value: object) -> object:
    if not path:
        return value
    if isinstance(tree, dict):
        return {name: _with(child, path[1:], value) if name == path[0] else child for name, child in tree.items()}
    assert isinstance(tree, list)  # noqa: S101  the path leads there
    return [_with(child, path[1:], value) if place == path[0] else child for place, child in enumerate(tree)]


def _stated(contract: Contract) -> Iterator[str]:
    webhook = contract.webhook
    if not isinstance(webhook.name, str) or not webhook.name:
        yield "the Webhook has no name"
    limits = getattr(webhook, "limits", ())
    if (contract.window is None or not contract.binds_body) and not limits:
        yield "the ESP signs no time, or not the body, and `limits` don't say so"
    if not all(isinstance(one, str) and one for one in limits):
        yield "`limits` are not sentences"


CHECKS: Final[dict[str, Callable[[Contract], Iterator[str]]]] = {
    "authentic": _authentic,
    "examples": _examples,
    "unknown": _unknown,
    "hostile": _hostile,
    "stated": _stated,
}
"""The checks by name, for a test that is parametrised over them."""
