"""Texts that say the same, as one template: what varies from mail to mail is masked, the rest compared word by word (Drain).

    550 5.7.1 customer 4711 left mx3.example.org       customer <num> left <host>
    554 customer 12 left mx1.example.org                         as above

A mask says what stood there; `<*>` stands for words that differ. `<addr>` and `<ip>` are those that rules
see too, so they may be part of a literal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from bounceclass import transcript
from bounceclass.codes import REPLY, STATUS
from bounceclass.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.model import Event

__all__ = ["Group", "Literals", "Templates", "Wordings", "code_of", "literals", "mask", "seen"]

MOST_GROUPS: Final = 2000
MOST_CODES: Final = 12
MOST_WORDS: Final = 200
"""Of one text: the longer it is, the less its end tells."""
LIKENESS: Final = 0.75
"""Of two texts of as many words, the share that must be the same. Rather two groups of one meaning than one of two."""

_CODES: Final = re.compile(rf"(?:{REPLY}(?![\w.])[ :-]*)?(?:[#(\[]*{STATUS}(?![\w.])[)\]]*[ :-]*)?")
_MASKS: Final = re.compile(
    r"(?P<kept><(?:addr|ip|user)>)"
    r"|(?P<url>\bhttps?://[^\s<>\"')\]]+)"
    r"|(?P<host>(?<![\w.-])(?:[a-z0-9_](?:[\w-]*[a-z0-9])?\.)+[a-z]{2,24}(?![\w-]))"
    r"|(?P<id>(?<![\w.-])(?=[a-z_.+=-]{0,200}\d)(?=[\d_.+=-]{0,200}[a-z])(?![\w.+=-]{0,200}\.\.)[\w.+=-]{8,}(?<![.=-]))"
    r"|(?P<num>(?<!\w)\d+(?:[.,:/-]\d+)*(?:(?!\w)|(?=(?:[kmg]i?b|bytes|ms|s|m|h|d|st|nd|rd|th)\b)))"
)
_SHORTEST_NAME: Final = 3
_OPENING: Final = "'\"`<(\\[«„“\u201a\u2018"
_CLOSING: Final = "'\"`>)\\]»“”\u2018\u2019:"
_GAP: Final = re.compile(r"<(?:\*|user|url|host|id|num)>")
_KEPT: Final = re.compile(r"<(?:addr|ip)>")
_WORD: Final = re.compile(r"[a-z]{2,}")
_EDGES: Final = " \t.,:;=/|-\"'()[]{}"
_ALONE: Final = 8
_TOGETHER: Final = 6
"""Letters of a literal that is asked for by itself, and of several."""
_LONGEST: Final = 100
_PIECES: Final = 3


def mask(diagnostic: str, limit: int, recipient: str | None = None) -> str:
    """Return what rules see of a diagnostic, at most `limit` characters, without its codes and with what varies masked.

    So is the name of the recipient, where it is plainly no word of the sentence: "dove-17", or 'dove' in quotes.
    """
    text = seen(diagnostic, limit)
    codes = _CODES.match(text)
    text = text[codes.end() :] if codes else text
    name = transcript.lower(recipient or "").rpartition("@")[0]
    if len(name) >= _SHORTEST_NAME and name in text:
        text = _named(name).sub("<user>", text)
    return _MASKS.sub(lambda match: match[0] if match.lastgroup == "kept" else f"<{match.lastgroup}>", text).strip()


def _named(name: str) -> re.Pattern[str]:
    name = re.escape(name)
    if name.isalpha():
        return re.compile(rf"(?:(?<=[{_OPENING}])|\A){name}(?=[{_CLOSING}])")
    return re.compile(rf"(?<![\w.+-]){name}(?![\w+-])")


def seen(diagnostic: str, limit: int) -> str:
    """Return what rules see of a diagnostic, at most `limit` characters."""
    said = transcript.read(diagnostic)
    return transcript.normalise(diagnostic, said.start, min(said.end, said.start + limit)).text


class Literals(msgspec.Struct, frozen=True):
    """What a rule asks for: `any` of the texts, each of which tells enough by itself, or `all` of them."""

    key: Literal["any", "all"]
    texts: tuple[str, ...]

    def stand_in(self, text: str) -> bool:
        """Tell whether a text has them."""
        return (any if self.key == "any" else all)(one in text for one in self.texts)


def literals(template: str, text: str) -> Literals | None:
    """Return the longest pieces of a template that stand in `text`, as rules see it, the longest first; None where they tell nothing."""
    letters = {piece: _letters(piece) for one in _GAP.split(template) if (piece := _trimmed(one)) in text}
    found = sorted((piece for piece in letters if letters[piece]), key=lambda piece: (-letters[piece], text.index(piece)))
    telling = [piece for piece in found if _tells(piece, _ALONE) and letters[piece] * 2 >= letters[found[0]]]
    if telling:
        return Literals("any", tuple(piece for piece in telling if not any(other != piece and other in piece for other in telling))[:_PIECES])
    together = [piece for piece in found if not any(other != piece and piece in other for other in found)][:_PIECES]
    return Literals("all", tuple(sorted(together, key=text.index))) if _tells(" ".join(together), _TOGETHER) else None


def _trimmed(piece: str) -> str:
    piece = piece.strip(_EDGES)
    if len(piece) > _LONGEST:
        piece = (piece[:_LONGEST].rpartition(" ")[0] or piece[:_LONGEST]).rstrip(_EDGES)
    return piece


def _letters(piece: str) -> int:
    return sum(char.isalpha() for char in _KEPT.sub("", piece))


def _tells(piece: str, least: int) -> bool:
    """Tell whether a piece says something: several words, and not only masks; Han and Hangul say it in few letters, and without blanks."""
    if not piece.isascii():
        return _letters(piece) >= least // 2
    return _letters(piece) >= least and len(_WORD.findall(_KEPT.sub("", piece))) > 1


def code_of(event: Event) -> str:
    """Return reply code and enhanced status as they stand in a group, "550 5.1.1"."""
    return " ".join(str(code) for code in (event.reply_code, event.enhanced_status) if code is not None)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Texts of one template: how many, and the first of them. `codes` are at most MOST_CODES, as they came."""

    kind: str
    count: int
    template: str
    codes: tuple[str, ...]
    example: str | None
    source: str | None


class _Found(msgspec.Struct):
    """What is kept of a group while it grows; `cluster` is Drain's."""

    kind: str
    cluster: Any
    example: str | None
    source: str | None
    first: int
    last: int
    count: int = 0
    codes: dict[str, None] = msgspec.field(default_factory=dict)


class Templates:
    """Sorts texts into groups as they come. At most `most` are kept, so that memory is bounded.

    Where there are more, half of them go: those of the fewest texts, of these the ones not met for the longest.
    `forgotten` counts their texts.
    """

    def __init__(self, most: int = MOST_GROUPS) -> None:
        """Begin without groups; raises MissingExtraError where drain3 is not installed."""
        try:
            from drain3.drain import Drain  # noqa: PLC0415  an extra
        except ImportError as error:
            raise MissingExtraError("drain3", "unknowns") from error  # noqa: EM101  a name, not a message
        self._new = Drain
        self._drains: dict[str, Any] = {}
        self._groups: dict[tuple[str, int], _Found] = {}
        self._most = most
        self.texts = 0
        self.forgotten = 0

    def add(self, kind: str, text: str, *, code: str, example: str | None, source: str | None) -> None:
        """Put a masked text into the group that it belongs to; texts of two kinds never share one."""
        drain = self._drains.get(kind)
        if drain is None:
            drain = self._drains[kind] = self._new(sim_th=LIKENESS)
        self.texts += 1
        cluster, _ = drain.add_log_message(" ".join(text.split()[:MOST_WORDS]))
        key = kind, cluster.cluster_id
        group = self._groups.get(key)
        if group is None:
            self._make_room()
            group = self._groups[key] = _Found(kind, cluster, example, source, self.texts, self.texts)
        group.count += 1
        group.last = self.texts
        if code and len(group.codes) < MOST_CODES:
            group.codes[code] = None

    def _make_room(self) -> None:
        if len(self._groups) < self._most:
            return
        fewest = sorted(self._groups.items(), key=lambda item: (item[1].count, item[1].last))
        for (kind, number), group in fewest[: max(1, self._most // 2)]:
            self.forgotten += group.count
            del self._groups[kind, number], self._drains[kind].id_to_cluster[number]

    def groups(self, at_least: int = 1) -> Iterator[Group]:
        """Yield the groups of at least so many texts: the largest first, of equals the one that was met first."""
        for one in sorted(self._groups.values(), key=lambda one: (-one.count, one.first)):
            if one.count >= at_least:
                template = one.cluster.get_template()
                yield Group(kind=one.kind, count=one.count, template=template, codes=tuple(one.codes), example=one.example, source=one.source)


class Wordings:
    """Sorts texts by their masked wording alone, where drain3 is not installed: the same methods as Templates, more and smaller groups.

    At most `most` are kept; what comes beyond them is only counted, as `forgotten`.
    """

    def __init__(self, most: int = MOST_GROUPS) -> None:
        """Begin without groups."""
        self._groups: dict[tuple[str, str], _Found] = {}
        self._most = most
        self.texts = 0
        self.forgotten = 0

    def add(self, kind: str, text: str, *, code: str, example: str | None, source: str | None) -> None:
        """Put a masked text to those of the same wording."""
        self.texts += 1
        wording = " ".join(text.split()[:MOST_WORDS])
        group = self._groups.get((kind, wording))
        if group is None:
            if len(self._groups) >= self._most:
                self.forgotten += 1
                return
            group = self._groups[kind, wording] = _Found(kind, None, example, source, self.texts, self.texts)
        group.count += 1
        if code and len(group.codes) < MOST_CODES:
            group.codes[code] = None

    def groups(self, at_least: int = 1) -> Iterator[Group]:
        """Yield the groups as Templates does."""
        for (_, wording), one in sorted(self._groups.items(), key=lambda item: (-item[1].count, item[1].first)):
            if one.count >= at_least:
                yield Group(kind=one.kind, count=one.count, template=wording, codes=tuple(one.codes), example=one.example, source=one.source)
