"""Each export is read back by a reader of its format that knows nothing of ours, and judges the examples of our packs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import bounceclass
from bounceclass import packs, transcript
from bounceclass.export import kumomta, powermta, zonemta
from bounceclass.export.conditions import express
from bounceclass.export.patterns import Dialect, Inexpressible, write_pattern
from bounceclass.model import Reason
from bounceclass.packcheck import facts_of
from bounceclass.packs import Finder, Pack, Rule
from bounceclass.translate import translate, vocabularies, word_of

if TYPE_CHECKING:
    from pathlib import Path

    from bounceclass.export.rows import Export

TARGETS = ("kumomta", "powermta", "zonemta")
MODULES = {"kumomta": kumomta, "powermta": powermta, "zonemta": zonemta}
NOTHING = {name: module.TARGET.nothing for name, module in MODULES.items()}
AGREEMENT = {"kumomta": 0.8, "powermta": 0.92, "zonemta": 0.92}
"""How many of our examples get our word; the rest are of rules that need a host or a phase, or are named for another reason."""
ADDRESS = re.compile(r"[^\s<>@:]+@[^\s<>@:,;]*[^\s<>@:,;.]")


class Line(NamedTuple):
    """A line of an exported file: the comment above it, the label, what it looks for, ZoneMTA's action."""

    name: str
    label: str
    pattern: re.Pattern[str]
    action: str = ""


def read_kumomta(files: dict[str, str]) -> list[Line]:
    lines = []
    for name in sorted(files):
        names = re.findall(r"^  # (.+)$", files[name], re.MULTILINE)
        tables: dict[str, list[str]] = tomllib.loads(files[name])["rules"]
        found = [(label, pattern) for label, patterns in tables.items() for pattern in patterns]
        assert len(names) == len(found)
        # Rust's (?-u) takes letters for ASCII, and (?u:...) takes back; the nearest in Python is re.ASCII.
        lines += [Line(who, label, re.compile(pattern.replace("(?i-u)", "(?i)"))) for who, (label, pattern) in zip(names, found, strict=True)]
    return lines


def read_powermta(files: dict[str, str]) -> list[Line]:
    (text,) = files.values()
    inner = text.partition("<bounce-category-patterns>\n")[2].partition("</bounce-category-patterns>")[0]
    lines, name = [], ""
    for line in inner.splitlines():
        if line.strip().startswith("#"):
            name = line.strip("# ")
            continue
        pattern, _, label = line.strip().rpartition("/ ")
        assert pattern.startswith("/")
        assert not re.search(r"(?<!\\)/", pattern[1:]), line
        lines.append(Line(name, label, re.compile(pattern[1:])))
    return lines


def read_zonemta(files: dict[str, str]) -> list[Line]:
    (text,) = files.values()
    lines, name = [], ""
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            name = line.strip("# ")
            continue
        pattern, action, label, message = line.strip().split(",")
        assert message
        lines.append(Line(name, label, re.compile(pattern, re.IGNORECASE | re.MULTILINE), action))
    return lines


READERS = {"kumomta": read_kumomta, "powermta": read_powermta, "zonemta": read_zonemta}


@cache
def ours() -> tuple[Pack, ...]:
    return tuple(packs.load(path) for path in packs.our_paths())


@cache
def made(target: str) -> Export:
    return import_module(f"bounceclass.export.{target}").export(ours())  # type: ignore[no-any-return]


@cache
def read_back(target: str) -> list[Line]:
    return READERS[target](made(target).files)


@cache
def finder() -> Finder:
    return Finder(ours())


def examples() -> list[str]:
    return sorted({line for pack in ours() for rule in pack.rules.values() if not rule.kind for line in (*rule.matches, *rule.misses)})


def as_seen(target: str, line: str) -> str:
    """What the software would see of an example: the reply, without what our own MTA writes around it."""
    said = transcript.read(line)
    # Addresses are not masked there, as every exported file says: one that spells no word of ours,
    # and has no dot, at which a gap of a pattern may end.
    reply = ADDRESS.sub("q1@q2", line[said.start : said.end])
    if target == "powermta":
        return "smtp;" + reply
    if target == "zonemta":  # lib/bounces.js, formatSMTPResponse
        head = re.match(r"\d{3}[\s-]+([\d.]+\s*)?", reply.strip())
        first = head[0] if head else ""
        return " ".join((first + re.sub(r"(?m)^\d{3}[\s-]+([\d.]+\s*)?", " ", reply.strip()[len(first) :])).split())
    return " ".join(re.sub(r"\s+\d{3}[- ](?:\d\.\d+\.\d+ )?", " ", reply).split()) if "-" in reply[:4] else reply


@cache
def first_of(target: str, text: str) -> Line | None:
    return next((line for line in read_back(target) if line.pattern.search(text)), None)


def named(target: str) -> set[str]:
    """The rules of which the export says that they find less than ours, or nothing."""
    export = made(target)
    return {row.name for row in export.rows if row.expression.narrower} | {one.name for one in export.left}


def wider(target: str) -> set[str]:
    return {row.name for row in made(target).rows if row.expression.wider}


def is_shield(line: Line | None) -> bool:
    return line is not None and (line.name.endswith(", what it refuses") or ": guard " in line.name)


@pytest.mark.parametrize("target", TARGETS)
def test_what_the_export_says_of_our_examples_is_our_word_or_the_rule_is_named(target: str) -> None:
    faults, agreed = [], 0
    for line in examples():
        match = finder().find(facts_of(line, finder()))
        name = f"{match.pack}:{match.name}" if match else None
        word = (match and word_of(Reason(match.rule.reason), target)) or NOTHING[target]
        found = first_of(target, as_seen(target, line))
        label = found.label if found else NOTHING[target]
        agreed += label == word
        forgiven = name in named(target) or is_shield(found) or (found and found.name in wider(target))
        if label != word and not forgiven:
            faults.append((line, name, word, found and found.name, label))
    assert faults == []
    assert agreed / len(examples()) > AGREEMENT[target]


@pytest.mark.parametrize("target", TARGETS)
def test_a_rule_that_is_carried_over_finds_its_examples_and_not_what_it_must_miss(target: str) -> None:
    patterns: dict[str, list[re.Pattern[str]]] = {}
    for line in read_back(target):
        patterns.setdefault(line.name, []).append(line.pattern)
    faults = []
    for row in made(target).rows:
        for lines, wanted, excused in ((row.rule.matches, True, row.expression.narrower), (row.rule.misses, False, row.expression.wider or row.expression.shield)):
            for text in () if excused else lines:
                found = any(pattern.search(as_seen(target, text)) for pattern in patterns[row.name])
                if found != wanted and provider_of(text) == row.rule.provider:
                    faults.append((row.name, text, found))
    assert faults == []


def provider_of(line: str) -> str | None:
    return facts_of(line, finder()).provider


@pytest.mark.parametrize("target", TARGETS)
def test_no_address_is_blamed_for_what_we_blame_nobody_for(target: str) -> None:
    """The one fault that costs somebody their mail: a label of a dead address where ours is another."""
    blame = {word_of(reason, target) for reason in (Reason.USER_UNKNOWN, Reason.MAILBOX_DISABLED, Reason.DOMAIN_UNKNOWN, Reason.DOMAIN_NO_MAIL)}
    faults = []
    for line in examples():
        match = finder().find(facts_of(line, finder()))
        word = match and word_of(Reason(match.rule.reason), target)
        found = first_of(target, as_seen(target, line))
        if found and found.label in blame and word not in blame and f"{match and match.pack}:{match and match.name}" not in named(target):
            faults.append((line, word, found.name))
    assert faults == []


@pytest.mark.parametrize("target", TARGETS)
def test_every_rule_of_ours_is_a_line_or_is_named(target: str) -> None:
    export = made(target)
    rules = {f"{pack.name}:{name}" for pack in ours() for name in pack.rules}
    lines = {line.name for line in read_back(target) if not is_shield(line)}
    dropped = {one.name for one in export.left}
    assert lines | dropped == rules
    assert lines & dropped == set()
    weak = [row for row in export.rows if row.losses()]
    assert export.summary() == f"{len(rules)} rules: {len(lines) - len(weak)} whole, {len(weak)} weakened, {len(dropped)} dropped"
    text = "".join(export.files.values())
    assert [line for line in export.losses() if f"# {line}\n" not in text] == []
    assert len(list(export.losses())) == len(weak) + len(dropped)


@pytest.mark.parametrize("target", TARGETS)
def test_every_label_is_a_word_of_the_target_s_closed_list(target: str) -> None:
    assert {line.label for line in read_back(target)} <= set(vocabularies()[target].names)


def test_a_rule_whose_reason_has_no_counterpart_keeps_its_place() -> None:
    rows = [row for row in made("kumomta").rows if row.rule.reason == "suppressed"]
    assert rows
    assert {row.label for row in rows} == {"Uncategorized"}
    assert all("suppressed has no counterpart: Uncategorized" in row.expression.unsaid for row in rows)


def test_zonemta_tries_again_where_we_would() -> None:
    faults = []
    for line in examples():
        if not as_seen("zonemta", line)[:3].isdigit():
            continue  # lib/sender.js defers what is no reply, and asks no rule
        event = bounceclass.reply(as_seen("zonemta", line))
        word = translate(event, "zonemta")
        found = first_of("zonemta", as_seen("zonemta", line))
        ours_was = f"{event.verdict.evidence[0].pack}:{event.verdict.evidence[0].rule}"
        if found and found.name == ours_was and (found.label, found.action) != (word.word, word.parts["action"]) and word.word != "dmarc":
            faults.append((line, found.name, found.action, word))
    assert faults == []


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_packs_make_the_same_files(target: str) -> None:
    assert MODULES[target].export(ours()).files == MODULES[target].export(packs.load_ours()).files


ODD = Pack(
    name="my own",
    guards={"odd\nlist": ("'",)},
    rules={
        "it's\nodd": Rule(reason="policy", any=("it's a 'quote', with #hash / slash",), guards=("odd\nlist",)),
        "more": Rule(reason="policy", any=("''' x", "ends with '", "日本語, テスト")),
        "break": Rule(reason="policy", any=("two\nlines", "a\tb")),
    },
)


@pytest.mark.parametrize("target", TARGETS)
def test_odd_texts_of_a_pack_break_no_file(target: str) -> None:
    lines = READERS[target](MODULES[target].export([ODD]).files)
    for rule in ODD.rules.values():
        if rule.guards:
            continue
        assert [text for text in rule.any if not any(line.pattern.search(f"550 {text}") for line in lines)] == []
    assert {line.name for line in lines if not is_shield(line)} == {"my own:it's odd", "my own:more", "my own:break"}


GUARDS: dict[str, tuple[str, ...]] = {"sender": ("sender address", "mail from")}
ALL = Dialect()
NONE = Dialect(lookaround=False)


def lines_of(dialect: Dialect, **keys: Any) -> list[str]:
    pack = Pack(name="p", guards=GUARDS, providers={"acme": packs.Provider(words=("acme postmaster",)), "bare": packs.Provider(hosts=("bare.test",))})
    found = express(Rule(**{"reason": "user-unknown", **keys}), pack, pack.providers, dialect)
    return [found.pattern, *([found.shield] if found.shield else [])]


@pytest.mark.parametrize(
    ("dialect", "keys", "lines"),
    [
        (ALL, {"any": ("no user",)}, [r"no\s+user"]),
        (ALL, {"any": ("a", "b")}, ["(?:a|b)"]),
        (ALL, {"all": ("a", "b")}, ["^(?=.*a)(?=.*b)"]),
        (ALL, {"any": ("a",), "none": ("b", "c")}, ["^(?=.*a)(?!.*(?:b|c))"]),
        (ALL, {"any": ("a",), "guards": ("sender",)}, [r"^(?=.*a)(?!.*(?:sender\s+address|mail\s+from))"]),
        (ALL, {"any": ("a",), "provider": "acme"}, [r"^(?=.*a)(?=.*acme\s+postmaster)"]),
        (ALL, {"any": ("a",), "pattern": "b+c"}, ["^(?=.*a)(?=.*(?:b+c))"]),
        (ALL, {"reply": (550,)}, [r"^550\b"]),
        (ALL, {"reply": (550, 554), "any": ("a",)}, [r"^(?=^(?:550|554)\b)(?=.*a)"]),
        (ALL, {"status": ("x.1.1",)}, [r"^\d\d\d\b[\s-]+[#(\[]?[245]\.1\.1\b"]),
        (ALL, {"status": ("5.7.*",), "reply": (550,)}, [r"^550\b[\s-]+[#(\[]?5\.7\.\d+\b"]),
        (ALL, {"status": ("5.7.1-5.7.3",), "reply": (550,)}, [r"^550\b[\s-]+[#(\[]?5\.7\.(?:1|2|3)\b"]),
        (NONE, {"any": ("no user",)}, [r"no\s+user"]),
        (NONE, {"all": ("a", "b")}, ["a.*b|b.*a"]),
        (NONE, {"any": ("no user",), "none": ("user list",)}, [r"no\s+user", r"no\s+user\s+list|no\s+user.*user\s+list|user\s+list.*no\s+user"]),
        (NONE, {"reason": "spam", "any": ("a",), "none": ("b",)}, ["a"]),
        (NONE, {"any": ("a", "acme postmaster: b"), "provider": "acme"}, [r"acme\s+postmaster:\s+b|a.*acme\s+postmaster"]),
        (NONE, {"any": ("ab",), "pattern": "xaby"}, ["xaby"]),
        (NONE, {"any": ("ab",), "pattern": "x.y"}, ["ab.*(?:x.y)|(?:x.y).*ab"]),
        (NONE, {"reply": (550,), "any": ("a",)}, [r"^550\b.*(?:a)"]),
        (NONE, {"reply": (550,), "pattern": "^550 a"}, [r"^550\s+a"]),
        (NONE, {"pattern": r"(?<![\w.-])a(?!b)"}, [r"(?:^|[^\w\.\-])a(?:$|[^b])"]),
    ],
)
def test_a_rule_becomes_these_lines(dialect: Dialect, keys: dict[str, Any], lines: list[str]) -> None:
    assert lines_of(dialect, **keys) == lines


@pytest.mark.parametrize(
    ("dialect", "keys", "why"),
    [
        (ALL, {"kind": "auto-reply", "any": ("a",)}, "kind auto-reply: only replies are classified there"),
        (ALL, {"command": ("rcpt",), "any": ("a",)}, "command rcpt: the phase is not in the text"),
        (ALL, {"provider": "bare", "any": ("a",)}, "provider bare is known by its hosts only, and the text doesn't hold them"),
        (NONE, {"pattern": "(?=ab)a"}, "its pattern looks around itself"),
        (NONE, {"pattern": "^.a", "reply": (550,)}, "its pattern is bound to the reply's start beside conditions on its codes"),
        (ALL, {"pattern": r"(a)\1"}, "its pattern holds groupref, which is not portable"),
    ],
)
def test_what_cannot_be_said_is_dropped_by_name(dialect: Dialect, keys: dict[str, Any], why: str) -> None:
    with pytest.raises(Inexpressible) as lost:
        lines_of(dialect, **keys)
    assert str(lost.value) == why


NO_COMMA = Dialect(coded={",": r"\x2c"})


@pytest.mark.parametrize("pattern", ["a{2,5}b", "a{0,1}b", "a{0,100}b", "a{3}b", "a{2,}b", "(?:ab){1,6}c", "a{0,7}?b", "[ab]{1,4}c", "(?P<ip>a){0,3}b"])
def test_a_repeat_without_a_comma_matches_the_same_numbers(pattern: str) -> None:
    written = write_pattern(pattern, NO_COMMA)
    assert "," not in written
    for count in range(110):
        for one in ("a", "ab"):
            for last in "bc":
                text = one * count + last
                assert bool(re.fullmatch(written, text)) == bool(re.fullmatch(pattern, text)), (written, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("<addr> gone", "<user@example.org> gone"), ("<addr> gone", "user@example.org  gone"), (r"\[?<ip>\]?", "[192.0.2.1]"), ("<ip>", "2001:db8::1"), (r"(?P<ip><ip>) x", "192.0.2.1 x")],
)
def test_a_mask_finds_what_it_stands_for(pattern: str, text: str) -> None:
    assert re.search(write_pattern(pattern, ALL), text)


def test_the_rust_engine_compiles_every_expression_and_takes_them_all_together() -> None:
    """KumoMTA allows its set 10 MB; pydantic's validator is the same engine with the same limit."""
    core = pytest.importorskip("pydantic_core", reason="pydantic-core, which holds Rust's regex, is not installed")
    found = [pattern for text in made("kumomta").files.values() for patterns in tomllib.loads(text)["rules"].values() for pattern in patterns]
    for pattern in [*found, "|".join(f"(?:{pattern})" for pattern in found)]:
        core.SchemaValidator(core.core_schema.str_schema(pattern=pattern))


STUB = """
const Module = require('module'), load = Module._load;
Module._load = (name, ...rest) => name === 'npmlog' ? {error: (...all) => { throw new Error(all.join(' ')); }, verbose() {}} : load(name, ...rest);
const bounces = require(process.argv[1] + '/lib/bounces.js');
const lines = JSON.parse(require('fs').readFileSync(0, 'utf-8'));
console.log(JSON.stringify({rules: bounces.rules.length, found: lines.map(line => { const one = bounces.check(line); return one.line ? [one.category, one.action] : null; })}));
"""


def test_zonemta_itself_reads_the_file_and_says_the_same(tmp_path: Path) -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    got = subprocess.run([npm, "pack", "zone-mta@3.10.3", "--silent"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603  the package it tests
    if got.returncode:
        pytest.skip(f"zone-mta can't be had: {got.stderr.strip()[-200:]}")
    shutil.unpack_archive(tmp_path / got.stdout.split()[-1], tmp_path, filter="data")
    (tmp_path / "package" / "config" / "bounces.txt").write_text(made("zonemta").files["bounces.txt"], encoding="utf-8")
    seen = [as_seen("zonemta", line) for line in examples()]
    done = subprocess.run([node, "-e", STUB, str(tmp_path / "package")], input=json.dumps(seen), capture_output=True, text=True, timeout=60, check=True)  # noqa: S603  as above
    said = json.loads(done.stdout)
    assert said["rules"] == len(read_back("zonemta"))
    faults = []
    for text, one in zip(seen, said["found"], strict=True):
        found = first_of("zonemta", text)
        if (one and tuple(one)) != (found and (found.label, found.action)):
            faults.append((text, one, found and (found.name, found.label, found.action)))
    assert faults == []
