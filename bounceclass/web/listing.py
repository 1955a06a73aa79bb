"""`/v1/suppressions` and `/v1/sent`: what the commands `suppressions` and the sent log do, for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from litestar import Request, delete, get, post
from litestar.exceptions import HTTPException
from litestar.params import Parameter

from bounceclass import byhand
from bounceclass.store.records import Past, Selection, Sent
from bounceclass.web.document import PROBLEMS
from bounceclass.web.shapes import Added, Checked, Lifted, Listed, NewSuppressions, Recorded, SentLog, in_utc, reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.handlers import HTTPRouteHandler

    from bounceclass.model import Reason
    from bounceclass.outgoing import Outgoing
    from bounceclass.store.database import Database

__all__ = ["listing"]

READ: Final = "suppressions:read"
WRITE: Final = "suppressions:write"
_LARGEST: Final = 2**63 - 1
Cursor = Annotated[int, Parameter(ge=0, le=_LARGEST, description="What `next` was; by default from the beginning.")]
Limit = Annotated[int, Parameter(ge=1, le=1000)]
Whom = Annotated[str, Parameter(min_length=1, max_length=1000)]
OfScope = Annotated[str | None, Parameter(query="scope", min_length=1, max_length=1000)]
OfReason = Annotated[str | None, Parameter(description="A reason of docs/verdicts.md.")]
Asked = Request[Any, Any, Any]


def listing(store: Database, outgoing: Outgoing) -> Sequence[HTTPRouteHandler]:
    """Return the routes."""

    @get("/suppressions", sync_to_thread=True, opt={"scope": READ}, responses=PROBLEMS)
    def list_(  # noqa: PLR0913, PLR0917  the query's
        cursor: Cursor = 0,
        limit: Limit = 100,
        address: Whom | None = None,
        domain: Whom | None = None,
        stream: OfScope = None,  # litestar gives ASGI's scope to what is named so
        reason: OfReason = None,
        everything: Annotated[bool, Parameter(query="all", description="What is lifted or has run out, too.")] = False,  # noqa: FBT002  as above
    ) -> Listed:
        """List who is suppressed, in the order of entry."""
        now = datetime.now(UTC)
        selection = Selection(address=address, domain=domain, stream=stream, reason=_known(reason), active_at=None if everything else now)
        found = store.page(selection, now, after=cursor, limit=limit)
        return Listed(suppressions=found, next=str(found[-1].id) if len(found) == limit else None)

    @get("/suppressions/check", sync_to_thread=True, opt={"scope": READ}, responses=PROBLEMS)
    def check(address: Whom, stream: OfScope = None) -> Checked:
        """Tell whether an address, or its domain, is suppressed now, for all lists or the one that is named: what an MTA asks before it mails."""
        found = store.suppression_of(address, stream, datetime.now(UTC))
        return Checked(suppressed=found is not None, suppression=found)

    @get("/suppressions/why", sync_to_thread=True, opt={"scope": READ}, responses=PROBLEMS)
    def why(address: Whom) -> Past:
        """Tell what suppresses an address or did, what each rests on, and its history."""
        return store.why(address, datetime.now(UTC))

    @post("/suppressions", status_code=200, sync_to_thread=True, opt={"scope": WRITE}, responses=PROBLEMS)
    def add(request: Asked, data: NewSuppressions) -> Added:
        """Suppress addresses or domains. A delivery does not lift what you enter."""
        now = datetime.now(UTC)
        new = byhand.enter(store, outgoing, [one.entry(request.state.who, now) for one in data.suppressions], data.why)
        return Added(added=new, known=len(data.suppressions) - new)

    @delete("/suppressions", status_code=200, sync_to_thread=True, opt={"scope": WRITE}, responses=PROBLEMS)
    def remove(  # noqa: PLR0913, PLR0917  the query's
        request: Asked,
        address: Whom | None = None,
        domain: Whom | None = None,
        stream: OfScope = None,
        reason: OfReason = None,
        why: Annotated[str, Parameter(max_length=1000)] = "removed by the API",
    ) -> Lifted:
        """Lift the entries of one address or domain; what led to them counts no longer."""
        if (address is None) == (domain is None):
            raise HTTPException(status_code=400, detail="Exactly one of address and domain is needed.")
        selection = Selection(address=address, domain=domain, stream=stream, reason=_known(reason))
        return Lifted(lifted=byhand.lift(store, outgoing, selection, by=request.state.who, why=why))

    @post("/sent", status_code=200, sync_to_thread=True, opt={"scope": "sent"}, responses=PROBLEMS)
    def sent(data: SentLog) -> Recorded:
        """Record what you sent, so that reports about it are believed."""
        now = datetime.now(UTC)
        mails = (Sent(mailing=one.mailing, recipient=one.recipient, at=in_utc(one.at) if one.at else now, stream=one.stream) for one in data.sent)
        return Recorded(new=store.record_sent(mails))

    return [list_, check, why, add, remove, sent]


def _known(word: str | None) -> Reason | None:
    """Return the reason of a query; the model takes a word that it doesn't know for `undetermined`, which is not what was asked for."""
    try:
        return None if word is None else reason_of(word)
    except ValueError as error:
        raise HTTPException(status_code=400, detail=str(error)) from error
