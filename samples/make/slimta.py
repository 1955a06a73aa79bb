"""python-slimta, from PyPI: a library, put together here as its manual does."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Final

from samples.make.mta import MTA, Variant
from samples.make.scenarios import SENDER_HOST

if TYPE_CHECKING:
    from samples.make.host import Host

__all__ = ["SERVER"]

_HOME: Final = "/opt/slimta"
_VERSION: Final = "5.0.5"
_PROGRAM: Final = """import sys
from types import SimpleNamespace
sys.path.insert(0, "{home}")
# It asks setuptools for its version, and setuptools does not know all that pip puts into a folder.
sys.modules["pkg_resources"] = SimpleNamespace(require=lambda name: [SimpleNamespace(version="{version}")])
from gevent import monkey
monkey.patch_all()
from slimta.bounce import Bounce
from slimta.edge.smtp import SmtpEdge
from slimta.policy.headers import AddDateHeader, AddMessageIdHeader, AddReceivedHeader
from slimta.policy.split import RecipientDomainSplit
from slimta.queue import Queue
from slimta.queue.dict import DictStorage
from slimta.relay.smtp.mx import MxSmtpRelay

def backoff(envelope, attempts):
    return {wait} if attempts < {tries} else None

def bounce(envelope, reply):
    return Bounce(envelope, reply, headers_only={headers_only}) if envelope.sender else None

relay = MxSmtpRelay(ehlo_as="{host}", connect_timeout=5, command_timeout=5, data_timeout=5)
queue = Queue(DictStorage(), relay, backoff=backoff, bounce_factory=bounce)
for policy in (AddDateHeader(), AddMessageIdHeader("{host}"), AddReceivedHeader(), RecipientDomainSplit()):
    queue.add_policy(policy)
queue.start()
edge = SmtpEdge(("127.0.0.1", 25), queue, hostname="{host}")
edge.start()
edge.get()
"""
_DEFAULT: Final = ("user-unknown", "user-unknown-lines", "domain-unknown", "several")


def _configure(host: Host, variant: Variant) -> None:
    shutil.copytree(host.cache / "slimta", host.root / _HOME.lstrip("/"))
    settings = {"wait": "1", "tries": "0", "headers_only": "False", **variant.settings}
    host.write(f"{_HOME}/program.py", _PROGRAM.format(home=_HOME, host=SENDER_HOST, version=_VERSION, **settings))


def _start(host: Host, variant: Variant) -> None:
    del variant
    host.spawn(sys.executable, f"{_HOME}/program.py")
    host.wait_for_port()


SERVER: Final = MTA(
    name="slimta",
    pip=(f"python-slimta=={_VERSION}", "pycares<5"),
    configure=_configure,
    start=_start,
    variants=(
        Variant("default", _DEFAULT),
        Variant("expired", ("mailbox-full-later",), {"tries": "2"}, patience=40),
        Variant("headers", ("virus",), {"headers_only": "True"}),
    ),
)
