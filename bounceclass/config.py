"""`bounceclass.toml`: what an operator writes, as Settings.

    own_hosts = ["mx.example.com"]
    packs = ["mine.toml"]              beside this file

    [store]
    url = "sqlite:////var/lib/bounceclass/bounces.db"

    [policy]
    preset = "mailman"

    [plugins.file]
    path = "/var/lib/bounceclass/suppressions.csv"

The file is named by `--config` or BOUNCECLASS_CONFIG, and never looked for: a folder of bounces must
not bring one along.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from bounceclass.errors import SettingsError
from bounceclass.installed import SECRETS
from bounceclass.presets import PolicySettings
from bounceclass.settings import ApiSettings, SecretSource, Settings, TokenSettings
from bounceclass.spots import line_of

__all__ = ["DEFAULT", "VARIABLE", "Configuration", "read", "settings_from"]

VARIABLE: Final = "BOUNCECLASS_CONFIG"


class Configuration(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a file says: the settings of the Engine, and how verdicts become decisions."""

    policy: PolicySettings = PolicySettings()


DEFAULT: Final = Configuration()


def settings_from(path: str | None) -> Configuration:
    """Return the settings of a file, else of the one that BOUNCECLASS_CONFIG names, else the defaults."""
    path = path or os.environ.get(VARIABLE)
    return read(path) if path else DEFAULT


def read(path: str) -> Configuration:
    """Read a configuration file; raises SettingsError, which names the file, the line and the spot, where it does not fit."""
    raw = b""
    try:
        raw = Path(path).read_bytes()
        settings = msgspec.toml.decode(raw, type=Configuration)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise SettingsError(msg) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        msg = f"{path}:{_line(raw, str(error))}: {str(error).replace('`$.', '`').replace(' - at `$`', '')}"
        raise SettingsError(msg) from error
    folder = Path(path).parent
    trust = msgspec.structs.replace(settings.trust, keys=tuple(_beside(folder, key) for key in settings.trust.keys))
    store = settings.store if settings.store.hash_key is None else msgspec.structs.replace(settings.store, hash_key=_beside(folder, settings.store.hash_key))
    packs = tuple(str(folder / pack) for pack in settings.packs)
    plugins = {name: _secrets_beside(folder, table) for name, table in settings.plugins.items()}
    api = ApiSettings(tokens={name: _token_beside(folder, token) for name, token in settings.api.tokens.items()})
    return msgspec.structs.replace(settings, packs=packs, trust=trust, store=store, plugins=plugins, api=api)


_SYNTAX: Final = re.compile(r"\(at line (\d+)|position (\d+)")
_SPOT: Final = re.compile(r"at `\$\.?([^`]*)`")
_UNKNOWN: Final = re.compile(r"unknown field `([^`]+)`")


def _line(raw: bytes, fault: str) -> int:
    """Return the line that a fault of msgspec is about."""
    if syntax := _SYNTAX.search(fault):
        return int(syntax[1]) if syntax[1] else raw.count(b"\n", 0, int(syntax[2])) + 1
    if fault.endswith("(at end of document)"):
        return raw.count(b"\n") + 1
    return line_of(raw.decode("utf-8", "replace"), ".".join(match[1] for match in (_SPOT.search(fault), _UNKNOWN.search(fault)) if match))


_Source = TypeVar("_Source", bound=SecretSource)


def _token_beside(folder: Path, settings: TokenSettings) -> TokenSettings:
    return settings if settings.token is None else msgspec.structs.replace(settings, token=_beside(folder, settings.token))


def _secrets_beside(folder: Path, table: dict[str, Any]) -> dict[str, Any]:
    """Return a plugin's table in which the files of its webhook's secrets, and of its instances', are found beside the configuration."""
    found = {key: _secrets_beside(folder, value) if isinstance(value, dict) else value for key, value in table.items()}
    if isinstance(secrets := table.get(SECRETS), list):
        found[SECRETS] = [{**one, "file": str(folder / one["file"])} if isinstance(one, dict) and isinstance(one.get("file"), str) else one for one in secrets]
    return found


def _beside(folder: Path, source: _Source) -> _Source:
    return msgspec.structs.replace(source, file=str(folder / source.file)) if source.file else source
