"""The factory of our samples: real mail servers, refused on loopback by a server of ours.

    sudo python -m samples.make --list
    sudo python -m samples.make postfix exim --into /tmp/samples

Each server runs in network and mount namespaces of its own, on an overlay of this system: nothing is
installed, nothing is written outside the target and the cache of packages. It sends to a second
namespace, "the internet", where our DNS and SMTP servers refuse as `scenarios.toml` says, and where
what comes back is collected as it came.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from samples.make.mta import MTA

__all__ = ["SERVERS", "mta_named"]

SERVERS: Final = ("postfix", "exim", "opensmtpd", "sendmail", "courier", "dma", "nullmailer", "haraka", "slimta", "zonemta")


def mta_named(name: str) -> MTA:
    """Return one of SERVERS: the `SERVER` of the module of that name."""
    return cast("MTA", import_module(f"samples.make.{name}").SERVER)
