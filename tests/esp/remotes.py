"""Plugins that act on a server on loopback, and the entries that they are told of."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bounceclass.model import Reason, Suppression
from bounceclass.settings import SecretSource
from tests.esp.loopback import Server
from tests.esp.signers import URL, VENDORS, module

if TYPE_CHECKING:
    from tests.esp.loopback import Server


ADDRESS = "ruth+x@example.net"
SECRET = "s3cret-key"  # noqa: S105  no server but ours takes it
MORE: dict[str, dict[str, Any]] = {
    "mailgun": {"domain": "lists.example.com"},
    "mailjet": {"api_user": "public"},
    "mailersend": {"domain_id": "dom1"},
    "mandrill": {"url": URL, "subaccount": "lists"},
    "mailtrap": {"domain_id": 7},
}
NAMES = [name for name in VENDORS if name != "ses"]


def key(text: str) -> SecretSource:
    return SecretSource(secret=text)


def entry(address: str | None = ADDRESS, reason: Reason = Reason.USER_UNKNOWN, **more: Any) -> Suppression:
    return Suppression(address=address, reason=reason, since=datetime(2026, 3, 9, tzinfo=UTC), by="policy", **more)


def acting(name: str, server: Server, **more: Any) -> Any:
    plugin = module(name)
    if name == "ses":
        listing = importlib.import_module("bounceclass_ses.remote").Listing("eu-west-1", server.url, 0.4, 1000)
        return importlib.import_module("bounceclass.esp").TwoWay(plugin.plugin(plugin.Settings()), listing)
    settings = {"api_key": SecretSource(secret=SECRET), "api_url": server.url, **MORE.get(name, {}), **more}
    return plugin.plugin(plugin.Settings(**settings))


def asked(server: Server) -> list[tuple[str, str, Any]]:
    return [(one.method, one.path, one.body) for one in server.asked]


GONE = "/ruth+x@example.net".replace("+", "%2B")
