"""Posts events and decisions to a URL of yours, signed as Standard Webhooks has it: https://www.standardwebhooks.com/.

    [plugins.webhook]
    url = "https://crm.example.com/bounces"
    secrets = [{ file = "/etc/bounceclass/webhook" }]

One attempt a call. The outbox repeats it, for days and over restarts; to sleep and repeat here would hold up the
plugin's thread, and be forgotten with the process.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from bounceclass.errors import SettingsError
from bounceclass.hookspecs import PREFIX, TOLD
from bounceclass.secret import read_secret
from bounceclass.settings import SecretSource  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass_webhook.dial import Dialler, trusting
from bounceclass_webhook.message import of_decision, of_event
from bounceclass_webhook.outside import networks
from bounceclass_webhook.post import Post
from bounceclass_webhook.signature import Signer
from bounceclass_webhook.target import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from bounceclass.model import Event, Report, Suppression

__all__ = ["Poster", "Settings", "plugin"]

Hook = Literal["bounce", "delay", "delivery", "complaint", "unsubscribe", "auto_reply", "receipt", "suppress", "release"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it is posted, what, and what proves that it is ours."""

    url: str
    """`https:`, and port 443 or one from 1024 on."""
    secrets: tuple[SecretSource, ...]
    """Each `whsec_` and base64 of 24 to 64 random octets; several while one replaces another: all of them sign."""
    hooks: tuple[Hook, ...] = ("bounce", "complaint", "unsubscribe", "suppress", "release")
    """What is posted; nothing else waits in the outbox."""
    allow: tuple[str, ...] = ()
    """Networks within, such as `10.0.0.0/8`, that may be posted to; without it only public addresses are."""
    allow_http: bool = False
    """Whether `http:` will do, and port 80: then anybody on the way may read who was mailed."""
    ca: str | None = None
    """A file of certificates that are trusted instead of the system's."""
    timeout: Annotated[float, msgspec.Meta(gt=0, le=300)] = 10.0
    """Seconds for a whole call; keep it below `limits.hook_seconds`."""

    def __repr__(self) -> str:
        """Leave out what may be secret: a URL, too, may hold a token."""
        return f"Settings(hooks={self.hooks!r})"


class Poster:
    """Has the hooks that are named, and no other: what nobody wants is never written into the outbox."""

    def __init__(self, hooks: tuple[str, ...], post: Post) -> None:
        """Make the hooks."""
        self.post = post
        """What posts, to be closed by who makes many."""
        for hook in hooks:
            setattr(self, f"{PREFIX}{hook}", _telling(hook, post) if hook in TOLD else _acting(hook, post))


def _telling(hook: str, post: Post) -> Callable[..., None]:
    def tell(event: Event, report: Report, key: str) -> None:
        post.send(of_event(hook, event, report, key, post.now()))

    return tell


def _acting(hook: str, post: Post) -> Callable[..., None]:
    def act(suppression: Suppression, key: str) -> None:
        post.send(of_decision(hook, suppression, key, post.now()))

    return act


def plugin(settings: Settings, **given: Any) -> Poster:  # noqa: ANN401  for tests: a clock
    """Return what posts; raises SettingsError, which names the setting and no secret. Connects to nothing yet."""
    if not settings.hooks:
        msg = "hooks: name at least one"
        raise SettingsError(msg)
    allowed = networks(settings.allow)
    target = parse(settings.url, allowed, http=settings.allow_http)
    secrets = [read_secret(one, os.environ, f"secrets[{number}]") for number, one in enumerate(settings.secrets)]
    post = Post(target, Signer(secrets), Dialler(allowed), trusting(settings.ca), settings.timeout, **given)
    return Poster(settings.hooks, post)
