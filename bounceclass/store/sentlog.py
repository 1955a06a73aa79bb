"""What was sent, and what trust asks about it."""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select

from bounceclass.store.connection import reading, writing
from bounceclass.store.schema import addresses, queues, sent, tags
from bounceclass.store.statements import earliest, ignoring
from bounceclass.tags import Addressee, fingerprint
from bounceclass.trust import Lookups

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Engine

    from bounceclass.store.naming import Naming
    from bounceclass.store.records import Sent

__all__ = ["lookups", "record_sent", "tag_name"]

_BATCH: Final = 1000

_given: Final = select(sent.c.address, sent.c.recipient).where(sent.c.mailing == bindparam("what")).limit(2)
_printed: Final = select(sent.c.recipient, sent.c.stream).where(sent.c.fingerprint == bindparam("what")).distinct().limit(2)
_queued: Final = select(queues.c.address).where(queues.c.queue == bindparam("what"))
_named: Final = select(tags.c.address).where(tags.c.tag == bindparam("what"))


def record_sent(engine: Engine, naming: Naming, mails: Iterable[Sent]) -> int:
    """Record what was sent, in transactions of 1,000; return how many were new. Their addresses are known from then on."""
    mails, new = iter(mails), 0
    while batch := list(islice(mails, _BATCH)):
        with writing(engine) as connection:
            new += sum(connection.execute(ignoring(connection, sent), _row(naming, mail)).rowcount for mail in batch)
            connection.execute(earliest(connection, addresses), [_known(naming, mail) for mail in batch])
    return new


def _row(naming: Naming, mail: Sent) -> dict[str, Any]:
    return {
        "mailing": naming.hashed(mail.mailing),
        "address": naming.address(mail.recipient),
        "recipient": naming.written(mail.recipient),
        "stream": mail.stream,
        "fingerprint": None if naming.secret else fingerprint(mail.recipient, mail.stream),
        "at": mail.at,
    }


def _known(naming: Naming, mail: Sent) -> dict[str, Any]:
    return {"address": naming.address(mail.recipient), "domain": naming.domain(mail.recipient), "known_since": mail.at}


def tag_name(tag: str) -> str:
    """Return what stands for a tag: the address in it is not to be read from the database."""
    return hashlib.blake2b(tag.lower().encode("utf-8", "replace"), digest_size=16).hexdigest()


def lookups(engine: Engine, naming: Naming) -> Lookups:
    """Return what trust asks, answered from the database."""

    def ask(question: Any, what: str) -> list[Any]:  # noqa: ANN401  a select, its rows
        with reading(engine) as connection:
            return list(connection.execute(question, {"what": what}))

    def addressee(printed: str) -> Addressee | None:
        found = ask(_printed, printed)
        return Addressee(found[0].recipient, found[0].stream) if len(found) == 1 else None

    def given(mailing: str, named: str | None) -> str | None:
        found = ask(_given, naming.hashed(mailing))
        if len(found) != 1:  # an id that several people were given is known to all of them
            return None
        if named is None:
            return found[0].recipient  # type: ignore[no-any-return]
        return found[0].recipient or named if naming.address(named) == found[0].address else None

    def bounced(queue: str, named: str | None) -> bool:
        found = {row.address for row in ask(_queued, queue)}
        return bool(found) if named is None else naming.address(named) in found

    def named(tag: str) -> Collection[str]:
        return [row.address for row in ask(_named, tag_name(tag))]

    return Lookups(addressee=addressee, sent=given, bounced=bounced, named=named)
