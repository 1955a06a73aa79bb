from __future__ import annotations

import concurrent.futures
from pathlib import Path

import pytest

import bounceclass
from bounceclass.engine import Engine
from bounceclass.errors import KnowledgeError, SettingsError
from bounceclass.settings import Settings

SAMPLE = (Path(__file__).parent.parent / "samples" / "rfc3464" / "01-user-unknown.eml").read_bytes()


@pytest.mark.parametrize(
    ("text", "kind", "reply_code", "status", "reason", "advice"),
    [
        ("550 5.1.1 User unknown", "bounce", 550, "5.1.1", "user-unknown", "suppress"),
        ("550-5.1.1 User\n550 5.1.1 unknown", "bounce", 550, "5.1.1", "user-unknown", "suppress"),
        ("450 4.2.1 later", "delay", 450, "4.2.1", "undetermined", "review"),
        ("250 2.1.5 ok", "delivery", 250, "2.1.5", "delivered", "ignore"),
        ("354 go on", "other", 354, None, "undetermined", "review"),
        ("5.2.2 full", "bounce", None, "5.2.2", "mailbox-full", "count"),
        ("hello there", "other", None, None, "undetermined", "review"),
        ("", "other", None, None, "undetermined", "review"),
        ("   \r\n", "other", None, None, "undetermined", "review"),
        ("550 \udcff\x00\ud800", "bounce", 550, None, "undetermined", "review"),
    ],
)
def test_a_reply_is_one_event(engine: Engine, text: str, kind: str, reply_code: int | None, status: str | None, reason: str, advice: str) -> None:
    event = engine.reply(text)
    assert (event.kind, event.reply_code, event.enhanced_status, event.verdict.reason, event.verdict.advice) == (kind, reply_code, status, reason, advice)


def test_words_alone_never_suppress_a_reply(engine: Engine) -> None:
    verdict = engine.reply("user unknown").verdict
    assert (verdict.permanence, verdict.reason, verdict.advice) == ("undetermined", "user-unknown", "count")


def test_what_is_known_beside_the_text_is_kept(engine: Engine) -> None:
    event = engine.reply("550 no", host="mx.example.org", recipient="User@Example.org", command="rcpt")
    assert (event.remote_mta, event.recipient, event.command) == ("mx.example.org", "User@Example.org", "rcpt")


def test_the_module_s_functions_are_a_default_engine_s(engine: Engine) -> None:
    assert bounceclass.classify(SAMPLE) == engine.classify(SAMPLE)
    assert bounceclass.reply("550 5.1.1 x") == engine.reply("550 5.1.1 x")
    assert bounceclass.Engine is Engine
    assert bounceclass.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bounceclass.nothing


def test_an_engine_may_be_shared_by_threads(engine: Engine) -> None:
    alone = engine.classify(SAMPLE)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(map(hash, pool.map(engine.classify, [SAMPLE] * 200))) == {hash(alone)}


def test_the_headers_asked_for_are_kept() -> None:
    report = Engine(Settings(keep_headers=("list-id", "Nope"))).classify(SAMPLE)
    assert report.original is not None
    assert [name for name, _ in report.original.headers] == ["List-Id"]


def test_settings_that_do_not_fit_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="known are flanker, stdlib"):
        Engine(Settings(parser="eliza")).classify(b"")
    with pytest.raises(KnowledgeError, match=r"none\.toml"):
        Engine(Settings(packs=(str(tmp_path / "none.toml"),)))


def test_remembered_verdicts_are_those_computed_anew(engine: Engine) -> None:
    lines = ["550 5.1.1 a", "521 x.example.org", "450 4.2.0 greylisted", "550 5.7.1 blocked using example.org"] * 2
    assert [engine.reply(line) for line in lines] == [Engine().reply(line) for line in lines]
