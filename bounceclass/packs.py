r"""Rule packs: TOML files of providers and rules, and the finder that runs them.

A rule is literals, then a pattern, run on normalised text (`transcript.normalise`); all its
conditions must hold. Rules are asked in file order, the user's packs first: the first match wins.

    [rules.no-such-user]
    reason  = "user-unknown"
    any     = ["user unknown", "no such user"]     one of these stands in the text
    all     = ["recipient"]                        each of these
    none    = ["sender"]                           none of these
    guards  = ["sender"]                           none of the pack's [guards] of that name
    pattern = 'over (?P<limit>\d+)'               `re`, after the literals; its groups fill details
    reply   = [550]   status = ["5.1.1", "x.7.1", "5.7.606-5.7.649"]   command = ["rcpt"]
    provider = "microsoft"                         only there; such a rule is surer (.97 against .9)
    kind    = "auto-reply"                         of events of this kind; not given: bounces and delays
    label   = ["Transient/MailboxFull"]            the source's own word, where no text or code says more; it
                                                   stands alone, and holds for reports of the pack's name
    matches = ["550 5.1.1 <user@example.org> user unknown"]
    misses  = ["550 5.1.8 sender user unknown"]

`matches` and `misses` are examples, held by `packcheck`. Finding is cheap because all literals are
looked for at once (`literals`).
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.compiled import compiled
from bounceclass.errors import KnowledgeError
from bounceclass.literals import literals
from bounceclass.model import Details  # noqa: TC001  msgspec reads the annotations at run time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

__all__ = ["OURS", "Facts", "Finder", "Match", "Pack", "Provider", "Rule", "load", "load_ours", "our_paths", "status_range"]

OURS: Final = ("autoreplies.toml", "providers.toml", "refusals.toml", "phrases.toml", "languages.toml", "lastly.toml")
"""Our own packs in `data/packs/`, in the order in which they are asked."""

PROVIDER_CONFIDENCE: Final = 0.97
PHRASE_CONFIDENCE: Final = 0.9
LABEL_CONFIDENCE: Final = 0.6
"""What another's verdict is worth: enough to count, not to suppress."""


class Rule(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One row of a pack, as written; the module's docstring says what each key means."""

    reason: str
    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    pattern: str | None = None
    reply: tuple[int, ...] = ()
    status: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    provider: str | None = None
    kind: str = ""
    label: tuple[str, ...] = ()
    permanence: str | None = None
    scope: str | None = None
    confidence: float | None = None
    details: Details | None = None
    matches: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()


class Provider(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """How a provider is known: ends of its MX hosts' names, recipient domains, its own wording."""

    hosts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Pack(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """A file of rules; `name` is filled from the file's name. `guards` are lists that rules refuse by name."""

    name: str = ""
    title: str = ""
    source: str = ""
    guards: dict[str, tuple[str, ...]] = {}
    providers: dict[str, Provider] = {}
    rules: dict[str, Rule] = {}


class Facts(msgspec.Struct, frozen=True, gc=False):
    """All that a rule may look at: `text` is normalised, `provider` a name of a pack or None.

    `kind` is empty for a bounce or delay: a rule is of these unless it names another kind.
    """

    text: str
    reply_code: int | None = None
    status: str | None = None
    command: str | None = None
    provider: str | None = None
    kind: str = ""


class Match(msgspec.Struct, frozen=True, gc=False):
    """A rule that holds: where in the normalised text, and what its pattern found."""

    rule: Rule
    name: str
    pack: str
    start: int
    end: int
    groups: tuple[tuple[str, int, int], ...] = ()
    """Details that the pattern found: key and place."""

    @property
    def confidence(self) -> float:
        """How far a rule of this kind is believed, 0..1, unless the rule says otherwise."""
        if self.rule.confidence is not None:
            return self.rule.confidence
        if self.rule.label:
            return LABEL_CONFIDENCE
        return PROVIDER_CONFIDENCE if self.rule.provider else PHRASE_CONFIDENCE


def load(path: str | Path, *, examples: bool = True) -> Pack:
    """Read a pack file; raise KnowledgeError, naming the file and the spot, where it is none.

    Without `examples`, which only `packcheck` asks for and which are four fifths of the text, it is
    read in a fifth of the time.
    """
    path = Path(path)
    try:
        if not examples and path in our_paths():
            return compiled(path, Pack, lambda data: _decode(_EXAMPLES.sub(b"", data), str(path), path.stem), Path(__file__))
        data = path.read_bytes()
    except OSError as error:
        raise KnowledgeError(str(path), error.strerror or str(error)) from error
    return _decode(data if examples else _EXAMPLES.sub(b"", data), str(path), path.stem)


def our_paths() -> tuple[Path, ...]:
    """Return the files of the packs that come with bounceclass, in order."""
    folder = Path(__file__).with_name("data") / "packs"
    return tuple(folder / name for name in OURS)


def load_ours() -> tuple[Pack, ...]:
    """Return the packs that come with bounceclass, in order, without their examples."""
    return tuple(load(path, examples=False) for path in our_paths())


_EXAMPLES: Final = re.compile(rb"^(?:matches|misses) = \[(?:\n(?: +[^\n]*\n)*\]\n|[^\n]*\]\n)", re.MULTILINE)
"""An array of examples as our own packs write it: on one line, or closed by a bracket at the line's start."""


def _decode(data: bytes, where: str, name: str) -> Pack:
    try:
        pack = msgspec.toml.decode(data, type=Pack)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KnowledgeError(where, str(error)) from error
    return msgspec.structs.replace(pack, name=pack.name or name)


class _Row:
    """A rule made ready: its pattern compiled when first needed, its status ranges as tuples."""

    def __init__(self, rule: Rule, name: str, pack: Pack) -> None:
        self.rule = rule
        self.name = name
        self.pack = pack.name
        self.refused = (*rule.none, *(word for guard in rule.guards for word in pack.guards.get(guard, ())))
        self._any: dict[int, int] = {}
        self._all: frozenset[int] = frozenset()
        self._none: frozenset[int] = frozenset()

    def number(self, numbers: dict[str, int]) -> tuple[int, ...]:
        """Take the literals' numbers, made where there is none yet; return those of which one stands in each text that fits."""
        rule = self.rule
        self._any = {numbers.setdefault(word, len(numbers)): place for place, word in enumerate(rule.any)}
        required = [numbers.setdefault(word, len(numbers)) for word in rule.all]
        self._all = frozenset(required)
        self._none = frozenset(numbers.setdefault(word, len(numbers)) for word in self.refused)
        return tuple(self._any) or tuple(required[:1])

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """The compiled pattern; a bad one is reported with its rule."""
        if self.rule.pattern is None:
            return None
        try:
            return re.compile(self.rule.pattern)
        except (re.error, OverflowError, RecursionError) as error:
            where = f"{self.pack}: rules.{self.name}.pattern"
            raise KnowledgeError(where, str(error)) from error

    @cached_property
    def statuses(self) -> tuple[tuple[_Status, _Status], ...]:
        """The status conditions as ranges, both ends within."""
        return tuple(status_range(text) for text in self.rule.status)

    def match(self, facts: Facts, found: AbstractSet[int]) -> Match | None:
        """Return the match where every condition of the rule holds; `found` are the literals of the text, by number."""
        literal = self._literal(found) if self._fits(facts) else None
        if literal is None:
            return None
        if self.pattern is None:
            start = facts.text.find(literal)
            return Match(self.rule, self.name, self.pack, start, start + len(literal or facts.text))
        seen = self.pattern.search(facts.text)
        if seen is None:
            return None
        groups = tuple([(key, *seen.span(key)) for key in self.pattern.groupindex if seen[key]])
        return Match(self.rule, self.name, self.pack, *seen.span(), groups)

    def _fits(self, facts: Facts) -> bool:
        """Tell whether all holds that is not about the text."""
        rule = self.rule
        return (
            rule.kind == facts.kind
            and (rule.provider is None or rule.provider == facts.provider)
            and (not rule.reply or facts.reply_code in rule.reply)
            and (not rule.command or facts.command in rule.command)
            and (not rule.status or _within(facts.status, self.statuses))
        )

    def _literal(self, found: AbstractSet[int]) -> str | None:
        """Return the literal that stands in the text, "" where none is asked for, None where one is missing or refused."""
        if not self._none.isdisjoint(found) or not self._all <= found:
            return None
        if self._any:
            places = [self._any[number] for number in found if number in self._any]
            return self.rule.any[min(places)] if places else None
        return self.rule.all[0] if self.rule.all else ""


_Status = tuple[int, int, int]
_ANY: Final = 999


def status_range(text: str) -> tuple[_Status, _Status]:
    """Read "5.1.1", "x.1.1", "5.7.*" or "5.7.606-5.7.649" as a range; ValueError on anything else."""
    low, _, high = text.partition("-")
    return _status_end(low, 0), _status_end(high or low, _ANY)


def _status_end(text: str, wild: int) -> _Status:
    class_, subject, detail = text.split(".")
    return (wild if class_ == "x" else int(class_), wild if subject == "*" else int(subject), wild if detail == "*" else int(detail))


def _within(status: str | None, ranges: Sequence[tuple[_Status, _Status]]) -> bool:
    if status is None:
        return False
    place = _status_end(status, 0)
    for low, high in ranges:  # noqa: SIM110  `any` of a generator takes thrice as long, and each rule of a status asks
        if low[0] <= place[0] <= high[0] and low[1] <= place[1] <= high[1] and low[2] <= place[2] <= high[2]:
            return True
    return False


class Finder:
    """All rules of several packs, ready to be asked; never changes once built."""

    def __init__(self, packs: Iterable[Pack]) -> None:
        """Index the rules: by their literals, by reply code, by provider."""
        self.providers: dict[str, Provider] = {}
        self._rows: list[_Row] = []
        self._labels: dict[tuple[str, str], Match] = {}
        for pack in packs:
            self.providers = {**pack.providers, **self.providers}
            self._rows += (_Row(rule, name, pack) for name, rule in pack.rules.items() if not rule.label)
            for name, rule in pack.rules.items():
                for label in rule.label:
                    self._labels.setdefault((pack.name, label), Match(rule, name, pack.name, 0, len(label)))
        self._by_reply: dict[int, list[int]] = {}
        self._by_provider: dict[str | None, list[int]] = {}
        numbers = self._index()
        self._domains = {domain: name for name, one in reversed(self.providers.items()) for domain in one.domains}
        self._hosts = {host: name for name, one in reversed(self.providers.items()) for host in one.hosts}
        self._of_host = lru_cache(maxsize=1024)(partial(_by_end, names=self._hosts))
        self._of_domain = lru_cache(maxsize=1024)(partial(_by_end, names=self._domains))
        spoken = ((word, name) for name, one in self.providers.items() for word in one.words)
        self._speakers: dict[int, tuple[int, str]] = {}
        for rank, (word, name) in enumerate(spoken):
            self._speakers.setdefault(numbers.setdefault(word, len(numbers)), (rank, name))
        self._by_reasons: dict[AbstractSet[str], frozenset[int]] = {}
        # The provider and the rules are asked for one after the other about the same text.
        self._within = lru_cache(maxsize=1)(literals(tuple(numbers)).within)

    def _index(self) -> dict[str, int]:
        """Enter each rule under what may find it; return the numbers of the literals."""
        numbers: dict[str, int] = {}
        self._by_literal: dict[str | None, dict[int, list[int]]] = {None: {}}
        for place, row in enumerate(self._rows):
            rule = row.rule
            places = self._by_literal.setdefault(rule.provider, {})
            for number in row.number(numbers):
                places.setdefault(number, []).append(place)
            if rule.any or rule.all:
                continue
            for code in rule.reply:
                self._by_reply.setdefault(code, []).append(place)
            if not rule.reply:
                self._by_provider.setdefault(rule.provider, []).append(place)
        return numbers

    def of_label(self, format_: str, label: str) -> Match | None:
        """Return the rule of the pack of that name for a source's own word, None where there is none; the pack asked first is taken."""
        return self._labels.get((format_, label))

    def find(self, facts: Facts, among: AbstractSet[str] | None = None) -> Match | None:
        """Return the first rule, in order, that holds, with `among` of those for one of these reasons; None where no rule speaks."""
        found = self._within(facts.text)
        places = self._candidates(facts, found)
        for place in sorted(places if among is None else places & self._of_reasons(among)):
            if (match := self._rows[place].match(facts, found)) is not None:
                return match
        return None

    def _of_reasons(self, reasons: AbstractSet[str]) -> frozenset[int]:
        if reasons not in self._by_reasons:
            self._by_reasons[reasons] = frozenset(place for place, row in enumerate(self._rows) if row.rule.reason in reasons)
        return self._by_reasons[reasons]

    def find_all(self, facts: Facts) -> Iterator[Match]:
        """Yield every rule that holds, in order."""
        found = self._within(facts.text)
        for place in sorted(self._candidates(facts, found)):
            if (match := self._rows[place].match(facts, found)) is not None:
                yield match

    def _candidates(self, facts: Facts, found: AbstractSet[int]) -> set[int]:
        by_literal = self._by_literal[None]
        places = {place for number in found if number in by_literal for place in by_literal[number]}
        places.update(self._by_provider.get(None, ()), self._by_reply.get(facts.reply_code or 0, ()))
        if facts.provider is not None:
            by_literal = self._by_literal.get(facts.provider, {})
            places.update(self._by_provider.get(facts.provider, ()), *[by_literal[number] for number in found if number in by_literal])
        return places

    def provider(self, hosts: Iterable[str | None], domain: str | None, text: str) -> str | None:
        """Name the provider by an MX host that answered, else by its own wording, else by the domain."""
        for host in hosts:
            name = self._of_host(host) if host else None
            if name is not None:
                return name
        if text and (spoken := self._speakers.keys() & self._within(text)):
            return min(self._speakers[number] for number in spoken)[1]
        return self._of_domain(domain) if domain else None


def _by_end(host: str, names: dict[str, str]) -> str | None:
    """Look a host name up, then each domain above it."""
    host = host.lower().rstrip(".")
    while host:
        if host in names:
            return names[host]
        _, _, host = host.partition(".")
    return None
