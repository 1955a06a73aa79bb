from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

import bounceclass
from bounceclass import builtin, hookspecs
from bounceclass.engine import Engine
from bounceclass.errors import Refused, Retry, SettingsError
from bounceclass.model import Advice, Event, Evidence, Kind, Reason, Report, Scope, Suppression, Trust, Verdict
from bounceclass.notice import Notice
from bounceclass.plugins import SWITCH, Plugins
from bounceclass.protocols import Failure, Item, Parser, Shape, Source, Store, Webhook
from bounceclass.settings import Limits, Settings

Install = Callable[..., None]
SAMPLE = (Path(__file__).parent.parent / "samples" / "rfc3464" / "47-several-recipients.eml").read_bytes()
DEAD = "550 5.1.1 user unknown"
QUICK = Settings(limits=Limits(hook_seconds=0.3, refine_seconds=0.02))
ENTRY = Suppression(address="user@example.org", reason=Reason.USER_UNKNOWN, since=datetime(2026, 1, 1, tzinfo=UTC), by="test")


class Teller:
    """Notes what it is told, and by which hook."""

    def __init__(self, name: str = "", log: list[tuple[str, str, str | None]] | None = None) -> None:
        self.name = name
        self.log: list[tuple[str, str, str | None]] = [] if log is None else log

    def bounceclass_bounce(self, event: Event) -> None:
        self.log.append((self.name, "bounce", event.recipient))

    def bounceclass_delay(self, event: Event) -> None:
        self.log.append((self.name, "delay", event.recipient))


def lower(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, advice=Advice.REVIEW)


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
    assert [path.name for path in plugins.collect("knowledge", Path)] == ["autoreplies.toml", "providers.toml", "refusals.toml", "phrases.toml", "languages.toml"]
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

    def shapes(self, skeleton: bytes) -> list[Shape]:
        return [("utf-8", None)] * (skeleton.count(b"--=_skeleton\n"))

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


# Answering


def test_each_refining_plugin_gets_what_the_one_before_left_and_evidence_tells_who_did_what() -> None:
    seen: list[str] = []

    class One:
        def bounceclass_refine(self, event: Event, verdict: Verdict) -> Verdict:
            assert event.verdict is verdict
            seen.append(verdict.reason)
            return msgspec.structs.replace(verdict, reason=Reason.MAILBOX_DISABLED)

    class Two:
        def bounceclass_refine(self, verdict: Verdict) -> Verdict:
            seen.append(verdict.reason)
            own = Evidence("asked", "somebody else", "diagnostic", 4, 9, "5.1.1")
            return msgspec.structs.replace(verdict, advice=Advice.COUNT, evidence=(own, *verdict.evidence))

    before = Engine().reply(DEAD).verdict
    after = Engine(plugins=[One(), Two()]).reply(DEAD).verdict
    assert seen == ["user-unknown", "mailbox-disabled"]
    assert (after.reason, after.advice) == ("mailbox-disabled", "count")
    change = "reason user-unknown -> mailbox-disabled"
    assert after.evidence == (
        Evidence("asked", "Two", "diagnostic", 4, 9, "5.1.1", overrode="refine"),
        Evidence("refine", "One", "verdict", 0, len(change), change, overrode=before.evidence[0].rule),
        *before.evidence,
    )


@pytest.mark.parametrize(
    "junk",
    [
        "suppress",
        7,
        Evidence("a", "b", "c", 0, 0, ""),
        {"advice": "count"},
    ],
)
def test_a_plugin_that_returns_junk_is_skipped_and_counted(junk: object) -> None:
    class Junk:
        def bounceclass_refine(self) -> object:
            return junk

    engine = Engine(plugins=[Junk()])
    assert engine.reply(DEAD) == Engine().reply(DEAD)
    assert engine.plugins.failures == {("Junk", "refine"): 1}


def forbidden(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, scope=Scope.SENDER)


def forced(verdict: Verdict) -> Verdict:
    copy = msgspec.structs.replace(verdict)
    msgspec.structs.force_setattr(copy, "scope", Scope.SENDER)
    return copy


def made_up(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, reason="because")


def no_evidence(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, advice=Advice.COUNT, evidence=("me",))


def no_number(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, confidence=float("nan"))


@pytest.mark.parametrize("change", [forbidden, forced, made_up, no_evidence, no_number], ids=lambda change: change.__name__)
def test_a_plugin_can_t_make_a_verdict_that_could_silence_somebody_without_cause(change: Any) -> None:
    class Bends:
        def bounceclass_refine(self, verdict: Verdict) -> Verdict:
            made: Verdict = change(verdict)
            return made

    class After:
        def bounceclass_refine(self, verdict: Verdict) -> Verdict:
            return lower(verdict)

    engine = Engine(plugins=[Bends(), After()])
    verdict = engine.reply(DEAD).verdict
    assert (verdict.scope, verdict.reason, verdict.advice) == ("address", "user-unknown", "review")
    assert engine.plugins.failures == {("Bends", "refine"): 1}


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), RecursionError()])
def test_a_plugin_that_raises_is_skipped_and_the_next_goes_on(error: BaseException) -> None:
    class Raises:
        def bounceclass_refine(self) -> None:
            raise error

    class After:
        def bounceclass_refine(self, verdict: Verdict) -> Verdict:
            return lower(verdict)

    engine = Engine(plugins=[Raises(), After()])
    assert [event.verdict.advice for event in engine.classify(SAMPLE).events] == ["review"] * 3
    assert engine.plugins.failures == {("Raises", "refine"): 3}


def test_ctrl_c_goes_through_a_refining_plugin() -> None:
    class Stopped:
        def bounceclass_refine(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Engine(plugins=[Stopped()]).reply(DEAD)


def test_a_refining_plugin_that_is_slow_again_and_again_is_switched_off_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[float] = []

    class Slow:
        def bounceclass_refine(self) -> None:
            calls.append(time.monotonic())
            time.sleep(0.05)

    engine = Engine(QUICK, plugins=[Slow()])
    for _ in range(6):
        assert engine.reply(DEAD).verdict.advice == "suppress"
    assert len(calls) == 3
    assert engine.plugins.given_up("Slow") == "switched off: refine took more than 0.02 s 3 times"
    assert "plugin Slow: switched off" in caplog.text


def test_the_highest_grade_of_trust_counts_and_a_word_that_is_none_is_passed_over() -> None:
    class Says:
        def __init__(self, grade: object) -> None:
            self.grade = grade

        def bounceclass_trust(self, report: Report, item: Item) -> object:
            assert (report.kind, item.raw) == ("other", b"")
            return self.grade

    report, item = Engine().classify(b""), Item(raw=b"", source="x")
    plugins = Plugins(Settings(), [Says("plausible"), Says(None), Says(Trust.KNOWN), Says("certain"), Says("none")])
    assert plugins.trust(report, item) is Trust.KNOWN
    assert plugins.failures == {("Says#4", "trust"): 1}
    assert Plugins(Settings()).trust(report, item) is Trust.NONE


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


# Told and acting


def test_each_event_is_told_to_the_hook_of_its_kind_in_order(engine: Engine) -> None:
    log: list[tuple[str, str, str | None]] = []
    engine = Engine(plugins=[Teller("one", log), Teller("two", log)])
    report = engine.classify(SAMPLE)
    assert engine.dispatch(report) == []
    assert log == [(who, "bounce", event.recipient) for event in report.events for who in ("one", "two")]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.OTHER])
def test_every_kind_has_its_hook(kind: Kind) -> None:
    told = []

    class Hears:
        pass

    setattr(Hears, f"bounceclass_{kind.replace('-', '_')}", lambda self, event, report, key: told.append((event, report, key)))  # noqa: ARG005  the hook's
    engine = Engine(plugins=[Hears()])
    event = Event(kind=kind, recipient="user@example.org")
    report = Report(kind=kind, events=(event,))
    assert engine.dispatch(report) == []
    assert [(one, two) for one, two, _ in told] == [(event, report)]
    assert kind.replace("-", "_") in hookspecs.TOLD


def test_mail_that_reports_nothing_is_told_to_nobody() -> None:
    assert Engine(plugins=[Teller()]).dispatch(Report(kind=Kind.OTHER, events=(Event(kind=Kind.OTHER),))) == []


def test_a_plugin_that_raises_is_noted_and_the_others_are_told() -> None:
    class Raises:
        def bounceclass_bounce(self) -> None:
            msg = "disk full"
            raise OSError(msg)

    teller = Teller("two")
    engine = Engine(plugins=[Raises(), teller])
    failures = engine.dispatch(engine.classify(SAMPLE))
    assert failures == [Failure(plugin="Raises", hook="bounce", fault="OSError: disk full")] * 3
    assert len(teller.log) == 3
    assert engine.plugins.failures == {("Raises", "bounce"): 3}


def test_a_plugin_that_hangs_is_given_up_and_the_run_goes_on() -> None:
    hang = threading.Event()

    class Hangs:
        calls = 0

        def bounceclass_bounce(self) -> None:
            self.calls += 1
            hang.wait(30)

    hanging, teller = Hangs(), Teller("two")
    engine = Engine(QUICK, plugins=[hanging, teller])
    started = time.monotonic()
    failures = engine.dispatch(engine.classify(SAMPLE))
    assert time.monotonic() - started < 5
    assert [failure.fault for failure in failures] == ["given up: bounce did not return within 0.3 s"] + ["not called: given up: bounce did not return within 0.3 s"] * 2
    assert (hanging.calls, len(teller.log)) == (1, 3)
    assert engine.plugins.given_up("Hangs") == "given up: bounce did not return within 0.3 s"
    assert engine.plugins.given_up("Teller") is None
    hang.set()


def test_a_slow_hook_of_one_thread_does_not_count_as_hanging_for_another() -> None:
    class Slow:
        def bounceclass_bounce(self) -> None:
            time.sleep(0.2)

    engine = Engine(QUICK, plugins=[Slow()])
    report = Report(kind=Kind.BOUNCE, events=(Event(kind=Kind.BOUNCE),))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(engine.dispatch, [report] * 4)) == [[]] * 4


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (Retry(60), Failure(plugin="Acts", hook="suppress", fault="Retry: asks to be called again in 60 s", after=60)),
        (Retry(5, "429"), Failure(plugin="Acts", hook="suppress", fault="Retry: 429", after=5)),
        (Refused("no such account"), Failure(plugin="Acts", hook="suppress", fault="Refused: no such account", final=True)),
        (SystemExit(2), Failure(plugin="Acts", hook="suppress", fault="SystemExit: 2")),
        (ValueError("a\nb\x1b[31m"), Failure(plugin="Acts", hook="suppress", fault="ValueError: a b\x1b[31m")),
    ],
)
def test_an_acting_plugin_says_whether_to_ask_again(error: BaseException, failure: Failure) -> None:
    class Acts:
        def bounceclass_suppress(self, suppression: Suppression, key: str) -> None:
            assert (suppression, key) == (ENTRY, "key")
            raise error

    assert Plugins(Settings(), [Acts()]).tell("suppress", suppression=ENTRY, key="key") == [failure]


def test_an_acting_plugin_that_does_its_work_fails_in_nothing() -> None:
    done = []

    class Acts:
        def bounceclass_release(self, suppression: Suppression) -> None:
            done.append(suppression)

    plugins = Plugins(Settings(), [Acts()])
    assert plugins.tell("release", suppression=ENTRY, key="key") == []
    assert plugins.tell("release", only=("other",), suppression=ENTRY, key="key") == []
    assert done == [ENTRY]
