"""Secrets, fetched from where the settings say they are: in the settings, in a file, or in a variable of the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bounceclass.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bounceclass.settings import SecretSource

__all__ = ["read_secret"]


def read_secret(source: SecretSource, environ: Mapping[str, str], what: str) -> bytes:
    """Return a secret; `what` names it in the SettingsError that is raised where it is missing, or said to be in two places."""
    given = [one for one in (source.secret, source.file, source.variable) if one is not None]
    if len(given) != 1:
        msg = f"{what} needs one of secret, file and variable"
        raise SettingsError(msg)
    if source.secret is not None:
        return source.secret.encode()
    if source.file is not None:
        try:
            return Path(source.file).read_bytes().strip()
        except OSError as error:
            msg = f"{what}: {source.file}: {error.strerror or error}"
            raise SettingsError(msg) from error
    if (value := environ.get(source.variable or "")) is None:
        msg = f"{what}: the variable {source.variable} is not set"
        raise SettingsError(msg)
    return value.encode("utf-8", "surrogateescape")
