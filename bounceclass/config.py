"""`bounceclass.toml`: what an operator writes, as Settings.

    own_hosts = ["mx.example.com"]
    packs = ["mine.toml"]              beside this file

    [plugins.file]
    path = "/var/lib/bounceclass/suppressions.csv"

The file is named by `--config` or BOUNCECLASS_CONFIG, and never looked for: a folder of bounces must
not bring one along.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from bounceclass.errors import SettingsError
from bounceclass.settings import DEFAULT, Settings

__all__ = ["VARIABLE", "read", "settings_from"]

VARIABLE: Final = "BOUNCECLASS_CONFIG"


def settings_from(path: str | None) -> Settings:
    """Return the settings of a file, else of the one that BOUNCECLASS_CONFIG names, else the defaults."""
    path = path or os.environ.get(VARIABLE)
    return read(path) if path else DEFAULT


def read(path: str) -> Settings:
    """Read a configuration file; raises SettingsError, which names the file and the spot, where it does not fit."""
    try:
        settings = msgspec.toml.decode(Path(path).read_bytes(), type=Settings)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise SettingsError(msg) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: {str(error).replace('`$.', '`')}"
        raise SettingsError(msg) from error
    folder = Path(path).parent
    keys = tuple(msgspec.structs.replace(key, file=str(folder / key.file)) if key.file else key for key in settings.trust.keys)
    trust = msgspec.structs.replace(settings.trust, keys=keys)
    return msgspec.structs.replace(settings, packs=tuple(str(folder / pack) for pack in settings.packs), trust=trust)
