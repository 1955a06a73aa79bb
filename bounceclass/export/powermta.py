"""PowerMTA's bounce categories: a block of its configuration, a pattern a line, the first that matches wins.

    <bounce-category-patterns>
    /no such user/ bad-mailbox
    </bounce-category-patterns>

Source: published configurations; the vendor's guide was not read. Patterns are taken to be Perl's,
asked of the diagnostic of the report, which begins with `smtp;` or with the reply itself and keeps
the codes that further lines of a reply repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.export.patterns import Dialect
from bounceclass.export.rows import Export, Target, head, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.packs import Pack

__all__ = ["TARGET", "export"]

TARGET: Final = Target(
    "powermta",
    Dialect(
        start=r"(?:^(?!smtp;)|(?<=smtp;)(?!\s)|(?<=smtp;\s))",
        blank=r"\s+(?:\d\d\d[-\s][\d.]*\s*)?",  # "550-5.1.1 no such 550 5.1.1 user"
        coded={"/": r"\/", "#": r"\x23"},
    ),
    "other",
)

_ABOUT: Final = ("Not checked against PowerMTA: its engine is taken to be Perl's, and to see `smtp;550 5.1.1 ...`.",)


def export(packs: Sequence[Pack]) -> Export:
    """Return packs as the block of a configuration."""
    kept, left = rows(packs, TARGET)
    lines = [*head(TARGET, kept, left, _ABOUT), "", "<bounce-category-patterns>"]
    for row in kept:
        lines += [f"  # {row.name}", f"  /(?i){row.expression.pattern}/ {row.label}"]
    return Export({"bounce-category-patterns.conf": "\n".join([*lines, "</bounce-category-patterns>", ""])}, kept, left)
