"""Checks rule packs: what `bounceclass check` and the tests of our own packs say of one.

Every fault of a file is found, not only the first, and each names its spot: `rules.NAME.any[2]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from bounceclass import transcript
from bounceclass.backtracking import why_slow
from bounceclass.errors import KnowledgeError
from bounceclass.model import COMMANDS, Details, Kind, Permanence, Reason, Scope
from bounceclass.packs import Facts, Finder, status_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bounceclass.packs import Match, Pack, Rule

__all__ = ["Fault", "check", "facts_of", "require_sound"]


class Fault(msgspec.Struct, frozen=True):
    """Something wrong with a pack: where in it, and what."""

    where: str
    what: str


_Found = tuple[str, str]
_WORDS: Final = (("reason", Reason), ("permanence", Permanence), ("scope", Scope))
_UNMASKED: Final = re.compile(r"@|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}")


def require_sound(pack: Pack, path: str, earlier: Sequence[Pack] = ()) -> None:
    """Raise KnowledgeError, naming every spot, where a rule of a pack can't be run."""
    faults = _faults(pack, earlier, (_words, _statuses, _guards, _pattern, _labels, _reach))
    if faults:
        raise KnowledgeError(path, "; ".join(f"{fault.where}: {fault.what}" for fault in faults))


def check(pack: Pack, earlier: Sequence[Pack] = ()) -> list[Fault]:
    """Return the faults of a pack, in file order; `earlier` are packs that are asked before it.

    A provider of another pack may be named where that pack is among `earlier`.
    """
    faults = _faults(pack, earlier, (_words, _statuses, _guards, _literals, _pattern, _labels, _reach, _examples_given))
    if not faults:  # a rule that can't be run has no examples to try
        faults += _shadowed(pack)
        faults += _examples(pack)
    return faults


def _faults(pack: Pack, earlier: Sequence[Pack], checks: Sequence[_Check]) -> list[Fault]:
    named = _Named(set(pack.providers).union(*(one.providers for one in earlier)), set(pack.guards))
    return [Fault(f"rules.{name}{key}", what) for name, rule in pack.rules.items() for one in checks for key, what in one(rule, named)]


class _Named(NamedTuple):
    """What rules may name."""

    providers: set[str]
    guards: set[str]


_Check = Callable[["Rule", _Named], Iterator[_Found]]


def _words(rule: Rule, named: _Named) -> Iterator[_Found]:
    for key, enum in _WORDS:
        word = getattr(rule, key)
        if word is not None and word not in enum.__members__.values():
            yield f".{key}", f"{word!r} is no {key}: known are {', '.join(enum)}"
    if rule.kind and rule.kind not in Kind.__members__.values():
        yield ".kind", f"{rule.kind!r} is no kind"
    yield from ((".command", f"{word!r} is no phase: known are {', '.join(COMMANDS)}") for word in rule.command if word not in COMMANDS)
    if rule.provider is not None and rule.provider not in named.providers:
        yield ".provider", f"{rule.provider!r} is no provider of this pack or one before it"
    if rule.confidence is not None and not 0 <= rule.confidence <= 1:
        yield ".confidence", f"{rule.confidence} is not within 0..1"


def _statuses(rule: Rule, _: _Named) -> Iterator[_Found]:
    for status in rule.status:
        try:
            status_range(status)
        except ValueError:
            yield ".status", f"{status!r} is no status or range, such as 5.1.1, x.7.1, 5.7.* or 5.7.606-5.7.649"


def _guards(rule: Rule, named: _Named) -> Iterator[_Found]:
    yield from ((".guards", f"{name!r} is no table of [guards]") for name in rule.guards if name not in named.guards)


def _literals(rule: Rule, _: _Named) -> Iterator[_Found]:
    for key in ("any", "all", "none"):
        texts: tuple[str, ...] = getattr(rule, key)
        for place, text in enumerate(texts):
            fault = _literal(text, texts[:place])
            if fault:
                yield f".{key}[{place}]", f"{text!r} {fault}"
    if any(guard in text for guard in rule.none for text in rule.all) or all(any(guard in text for guard in rule.none) for text in rule.any or ("",)):
        yield ".none", "the rule can never match: a phrase that it needs holds one that it refuses"


def _literal(text: str, before: Sequence[str]) -> str | None:
    if not text.strip():
        return "is empty"
    if text != transcript.plain(text) or text != re.sub(r"\s+", " ", text):
        return "can never match: rules see lower case, single blanks and straight apostrophes"
    if _UNMASKED.search(text):
        return "can never match: rules see addresses as <addr> and IPs as <ip>"
    return "is covered by an earlier phrase of the rule" if any(other in text for other in before) else None


def _pattern(rule: Rule, _: _Named) -> Iterator[_Found]:
    if rule.pattern is None:
        return
    try:
        slow = why_slow(rule.pattern)
        groups = re.compile(rule.pattern).groupindex
    except re.error as error:
        yield ".pattern", str(error) if error.pos is None else f"{error} at character {error.pos}"
        return
    if slow:
        yield ".pattern", f"may take for ever: {slow}; bound it, as in {{0,60}}"
    for group in groups:
        if group not in Details.__struct_fields__:
            yield ".pattern", f"{group!r} is no detail: known are {', '.join(Details.__struct_fields__)}"


def _labels(rule: Rule, _: _Named) -> Iterator[_Found]:
    others = ("any", "all", "none", "guards", "pattern", "reply", "status", "command", "provider", "kind")
    if rule.label and any(getattr(rule, key) for key in others):
        yield ".label", "stands alone: a rule of a label has no other condition"


def _reach(rule: Rule, _: _Named) -> Iterator[_Found]:
    if not (rule.label or rule.any or rule.all or rule.pattern or rule.reply or rule.status or rule.provider):
        yield "", "has no condition: it would decide everything"


def _examples_given(rule: Rule, _: _Named) -> Iterator[_Found]:
    if not rule.matches and not rule.label:
        yield ".matches", "has no example"


def _shadowed(pack: Pack) -> Iterator[Fault]:
    """Find phrases that never get their turn: an earlier rule without conditions holds a part of them."""
    plain: list[tuple[str, str]] = []
    for name, rule in pack.rules.items():
        for place, text in enumerate(rule.any):
            over = next((f"{other!r} of rules.{owner}" for other, owner in plain if other in text), None)
            if over and rule.kind == "":
                yield Fault(f"rules.{name}.any[{place}]", f"{text!r} is shadowed by {over}")
        if rule.label:
            continue
        if not (rule.all or rule.none or rule.guards or rule.pattern or rule.reply or rule.status or rule.command or rule.provider or rule.kind):
            plain += ((text, name) for text in rule.any)


def _examples(pack: Pack) -> Iterator[Fault]:
    finder = Finder([pack])
    for name, rule in pack.rules.items():
        for key, lines, good in (("matches", rule.matches, _is_first), ("misses", rule.misses, _is_none)):
            for place, line in enumerate(lines):
                fault = good(name, list(finder.find_all(facts_of(line, finder, rule.kind))))
                if fault:
                    yield Fault(f"rules.{name}.{key}[{place}]", f"{line!r} {fault}")


def _is_first(name: str, found: list[Match]) -> str | None:
    if found and found[0].name == name:
        return None
    if not found:
        return "matches no rule"
    return f"is taken by rules.{found[0].name}" + ("" if any(one.name == name for one in found) else ", and this rule does not match it")


def _is_none(name: str, found: Iterable[Match]) -> str | None:
    return "matches, but must not" if any(one.name == name for one in found) else None


def facts_of(line: str, finder: Finder, kind: str = "") -> Facts:
    """Return what rules see of an example line."""
    said = transcript.read(line)
    text = transcript.normalise(line, said.start, said.end).text
    provider = finder.provider((said.remote_host,), None, text)
    return Facts(text, said.reply_code, said.enhanced_status, said.command, provider, kind)

