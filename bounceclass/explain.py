"""Codes for people: what a code means, when you see it, how to fix it; and how codes differ.

Facts come from codes.toml, prose from one file a language (`data/explain/LANG.toml`) and the words
around it from `words-LANG.toml`. A new language is these two files. A code that nobody defined is
answered from its digits, and says so.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass import codes, knowledge
from bounceclass.codes import Code
from bounceclass.errors import SettingsError
from bounceclass.model import Advice, Permanence, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bounceclass.knowledge import CodeFact

__all__ = ["SECTIONS", "Comparison", "Explanation", "LookAlike", "Texts", "compare", "explain", "languages", "pick_language", "read_codes", "texts"]

SECTIONS: Final = ("meaning", "seen_when", "address", "sender_todo", "receiver_todo", "server_use")
"""The sections of prose behind `summary`, in order; `look_alikes` stands before `address`."""
SURE, UNSURE, REPLY_ONLY = 0.8, 0.4, 0.3


class Brief(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code in five cells, for the table of `compare`."""

    about: str
    retry: str
    who: str
    address: str
    misread: str


class LookAlike(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A line that says something else than its code: what it really is, what to do with the address."""

    line: str
    really: str
    address: str


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The prose about one code; only name and meaning for the less asked."""

    name: str
    meaning: str
    summary: str | None = None
    seen_when: str | None = None
    look_alikes: tuple[LookAlike, ...] = ()
    address: str | None = None
    sender_todo: str | None = None
    receiver_todo: str | None = None
    server_use: str | None = None
    brief: Brief | None = None


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was written by hand about two codes."""

    summary: str
    differences: tuple[tuple[str, str], ...]
    which_when: tuple[tuple[str, str], ...]
    timeline: str
    address: str
    table: dict[str, tuple[str, str]] = {}


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One language's prose."""

    reply: dict[str, Text]
    status: dict[str, Text]
    compare: dict[str, Pair]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """All about one code; prose is null where there is none, `defined` false where nobody defined it."""

    code: str
    name: str
    defined: bool
    permanence: Permanence
    scope: Scope
    reason: str
    advice: Advice
    class_: str = msgspec.field(name="class")
    summary: str | None = None
    meaning: str | None = None
    seen_when: str | None = None
    look_alikes: tuple[LookAlike, ...] = ()
    address: str | None = None
    sender_todo: str | None = None
    receiver_todo: str | None = None
    server_use: str | None = None
    brief: Brief | None = None
    line: str | None = None
    beside: tuple[str, ...] = ()
    """Codes of the other sort that usually stand beside it."""
    answers: tuple[str, ...] = ()
    related: tuple[tuple[str, str], ...] = ()
    source: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Codes side by side: rows of (key, cells), and what was written by hand about the pair."""

    codes: tuple[str, ...]
    summary: str | None
    table: tuple[tuple[str, tuple[str, ...]], ...]
    differences: tuple[tuple[str, str], ...]
    which_when: tuple[tuple[str, str], ...]
    timeline: str | None
    address: str | None
    explanations: tuple[Explanation, ...]


def languages() -> tuple[str, ...]:
    """Return the languages there are texts in."""
    folder = Path(__file__).with_name("data") / "explain"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml") and not name.startswith("words-")))


def pick_language(asked: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """Return the language asked for, else the locale's where there are texts in it, else English.

    Raises SettingsError where it was asked for and there is none.
    """
    known = languages()
    if asked is not None:
        if asked.lower() not in known:
            msg = f"--lang {asked}: known are {', '.join(known)}"
            raise SettingsError(msg)
        return asked.lower()
    locale = next((value for key in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environ.get(key))), "")
    language = locale.partition(".")[0].partition("_")[0].lower()
    return language if language in known else "en"


@cache
def texts(language: str) -> Texts:
    """Return a language's prose."""
    return msgspec.toml.decode(knowledge.data_file(f"explain/{language}.toml"), type=Texts)


@cache
def words(language: str) -> dict[str, dict[str, str]]:
    """Return the words around the prose: titles, classes, scopes, advice."""
    tables = msgspec.toml.decode(knowledge.data_file(f"explain/words-{language}.toml"))
    return {key: table for key, table in tables.items() if isinstance(table, dict)}


def read_codes(arguments: Sequence[str]) -> list[Code]:
    """Read codes; a reply code with a status behind it ("550", "5.1.1") is one. Raises CodeError."""
    found: list[Code] = []
    for argument in arguments:
        code = codes.parse(argument)
        if found and code.reply is None and found[-1].status is None:
            found[-1] = Code(found[-1].reply, code.status)
        else:
            found.append(code)
    return found


def explain(code: Code, language: str = "en") -> Explanation:
    """Explain one code in a language."""
    said, tables = texts(language), words(language)
    fact, text = _entry(code, said)
    class_ = int(str(code)[0]) if code.status is None else int(code.status[0])
    class_ = 4 if _contradicts(code) else class_
    meaning = fact.meaning(class_) if fact else knowledge.Meaning()
    permanence = {4: Permanence.TRANSIENT, 5: Permanence.PERMANENT}.get(class_, Permanence.UNDETERMINED)
    failing = permanence is not Permanence.UNDETERMINED
    scope = meaning.scope if failing else Scope.NONE
    advice = knowledge.advice_table().advice(meaning.reason, scope, permanence, _confidence(code, fact)) if failing else Advice.IGNORE
    about = Explanation(
        code=str(code),
        name=text.name if text else tables["undefined"]["name"],
        defined=fact is not None,
        class_=tables["classes"][str(class_)] if code.status is None else tables["status_classes"][str(class_)],
        permanence=permanence,
        scope=scope,
        reason=meaning.reason,
        advice=advice,
        meaning=None if text else _from_digits(code, tables),
    )
    if fact is None or text is None:
        return about
    contradiction = tables["undefined"]["contradiction"].format(reply=code.reply, status=code.status)
    return msgspec.structs.replace(
        about,
        **{key: getattr(text, key) for key in ("meaning", "seen_when", "look_alikes", "address", "sender_todo", "receiver_todo", "server_use", "brief")},
        summary=contradiction if _contradicts(code) else text.summary,
        line=fact.line,
        beside=fact.statuses if code.status is None else tuple(map(str, fact.replies)),
        answers=fact.answers,
        related=tuple((_shown(name, class_), _name_of(name, said)) for name in fact.related),
        source=fact.source,
    )


def _entry(code: Code, said: Texts) -> tuple[CodeFact | None, Text | None]:
    facts = knowledge.codes()
    if code.status is not None and (fact := facts.of_status(code.status)):
        return fact, said.status.get(codes.subject_of(code.status))
    if code.reply is not None and (code.status is None or facts.of_reply(code.reply)):
        return facts.of_reply(code.reply), said.reply.get(str(code.reply))
    return None, None


def _confidence(code: Code, fact: CodeFact | None) -> float:
    if fact is None:
        return REPLY_ONLY
    if code.status is None:
        return fact.confidence or REPLY_ONLY
    return UNSURE if fact.generic else SURE


def _contradicts(code: Code) -> bool:
    """Tell whether reply and status are failures of different classes: 550 4.2.2."""
    return code.reply is not None and code.status is not None and {code.reply // 100, int(code.status[0])} == {4, 5}


def _from_digits(code: Code, tables: dict[str, dict[str, str]]) -> str:
    undefined = tables["undefined"]
    if code.status is None:
        text = str(code)
        group = tables["groups"].get(text[1])
        key = "reply" if group else "reply_no_group"
        return undefined[key].format(code=text, first=text[0], second=text[1], group=group, **{"class": tables["classes"][text[0]]})
    first, second, _ = code.status.split(".")
    group = tables["subjects"].get(second)
    key = "status" if group else "status_no_group"
    answer = undefined[key].format(code=code.status, second=second, group=group, **{"class": tables["status_classes"][first]})
    return f"{answer} {undefined['private']}"


def _shown(name: str, class_: int) -> str:
    """Return a related code as it would be met: x.1.1 beside a permanent failure is 5.1.1."""
    return name.replace("x", str(class_ if class_ in {2, 4, 5} else 5), 1)


def _name_of(name: str, said: Texts) -> str:
    text = said.status.get(name) if name.startswith("x") else said.reply.get(name)
    return text.name if text else ""


def compare(asked: Sequence[Code], language: str = "en") -> Comparison:
    """Set codes side by side; for the pairs that people ask about with differences written by hand."""
    explained = tuple(explain(code, language) for code in asked)
    pair, turned = _pair(asked, texts(language))
    cells = {key: tuple(reversed(row)) if turned else row for key, row in pair.table.items()} if pair else {}
    rows = ((key, cells.get(key) or tuple(_cell(key, one, language) for one in explained)) for key in words(language)["rows"])
    return Comparison(
        codes=tuple(one.code for one in explained),
        summary=pair.summary if pair else None,
        table=tuple((key, row) for key, row in rows if any(row)),
        differences=pair.differences if pair else (),
        which_when=pair.which_when if pair else (),
        timeline=pair.timeline if pair else None,
        address=pair.address if pair else None,
        explanations=explained,
    )


def _pair(asked: Sequence[Code], said: Texts) -> tuple[Pair | None, bool]:
    """Return the text about a pair, and whether it was asked for the other way round."""
    names = [code.status or str(code.reply) for code in asked]
    if len(names) != 2:  # noqa: PLR2004  a pair
        return None, False
    straight = said.compare.get("/".join(names))
    return (straight, False) if straight else (said.compare.get("/".join(reversed(names))), True)


def _cell(key: str, about: Explanation, language: str) -> str:
    tables = words(language)
    if key == "answers":
        return ", ".join(tables["answers"][answer] for answer in about.answers)
    if key in {"statuses", "replies"}:
        wanted = "statuses" if "." not in about.code.split()[-1] else "replies"
        return ", ".join(about.beside) if key == wanted else ""
    if key in {"name", "class"}:
        return about.name if key == "name" else about.class_
    if key == "defined_in":
        return ", ".join(about.source)
    return getattr(about.brief, key) if about.brief else ""
