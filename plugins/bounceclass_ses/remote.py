"""SES's account suppression list, by boto3 (SES v2). Credentials come from where boto3 finds them.

    PUT    /v2/email/suppression/addresses {"EmailAddress": "...", "Reason": "BOUNCE"}
    GET, DELETE /v2/email/suppression/addresses/ADDRESS
    GET    /v2/email/suppression/addresses?NextToken=...       the list, as many at once as SES likes

A complaint that is there is neither overwritten by a bounce nor lifted with one.
One address at a time, one call a second: AWS publishes no rate, and this is what it takes without throttling.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from bounceclass.errors import MissingExtraError, Refused, Retry
from bounceclass.esp import stays
from bounceclass.http import LATER, Pace, checked
from bounceclass.model import Reason
from bounceclass.payload import Record
from bounceclass.remotelist import Listed, Page, named, rows

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
except ImportError as error:
    raise MissingExtraError("boto3", "ses") from error  # noqa: EM101  a name, not a message

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = (
    "SES takes one address at a time, and refuses all of them while the account is in the sandbox",
    "SES has no word for an unsubscribe: it is entered as a complaint",
)
_COMPLAINT: Final = "COMPLAINT"
_COMPLAINTS: Final = frozenset({Reason.COMPLAINT, Reason.UNSUBSCRIBE})
_THROTTLED: Final = frozenset({"TooManyRequestsException", "Throttling", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException"})
_GONE: Final = "NotFoundException"


class Listing:
    """The account's list in one region."""

    batch = 1
    lists = ("suppression list",)

    def __init__(self, region: str, url: str | None = None, timeout: float = 10.0, per_second: float = 1.0) -> None:
        """Make the client; nothing is asked yet. Who calls again is the outbox, so boto3 doesn't."""
        config = Config(connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 1, "mode": "standard"})
        self._client = boto3.client("sesv2", region_name=region, endpoint_url=url, config=config)
        self._pace = Pace(per_second, 2)

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        del key  # it is idempotent as it is
        word = _COMPLAINT if reason in _COMPLAINTS else "BOUNCE"
        for address in addresses:
            if word == _COMPLAINT or self._reason(address) != _COMPLAINT:
                self._call("put_suppressed_destination", EmailAddress=checked(address), Reason=word)

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        del key
        for address in addresses:
            if reason in _COMPLAINTS or not stays("ses", self._reason(address), frozenset({_COMPLAINT}), reason):
                self._call("delete_suppressed_destination", EmailAddress=checked(address))

    def page(self, name: str, after: str | None) -> Page:
        """See Readable."""
        del name  # there is one
        answer = self._call("list_suppressed_destinations", **({} if after is None else {"NextToken": after}))
        return Page(tuple(map(_listed, rows(answer, "SuppressedDestinationSummaries"))), Record(answer).text("NextToken"))

    def _reason(self, address: str) -> str | None:
        """Return why an address is on the list, None where it isn't."""
        return Record(self._call("get_suppressed_destination", EmailAddress=checked(address))).text("SuppressedDestination", "Reason")

    def _call(self, name: str, **given: str) -> object:
        """Make a call; return what was answered, None where there is no such address."""
        self._pace.wait()
        try:
            answer: object = getattr(self._client, name)(**given)
        except ClientError as error:
            self._fail(error)
        except ParamValidationError:
            msg = "SES: the address can't be sent"
            raise Refused(msg) from None
        except BotoCoreError as error:
            raise Retry(LATER, f"SES: {type(error).__name__}") from None  # what it says may hold a credential
        else:
            return answer
        return None

    def _fail(self, error: ClientError) -> None:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code == _GONE:
            return
        why = f"SES answered {status} ({code[:60]})"
        if code in _THROTTLED or status == 429 or status >= 500:  # noqa: PLR2004  RFC 9110, 15.6; RFC 6585
            self._pace.put_off(LATER)
            raise Retry(LATER, why) from None
        raise Refused(why) from None


def _listed(row: Record) -> Listed:
    word = row.text("Reason") or ""
    changed = row.raw("LastUpdateTime")  # boto3 makes a datetime of it
    since = changed if isinstance(changed, datetime) else None
    return Listed(named(row, "EmailAddress"), Reason.COMPLAINT if word == _COMPLAINT else Reason.SUPPRESSED, since, word)
