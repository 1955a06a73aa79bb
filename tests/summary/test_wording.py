"""The words in each language are the same keys; links are the lists' own; what is made into HTML is escaped."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from bounceclass import explain
from bounceclass.domains import provider_of
from bounceclass.model import Kind, Reason
from bounceclass.summary.contents import FIXES, Fix, Link
from bounceclass.summary.links import link_for, rows
from bounceclass.summary.markup import Markup, join, tag
from bounceclass.summary.wording import Wording, tables
from bounceclass.templates import Group, Wordings
from tests.summary.conftest import NOW

PLACES = re.compile(r"\{\w+\}")


def shape(tree: Any) -> Any:
    """Keys, and what is put into each text."""
    if isinstance(tree, dict):
        return {key: shape(value) for key, value in tree.items()}
    return [shape(one) for one in tree] if isinstance(tree, list) else sorted(set(PLACES.findall(tree)))


@pytest.mark.parametrize("language", explain.languages())
def test_a_language_has_every_word_and_the_same_places(language: str) -> None:
    found = tables(language)
    assert shape(found) == shape(tables("en"))
    assert list(found["reasons"]) == [*(str(reason) for reason in Reason if reason is not Reason.UNDETERMINED), "undetermined"]
    assert (set(found["kinds"]), set(found["todo"])) == ({str(kind) for kind in Kind}, set(FIXES))


def fix(what: str, **given: Any) -> Fix:
    return Fix(**{"what": what, "reason": "spam", "count": 1, "believed": 1, "first": NOW, "last": NOW, **given})


@pytest.mark.parametrize("language", explain.languages())
@pytest.mark.parametrize("what", FIXES)
@pytest.mark.parametrize("given", [{}, {"ip": "192.0.2.1"}, {"domain": "example.com"}, {"checks": ("spf", "dkim"), "providers": ("a", "b")}])
def test_every_fix_has_a_sentence_whatever_is_known_of_it(language: str, what: str, given: dict[str, Any]) -> None:
    said = Wording(language).head(fix(what, list="bl.example.net", **given))
    assert said
    assert "None" not in said


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (fix("listed", ip="192.0.2.1", list="bl.example.net"), "192.0.2.1 is on the block list bl.example.net"),
        (fix("listed", list="bl.example.net"), "Listed on bl.example.net"),
        (fix("authentication", domain="example.com", checks=("spf", "dkim")), "Mail from example.com fails SPF, DKIM"),
        (fix("authentication"), "Mail fails authentication"),
        (fix("rate", providers=("yahoo",)), "yahoo limits how fast you send"),
        (fix("reputation", domain="example.com"), "example.com has a poor reputation at a server that isn't named"),
    ],
)
def test_a_fix_says_what_is_wrong(one: Fix, said: str) -> None:
    assert Wording("en").head(one) == said


def test_only_some_of_the_reports_may_be_surely_ours() -> None:
    words = Wording("en")
    assert words.facts(fix("rate", count=1200, believed=7)) == "1,200 refusals, 2026-03-16 12:00Z; 7 of them surely about your mail"


def test_every_link_says_whose_it_is_and_where_that_is_written() -> None:
    for name, row in rows().items():
        assert (urlsplit(row.url).scheme, bool(row.source), bool(row.zones) != bool(row.provider), set(row.for_) <= set(FIXES)) == ("https", True, True, True), name
        assert row.provider is None or row.provider == provider_of([], {"microsoft": "outlook.com", "google": "gmail.com", "yahoo": "yahoo.com"}[row.provider])


SPAMHAUS = Link("Spamhaus", "https://check.spamhaus.org/")


@pytest.mark.parametrize(
    ("what", "named", "url", "providers", "link"),
    [
        ("listed", "zen.spamhaus.org", None, ("google",), SPAMHAUS),
        ("listed", "notspamhaus.org", None, (), None),
        ("listed", "spamhaus.org.evil.test", "http://spamhaus.org.evil.test/", (), None),
        ("listed", "some list", "https://www.spamhaus.org/query/ip/192.0.2.1", (), SPAMHAUS),
        ("blocked", None, "http://[bad", ("microsoft",), Link("Microsoft", "https://sender.office.com/")),
        ("blocked", None, None, ("microsoft", "google"), None),
        ("rate", None, None, ("microsoft",), None),
    ],
)
def test_a_link_is_for_the_list_that_is_named_or_for_the_only_provider(what: str, named: str | None, url: str | None, providers: tuple[str, ...], link: Link | None) -> None:
    assert link_for(what, named, url, providers) == link


def test_markup_is_kept_and_text_is_escaped() -> None:
    assert tag("p", "<b>", Markup("<i></i>"), None, class_='a"b', data_label="\x1b") == '<p class="a&quot;b" data-label="\\x1b">&lt;b&gt;<i></i></p>'
    assert join(tag("rect", x=1), "&") == '<rect x="1"/>&amp;'


def test_wordings_are_bounded_and_counted() -> None:
    groups = Wordings(most=2)
    for text in ("a b", "c d", "a  b", "e f"):
        groups.add("reply", text, code="550", example=text, source=None)
    expected = [("a b", 2), ("c d", 1)]
    assert ([(one.template, one.count) for one in groups.groups()], groups.texts, groups.forgotten) == (expected, 4, 1)
    assert list(groups.groups(2)) == [Group(kind="reply", count=2, template="a b", codes=("550",), example="a b", source=None)]
