"""Amazon SES: notifications and event publishing by SNS, over HTTP or by way of SQS.

    [plugins.ses.eu]
    webhook_secrets = [{secret = "arn:aws:sns:eu-west-1:123456789012:bounces"}]

Any AWS account can make SNS sign, so what is believed are topics: the secrets are the ARNs of those
that may post. SNS asks to confirm a subscription; that is never done here, but by the operator.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.errors import MissingExtraError
from bounceclass.esp import Inbound, Posts, TwoWay

try:
    from bounceclass_ses.sns import Sns, named
except ImportError as error:
    raise MissingExtraError("cryptography", "ses") from error  # noqa: EM101  a name, not a message
from bounceclass_ses.events import read, split

if TYPE_CHECKING:
    from bounceclass.protocols import Source, Webhook

__all__ = ["LIMITS", "PACK", "Acting", "Listening", "Settings", "plugin", "webhook"]

PACK: Final = Path(__file__).with_name("ses.toml")
LIMITS: Final = (
    "SNS signs for any AWS account, so only topics are believed: the secrets are their ARNs",
    "a subscription is never confirmed here: do it in the SNS console, or by aws sns confirm-subscription",
    "raw message delivery isn't signed, and is refused: leave it off",
)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.ses]`."""

    region: str | None = None
    """With it, the account's own suppression list in that region is kept; credentials come from where boto3 finds them."""
    api_url: str | None = None
    """Another address of SES's API: a VPC endpoint."""
    scope: str | None = None
    """The list or stream whose entries go there, besides those that hold everywhere."""


def webhook(sns: Sns) -> Posts:
    """Return what verifies by an Sns and reads SES's events."""
    return Posts("ses", sns.verify, read, limits=LIMITS, split=split, replay=named)


class Listening(Inbound):
    """Hears SES by posts, and by queues."""

    def bounceclass_source(self, url: str) -> Source | None:
        """Open a queue: `sqs:` and its URL."""
        return _queue(url, self.bounceclass_webhook())


class Acting(TwoWay):
    """The same, and keeps the account's list."""

    def bounceclass_source(self, url: str) -> Source | None:
        """Open a queue: `sqs:` and its URL."""
        return _queue(url, self.bounceclass_webhook())


def _queue(url: str, posts: Webhook) -> Source | None:
    if not url.startswith("sqs:"):
        return None
    from bounceclass_ses.queue import Queue  # noqa: PLC0415  needs boto3

    return Queue(url, posts.parse)


def plugin(settings: Settings) -> Listening | Acting:
    """Make an instance; with a region, one that keeps the account's list there."""
    inbound = Listening(webhook(Sns()), (PACK,))
    if settings.region is None:
        return inbound
    from bounceclass_ses.remote import LIMITS as ACTING  # noqa: PLC0415  needs boto3
    from bounceclass_ses.remote import Listing  # noqa: PLC0415  as above

    return Acting(inbound, Listing(settings.region, settings.api_url), scope=settings.scope, limits=ACTING)
