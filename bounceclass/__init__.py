"""bounceclass reads what mail systems say about undelivered mail, and says why, whose fault it is and what to do.

    report = bounceclass.classify(raw)              bytes of a mail -> Report
    event = bounceclass.reply("550 5.1.1 x")        an SMTP reply   -> Event
    engine = bounceclass.Engine(settings)           the same with settings, packs and plugins of your own
    @bounceclass.hookimpl(tryfirst=True)            for a plugin's hook that wants to be first

Everything else that is public stands in `bounceclass.model` and `bounceclass.protocols`. Importing this module is light: the
rest is imported when it is first used, flanker at the first mail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bounceclass.engine import Engine
    from bounceclass.hookspecs import hookimpl
    from bounceclass.model import Event, Report
    from bounceclass.settings import Settings

__all__ = ["Engine", "Settings", "classify", "hookimpl", "reply"]

_HOMES = {"Engine": "bounceclass.engine", "Settings": "bounceclass.settings", "hookimpl": "bounceclass.hookspecs"}
_engine: Engine | None = None


def classify(raw: bytes) -> Report:
    """Return what a mail says about each recipient, judged by a default Engine. Never raises on any bytes."""
    return _default().classify(raw)


def reply(text: str, *, host: str | None = None, recipient: str | None = None, command: str | None = None) -> Event:
    """Return the judged event of an SMTP reply: who said so, about whom and in which phase may be given."""
    return _default().reply(text, host=host, recipient=recipient, command=command)


def _default() -> Engine:
    global _engine  # noqa: PLW0603  built at the first call; two threads at once build two equal ones
    if _engine is None:
        from bounceclass.engine import Engine  # noqa: PLC0415  light import

        _engine = Engine()
    return _engine


def __getattr__(name: str) -> Any:  # noqa: ANN401  PEP 562
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(_HOMES[name]), name)
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("bounceclass")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
