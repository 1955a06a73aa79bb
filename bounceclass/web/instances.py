"""Whose webhooks are taken: the instances of the plugins that are on, each with what its posts are verified with.

    [plugins.ses.eu]
    webhook_secrets = [{ variable = "SES_EU" }, { file = "ses-eu.old" }]        any of them verifies

An instance without a secret has no route.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass.errors import SettingsError
from bounceclass.installed import SECRETS, table_of
from bounceclass.protocols import Forthright, Webhook
from bounceclass.secret import read_secret
from bounceclass.settings import SecretSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bounceclass.plugins import Plugins

__all__ = ["Instance", "instances"]

LOG: Final = logging.getLogger("bounceclass")


class Instance(msgspec.Struct, frozen=True):
    """One that posts are taken for."""

    name: str
    webhook: Webhook
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        """Keep the secrets out of logs."""
        return f"Instance({self.name!r})"


def instances(plugins: Plugins, configured: Mapping[str, Mapping[str, Any]]) -> dict[str, Instance]:
    """Return the instances that have a route, by name. Raises SettingsError for a secret that is missing or empty."""
    found = {}
    for name, webhook in plugins.each("webhook"):
        if not isinstance(webhook, Webhook):
            LOG.error("plugin %s: its webhook has no verify and parse: it has no route", name)
            continue
        secrets = _secrets(name, table_of(name, configured))
        if not secrets:
            LOG.warning("plugin %s: no webhook_secrets: it has no route", name)
            continue
        found[name] = Instance(name, webhook, secrets)
        for limit in webhook.limits if isinstance(webhook, Forthright) else ():
            LOG.info("plugin %s: %s", name, limit)
    return found


def _secrets(name: str, table: Mapping[str, Any]) -> tuple[str, ...]:
    what = f"plugins.{name.replace(':', '.')}.{SECRETS}"
    try:
        sources = msgspec.convert(table.get(SECRETS, []), tuple[SecretSource, ...])
    except msgspec.ValidationError as error:
        msg = f"{what}: {error}"
        raise SettingsError(msg) from error
    secrets = tuple(read_secret(source, os.environ, what).decode("utf-8", "surrogateescape") for source in sources)
    if not all(secrets):
        msg = f"{what}: a secret is empty"
        raise SettingsError(msg)
    return secrets
