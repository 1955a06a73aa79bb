"""One database for what happened, what was decided and what is to be done: all of one report in one transaction.

    with open_store("sqlite:////var/lib/bounceclass/bounces.db").transaction() as ledger: ...

Needs the extra `store`, and `postgresql` for PostgreSQL; neither is imported before a store is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bounceclass.errors import MissingExtraError

if TYPE_CHECKING:
    from bounceclass.store.database import Database

__all__ = ["open_store"]


def open_store(url: str, *, hash_key: bytes | None = None, keep_domains: bool = False, create: bool = True, patience: float = 10.0) -> Database:
    """Open the database that a URL names: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`; create its tables or bring them up to date.

    With `hash_key` addresses are kept as their HMAC, and with `keep_domains` their domains in clear. `create` false
    takes only what is there already. A lock is waited for `patience` seconds.

    Raises StoreError where it can't be opened, is newer than this code, or was made with other names for people;
    MissingExtraError where a library is not installed.
    """
    try:
        from bounceclass.store.database import Database  # noqa: PLC0415  an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "sqlalchemy", "store") from error
    return Database(url, hash_key=hash_key, keep_domains=keep_domains, create=create, patience=patience)
