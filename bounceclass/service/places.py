"""Sources as metrics and health name them: without whose mailbox it is, a password or options."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["kind_of", "label_of"]

_USER: Final = re.compile(r"//[^/]*@")


def label_of(url: str) -> str:
    """Return a source's URL as it may be shown."""
    return _USER.sub("//", url.partition("?")[0], count=1)


def kind_of(url: str) -> str:
    """Return what kind of source it is: what its URL begins with."""
    return url.partition(":")[0].lower()
