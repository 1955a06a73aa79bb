"""An SQS queue that a topic is subscribed to, as a source of `run`: nothing listens, and nothing is lost while we are away.

    sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/bounces

    quarantine=URL      the queue where messages go that can't be processed; without it they stay, for the queue's own redrive policy
    stream=NAME         the account that is spoken for, as the instance of a webhook would be called (ses)

Who may write to a queue is said by its policy, in AWS: let the topic alone. So messages are believed as a signed post is.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from bounceclass.errors import InputError, MissingExtraError, SettingsError
from bounceclass.model import Trust
from bounceclass.payload import as_moment
from bounceclass.protocols import Item, Voucher

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError as error:
    raise MissingExtraError("boto3", "ses") from error  # noqa: EM101  a name, not a message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounceclass.model import Report

__all__ = ["SCHEME", "Queue", "address_of"]

LOG: Final = logging.getLogger("bounceclass")
SCHEME: Final = "sqs:"
_OPTIONS: Final = frozenset({"quarantine", "stream", "region"})
_AT_ONCE: Final = 10
_HIDDEN: Final = 300
"""Seconds in which a message that was given to us is given to nobody else: what a batch may take."""
_MOST: Final = 10_000
"""Messages of one look, so that others get their turn."""


def address_of(url: str) -> tuple[str, dict[str, str]]:
    """Take a URL apart: the queue's own, and the options. Raises SettingsError."""
    address, _, query = url.removeprefix(SCHEME).partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    strange = sorted(set(options) - _OPTIONS)
    parts = urlsplit(address)
    if parts.scheme not in {"https", "http"} or not parts.hostname or not parts.path.strip("/") or strange:
        what = f"has no option {strange[0]}: known are {', '.join(sorted(_OPTIONS))}" if strange else "names no queue: write sqs: and the queue's URL"
        msg = f"{url[:200]}: {what}"
        raise SettingsError(msg)
    return address, options


class Queue:
    """A queue, asked from its first reading on."""

    def __init__(self, url: str, parse: Callable[[bytes], list[Report]]) -> None:
        """Take the URL apart, and what reads a message's body. Nothing is asked."""
        self.url = url
        self._address, options = address_of(url)
        self._quarantine = options.get("quarantine")
        self._voucher = Voucher(grade=Trust.OWN_MTA, because="a message of our own queue in AWS", stream=options.get("stream", "ses"))
        self._parse = parse
        config = Config(connect_timeout=10, read_timeout=30, retries={"total_max_attempts": 2, "mode": "standard"})
        self._client = boto3.client("sqs", region_name=options.get("region") or _region(self._address), config=config)

    def items(self) -> Iterator[Item]:
        """See Source; what SQS gives first comes first, for an ordinary queue knows no order."""
        seen = 0
        while seen < _MOST:
            messages = self._receive()
            if not messages:
                return
            seen += len(messages)
            yield from map(self._item, messages)

    def _receive(self) -> list[dict[str, Any]]:
        try:
            found = self._client.receive_message(
                QueueUrl=self._address, MaxNumberOfMessages=_AT_ONCE, VisibilityTimeout=_HIDDEN, WaitTimeSeconds=0, AttributeNames=["SentTimestamp"]
            )
        except (BotoCoreError, ClientError) as error:
            raise InputError(self.url, _said(error)) from None
        messages: list[dict[str, Any]] = found.get("Messages", [])
        return messages

    def _item(self, message: dict[str, Any]) -> Item:
        raw = str(message.get("Body", "")).encode("utf-8", "surrogatepass")
        return Item(
            raw=raw,
            source=f"{self._address.rpartition('/')[2]}:{message.get('MessageId')}",
            key=f"sqs {message.get('MessageId')}",
            received_at=as_moment(message.get("Attributes", {}).get("SentTimestamp")),
            finish=lambda why: self._finish(message, why),
            reports=tuple(self._parse(raw)),
            voucher=self._voucher,
        )

    def _finish(self, message: dict[str, Any], why: str | None) -> None:
        """Delete a message; one that can't be processed goes into the other queue first."""
        try:
            if why is not None:
                if self._quarantine is None:
                    LOG.warning("%s: stays in the queue, for its redrive policy: %s", message.get("MessageId"), why)
                    return
                reason = {"reason": {"DataType": "String", "StringValue": why[:1000] or "-"}}
                self._client.send_message(QueueUrl=self._quarantine, MessageBody=message["Body"], MessageAttributes=reason)
            self._client.delete_message(QueueUrl=self._address, ReceiptHandle=message["ReceiptHandle"])
        except (BotoCoreError, ClientError) as error:
            raise OSError(_said(error)) from None

    def settle(self) -> None:
        """See Source; each message is deleted when it is finished."""

    def close(self) -> None:
        """See Source; what was not finished appears again in the queue."""
        self._client.close()


def _region(address: str) -> str:
    """Return the region of a queue: https://sqs.REGION.amazonaws.com/..., or the older https://REGION.queue.amazonaws.com/..."""
    labels = (urlsplit(address).hostname or "").split(".")
    return labels[1] if labels[0] == "sqs" and len(labels) > 2 else labels[0] if labels[1:2] == ["queue"] else "us-east-1"  # noqa: PLR2004  a name and two labels


def _said(error: Exception) -> str:
    """Return what went wrong, without what it was asked with."""
    code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
    return f"SQS: {type(error).__name__}{f' {code}' if code else ''}"
