from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import bounceclass
from bounceclass import builtin
from bounceclass.engine import Engine
from bounceclass.errors import SettingsError
from bounceclass.notice import Notice
from bounceclass.plugins import SWITCH, Plugins
from bounceclass.protocols import Item, Parser, Shape, Source, Store, Webhook
from bounceclass.settings import Limits, Settings
from tests.tellers import DEAD, SAMPLE, Install, Teller

if TYPE_CHECKING:
    from bounceclass.model import Report

# Switching on


def test_listing_what_is_installed_imports_nothing(install: Install) -> None:
    from bounceclass.installed import installed  # noqa: PLC0415  what is on the path counts now

    install("quiet", "raise AssertionError('imported')")
    assert (installed()["quiet"].distribution, installed()["quiet"].version) == ("visitor-quiet", "1.0")
    assert Engine().plugins.names == []
    assert "visitor_quiet" not in sys.modules


@pytest.mark.parametrize(
    ("settings", "wanted", "names"),
    [
        ({}, (), []),
        ({}, ("plain",), ["plain"]),
        ({"plain": {}}, (), ["plain"]),
        ({"plain": {"enabled": False}}, (), []),
        ({"plain": {"enabled": False}}, ("plain",), ["plain"]),
        ({"made": {"word": "x"}}, ("plain",), ["plain", "made"]),
        ({"made": {"eu": {"word": "x"}, "us": {"word": "y"}}}, (), ["made:eu", "made:us"]),
        ({"made": {"eu": {"word": "x"}, "us": {"word": "y", "enabled": False}}}, (), ["made:eu"]),
        ({"made": {"eu": {"word": "x"}, "us": {"word": "y"}}}, ("made:us",), ["made:us"]),
        ({"made": {"eu": {"word": "x"}, "us": {"word": "y"}}}, ("made:us", "made"), ["made:us", "made:eu"]),
        ({"made": {"deep": {"a": "b"}}}, (), ["made"]),
    ],
)
def test_a_plugin_is_switched_on_by_configuration_or_by_name(install: Install, settings: dict[str, Any], wanted: tuple[str, ...], names: list[str]) -> None:
    install("plain", "def bounceclass_bounce(event): pass\n")
    install("made", MADE)
    plugins = Engine(Settings(plugins=settings), plugins=wanted).plugins
    assert ([str(fault) for fault in plugins.faults], plugins.names) == ([], names)


MADE = """
import msgspec

class Settings(msgspec.Struct, frozen=True, kw_only=True):
    word: str = "default"
    number: int = 0
    deep: dict[str, str] = {}

class Made:
    def __init__(self, settings):
        self.settings = settings
    def bounceclass_refine(self, event, verdict):
        details = msgspec.structs.replace(verdict.details, list=(verdict.details.list or "") + self.settings.word)
        return msgspec.structs.replace(verdict, details=details)

def plugin(settings):
    return Made(settings)
"""


def test_two_instances_of_a_plugin_have_their_own_settings(install: Install) -> None:
    install("made", MADE)
    engine = Engine(Settings(plugins={"made": {"eu": {"word": "E"}, "us": {"word": "U"}}}))
    verdict = engine.reply(DEAD).verdict
    assert verdict.details.list == "EU"
    assert [(one.rule, one.pack) for one in verdict.evidence[:2]] == [("refine", "made:us"), ("refine", "made:eu")]


@pytest.mark.parametrize(
    ("name", "code", "table", "fault"),
    [
        ("a", "import nowhere_at_all", {}, "can't be imported: nowhere_at_all is not installed"),
        ("a", "raise SystemExit(3)", {}, "can't be imported: SystemExit: 3"),
        ("a", "x =", {}, "can't be imported: SyntaxError: invalid syntax (visitor_a.py, line 1)"),
        ("a", "x = 1", {}, "has no hook: no function named bounceclass_..."),
        ("a", "def bounceclass_bouce(event): pass", {}, "bounceclass_bouce is no hook, did you mean 'bounceclass_bounce'?"),
        ("a", "def bounceclass_bounce(evnt): pass", {}, "Argument(s) {'evnt'} are declared in the hookimpl but can not be found in the hookspec"),
        ("a", "import bounceclass\n@bounceclass.hookimpl(wrapper=True)\ndef bounceclass_bounce(event): yield", {}, "bounceclass_bounce is a wrapper, which bounceclass does not have"),
        ("a", "def bounceclass_bounce(event): pass", {"word": "x"}, "takes no settings, but has word"),
        ("a", "def bounceclass_bounce(event): pass", {"eu": {}}, "has no plugin(settings), so there can't be several of it"),
        ("a", "def plugin(settings): pass", {}, "has plugin(settings) but no Settings to say what those are"),
        ("a", MADE, {"wrd": "x"}, "plugins.a.wrd: no such setting, did you mean 'word'?; known are word, number, deep"),
        ("a", MADE, {"number": "x"}, "plugins.a: Expected `int`, got `str` - at `number`"),
        ("a", MADE, {"eu": {"number": "x"}}, "plugins.a.eu: Expected `int`, got `str` - at `number`"),
        ("a", MADE + "\ndef plugin(settings): raise OSError('no such folder')", {}, "plugin(settings) failed: OSError: no such folder"),
        ("a", MADE + "\ndef plugin(settings): return None", {}, "has no hook: no function named bounceclass_..."),
        ("a", "def bounceclass_knowledge(): return ['nowhere.toml']", {}, "knowledge: KnowledgeError: nowhere.toml: No such file or directory"),
        ("a", "def bounceclass_knowledge(): return 7", {}, "knowledge: TypeError: 'int' object is not iterable"),
        ("a", "def bounceclass_notices(): return ['x']", {}, "notices: TypeError: 'x' is no Notice"),
        ("a", "def bounceclass_notices(): raise SystemExit", {}, "notices: SystemExit"),
    ],
)
def test_what_is_wrong_with_a_plugin_is_one_error_that_stops_only_that_plugin(install: Install, name: str, code: str, table: dict[str, Any], fault: str) -> None:
    install(name, code)
    install("good", "def bounceclass_bounce(event): pass\n")
    plugins = Engine(Settings(plugins={name: table, "good": {}})).plugins
    assert plugins.names == ["good"]
    (found,) = plugins.faults
    assert found.plugin.partition(":")[0] == name
    assert fault in str(found)


def test_a_missing_extra_is_named_by_the_plugin_s_name(install: Install) -> None:
    install("parcel", "import nowhere_at_all", extras=("parcel",))
    (fault,) = Engine(plugins=["parcel"]).plugins.faults
    assert str(fault) == "plugin parcel: nowhere_at_all is not installed: pip install 'visitor-parcel[parcel]'"


def test_a_plugin_that_is_not_installed_is_an_error_that_names_what_is(install: Install) -> None:
    install("parcel", "")
    (fault,) = Engine(plugins=["parcl"]).plugins.faults
    assert str(fault).startswith("plugin parcl: is not installed, did you mean 'parcel'?; installed are ")


def test_an_instance_that_is_not_configured_is_an_error(install: Install) -> None:
    install("made", MADE)
    assert [str(fault) for fault in Engine(plugins=["made:eu"]).plugins.faults] == ["plugin made: has no instance 'eu': none is configured"]


@pytest.mark.parametrize("value", ["off", "OFF"])
def test_the_switch_leaves_only_what_is_built_in(install: Install, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    install("good", "def bounceclass_bounce(event): pass\n")
    monkeypatch.setenv(SWITCH, value)
    engine = Engine(Settings(plugins={"good": {}}), plugins=[Teller()])
    assert (engine.plugins.off, engine.plugins.names, engine.plugins.faults) == (True, [], [])
    assert engine.reply(DEAD).verdict.advice == "suppress"


def test_two_plugins_given_as_objects_are_told_apart() -> None:
    assert Engine(plugins=[Teller("a"), Teller("b")]).plugins.names == ["Teller", "Teller#2"]


# Collected


def test_what_is_built_in_enters_by_the_visitors_hooks() -> None:
    plugins = Plugins(Settings(), ours=builtin)
    assert [path.name for path in plugins.collect("knowledge", Path)] == ["autoreplies.toml", "providers.toml", "refusals.toml", "phrases.toml", "languages.toml", "lastly.toml"]
    assert "qmail" in [notice.name for notice in plugins.collect("notices", lambda notice: notice)]
    assert plugins.first("parser", name="stdlib").name == "stdlib"


def test_a_plugin_s_pack_is_asked_after_the_user_s_and_before_ours(tmp_path: Path) -> None:
    def pack(name: str, reason: str, phrase: str) -> str:
        path = tmp_path / f"{name}.toml"
        path.write_text(f'[rules.r]\nreason = "{reason}"\nany = ["{phrase}"]\nmatches = ["550 {phrase}"]\n', encoding="utf-8")
        return str(path)

    class Knows:
        def bounceclass_knowledge(self) -> list[Path]:
            return [Path(pack("plugin", "content", "user unknown"))]

    def reason_of(*packs: str) -> tuple[str, str]:
        verdict = Engine(Settings(packs=packs), plugins=[Knows()]).reply("550 user unknown").verdict
        return verdict.reason, verdict.evidence[0].pack

    assert reason_of() == ("content", "plugin")
    assert reason_of(pack("user", "virus", "user unknown")) == ("virus", "user")


def test_a_plugin_s_notice_reads_what_nobody_else_does() -> None:
    row = Notice(name="snail", evidence="none", subject=("snail says no",), start=r"^Alas", recipient=r"^\* (?P<recipient>\S+@\S+): (?P<text>.*)$")

    class Knows:
        def bounceclass_notices(self) -> list[Notice]:
            return [row]

    raw = b"From: MAILER-DAEMON@example.com\nSubject: Snail says no\n\nAlas:\n* user@example.org: 550 5.1.1 no such user\n"
    assert Engine().classify(raw).events == ()
    report = Engine(plugins=[Knows()]).classify(raw)
    assert (report.format, [(event.recipient, event.verdict.reason) for event in report.events]) == ("snail", [("user@example.org", "user-unknown")])


class Tolerant:
    """A parser that says UTF-8 of every part."""

    name = "tolerant"

    def shape(self, skeleton: bytes) -> Shape:  # noqa: ARG002  the protocol's
        return "utf-8", None

    def decode_header(self, value: str) -> str:
        return value


def test_a_parser_of_a_plugin_is_chosen_by_its_name() -> None:
    class Brings:
        def bounceclass_parser(self, name: str) -> Parser | None:
            return Tolerant() if name == "tolerant" else None

    assert Engine(Settings(parser="tolerant"), plugins=[Brings()]).classify(SAMPLE).parser == "tolerant"
    assert Engine(plugins=[Brings()]).classify(SAMPLE).parser == "flanker"
    with pytest.raises(SettingsError, match="known are flanker, stdlib"):
        Engine(Settings(parser="other"), plugins=[Brings()]).classify(SAMPLE)


# Opened


def test_the_first_plugin_that_knows_a_url_opens_it_and_one_that_fails_is_passed_over() -> None:
    class Spool:
        url = "spool:/x"

        def items(self) -> Any:
            yield Item(raw=b"", source="spool:1")

        def settle(self) -> None: ...
        def close(self) -> None: ...

    class Broken:
        def bounceclass_source(self, url: str) -> Source:
            raise OSError(url)

    class Knows:
        def bounceclass_source(self, url: str) -> Source | None:
            return Spool() if url.startswith("spool:") else None

    plugins = Plugins(Settings(), [Broken(), Knows()])
    assert isinstance(plugins.first("source", limits=Limits(), url="spool:/x"), Source)
    assert plugins.first("source", limits=Limits(), url="other:/x") is None
    assert plugins.failures == {("Broken", "source"): 2}


def test_a_store_and_a_webhook_are_offered_by_their_hooks() -> None:
    class Keeps:
        def transaction(self) -> Any: ...
        def close(self) -> None: ...

    class Posts:
        name = "post"

        def verify(self, headers: Any, body: bytes, secrets: Any, now: Any) -> bool: ...  # type: ignore[empty-body]
        def parse(self, body: bytes) -> list[Report]: ...  # type: ignore[empty-body]

    class Offers:
        def bounceclass_store(self, url: str) -> Store | None:
            return Keeps() if url == "keep:" else None

        def bounceclass_webhook(self) -> Webhook:
            return Posts()

    plugins = Plugins(Settings(), [Offers()])
    assert isinstance(plugins.first("store", url="keep:"), Store)
    assert [(name, webhook.name) for name, webhook in plugins.each("webhook")] == [("Offers", "post")]


# Order


def test_plugins_are_called_as_configured_then_ours_and_first_and_last_are_honoured() -> None:
    log: list[str] = []

    def make(name: str, *, tryfirst: bool = False, trylast: bool = False) -> object:
        class Named:
            @bounceclass.hookimpl(tryfirst=tryfirst, trylast=trylast)
            def bounceclass_parser(self) -> None:
                log.append(name)

        return Named()

    plugins = Plugins(Settings(), [make("a", trylast=True), make("b"), make("c"), make("d", tryfirst=True)], builtin)
    assert plugins.first("parser", name="flanker").name == "flanker"
    assert log == ["d", "b", "c"]
    assert Plugins(Settings(), [make("last", trylast=True)], builtin).first("parser", name="none of ours") is None
    assert log == ["d", "b", "c", "last"]
