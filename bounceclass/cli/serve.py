"""`bounceclass serve`: webhooks of ESPs are taken in, and the API is served; `run` processes what was taken."""

from __future__ import annotations

import logging
import signal

import click
import msgspec

from bounceclass.cli.lasting import log_as_configured, stop_on_signals
from bounceclass.cli.session import current
from bounceclass.errors import MissingExtraError

__all__ = ["command"]

_CANNOT_LISTEN = 1


@click.command()
@click.option("--host", metavar="ADDRESS", help="Where to listen, instead of the configuration's host.")
@click.option("--port", type=click.IntRange(1, 65535), help="At which port, instead of the configuration's.")
def command(host: str | None, port: int | None) -> int:
    """Take webhooks of ESPs in, and serve the API.

    What is taken lies in the spool before it is answered; `bounceclass run webhooks:FOLDER` processes it. TLS is the matter of a
    proxy before it. It goes on until SIGTERM or Ctrl-C, and then ends when what is in flight is answered.
    """
    try:
        from bounceclass.web.app import served  # noqa: PLC0415  an extra
        from bounceclass.web.server import Server  # noqa: PLC0415  as above
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "litestar", "web") from error
    session = current()
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    configuration = msgspec.structs.replace(session.settings, web=msgspec.structs.replace(session.settings.web, **given))
    log_as_configured(configuration)
    with served(configuration, session.named) as parts:
        session.tell_faults(parts.engine.plugins)
        server = Server(parts.app, configuration.web)
        caught = stop_on_signals(server.stop)
        taken = ", ".join(f"/webhooks/{name}" for name in parts.names) or "no webhooks"
        logging.getLogger("bounceclass").info("http://%s:%d: %s", configuration.web.host, configuration.web.port, taken)
        try:
            server.run()
        except SystemExit:  # uvicorn's way to say that it can't listen; it has said why
            return _CANNOT_LISTEN
    if signal.SIGINT in caught:
        raise KeyboardInterrupt
    return 0
