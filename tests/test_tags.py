from __future__ import annotations

import string
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bounceclass.addresses import comparable
from bounceclass.errors import SettingsError
from bounceclass.settings import KeySource
from bounceclass.tags import EPOCH, Addressee, Key, Proof, find_tags, fingerprint, make_tag, read_keys, tagged, verify_tag
from bounceclass.wrapping import addresses_in, is_address, unwrap, verp_names

if TYPE_CHECKING:
    from pathlib import Path

OLD: Final = Key(id=3, secret=b"an old secret of a test")
NEW: Final = Key(id=4, secret=b"a newer secret of a test")
TODAY: Final = date(2026, 3, 9)
PATH: Final = "garden-bounces@lists.example.com"
RUTH: Final = "ruth@example.net"
LONG: Final = f"{'r' * 60}@{'long.' * 20}example.net"
TAG: Final = make_tag(RUTH, OLD, TODAY)


def verify(text: str, *keys: Key, now: date = TODAY, days: int = 30, known: Addressee | None = None) -> list[Proof]:
    lookup = {fingerprint(known.recipient, known.stream): known}.get if known else None
    return [verify_tag(tag, keys or (OLD,), now, days=days, lookup=lookup) for tag in find_tags(text)]


def whom(text: str, *keys: Key) -> list[str | None]:
    return [proof.addressee.recipient if proof.addressee and proof.fault is None else proof.fault for proof in verify(text, *keys)]


def test_a_tag_names_its_recipient_its_list_its_key_and_its_day() -> None:
    tag = make_tag(RUTH, OLD, TODAY, stream="fen")
    assert verify(tag) == [Proof(None, Addressee(RUTH, "fen"), TODAY, 3)]


def test_the_recipient_is_compared_not_spelt() -> None:
    assert whom(make_tag("Ruth@EXAMPLE.net", OLD, TODAY)) == ["ruth@example.net"]
    assert make_tag("Ruth@EXAMPLE.net.", OLD, TODAY) == TAG


ADDRESSES: Final = st.one_of(
    st.emails(),
    st.builds(
        "{}@{}.example".format,
        st.text(string.ascii_letters + "0123456789+-=_.äß한", min_size=1, max_size=200),
        st.text(string.ascii_lowercase, min_size=1, max_size=60),
    ),
)


@given(recipient=ADDRESSES, separator=st.sampled_from("+-="), stream=st.none() | st.text(string.ascii_letters, min_size=1, max_size=100))
@example(recipient=LONG, separator="+", stream="a-list-with-a-very-long-name")
def test_a_local_part_has_at_most_64_octets_whoever_is_mailed(recipient: str, separator: str, stream: str | None) -> None:
    assume(is_address(recipient) and is_address(comparable(recipient)))
    address = tagged(PATH, recipient, OLD, TODAY, stream=stream, separator=separator)
    local, _, domain = address.rpartition("@")
    assert len(local.encode()) <= 64
    assert domain == "lists.example.com"
    found = verify_tag(next(iter(find_tags(address))), (OLD,), TODAY, days=30, lookup=lambda _: Addressee(recipient, stream))
    assert found.fault is None
    assert found.addressee is not None
    assert comparable(found.addressee.recipient) == comparable(recipient)
    assert found.addressee.stream == stream


def test_of_a_long_address_only_a_fingerprint_is_written_and_the_caller_knows_whose() -> None:
    tag = make_tag(LONG, OLD, TODAY)
    assert len(tag) == 34
    assert verify(tag)[0] == Proof("unknown-recipient")
    assert verify(tag, known=Addressee(LONG))[0].addressee == Addressee(LONG)
    assert verify_tag(tag, (OLD,), TODAY, days=30, lookup=lambda _: Addressee(RUTH)).fault == "forged", "a wrong look-up proves nothing"
    assert verify_tag(tag, (OLD,), TODAY, days=30, lookup=lambda _: Addressee(LONG, "another list")).fault == "forged"


@given(st.integers(0, len(TAG) - 1), st.sampled_from(string.ascii_lowercase + string.digits + "+-=@. é\0"))
def test_any_change_of_one_character_makes_it_another_tag_or_none(place: int, char: str) -> None:
    assume(char != TAG[place])
    changed = TAG[:place] + char + TAG[place + 1 :]
    assert verify_tag(changed, (OLD, NEW), TODAY, days=30).fault is not None
    assert [proof for proof in verify(changed, OLD, NEW) if proof.fault is None] == []


@given(st.text(max_size=80) | st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=20, max_size=70), st.binary(max_size=80))
def test_no_text_raises_and_none_is_a_tag_by_chance(text: str, raw: bytes) -> None:
    for one in (text, raw.decode("latin-1"), raw.decode("utf-8", "surrogateescape")):
        assert [proof for proof in verify(one) if proof.fault is None] == []
        assert verify_tag(one, (OLD,), TODAY, days=30).fault is not None


@pytest.mark.parametrize(
    ("mangled", "because"),
    [
        (f"GARDEN-BOUNCES+{TAG.upper()}@LISTS.EXAMPLE.COM", "upper case"),
        (f"garden-bounces+{TAG.swapcase()}", "no domain"),
        (f"garden-bounces=2B{TAG}@lists.example.com", "quoted-printable"),
        (f"garden-bounces=2b{TAG}@lists.example.com", "the same in lower case"),
        (f"garden-bounces+2B{TAG}@lists.example.com", "xtext"),
        (f"garden-bounces+3D{TAG}@lists.example.com", "xtext of ="),
        (f"garden-bounces%2B{TAG}@lists.example.com", "a URL"),
        (f"garden-bounces_{TAG}@lists.example.com", "+ became _"),
        (f"garden-bounces.{TAG}@lists.example.com", "+ became ."),
        (f"garden-bounces-{TAG}@lists.example.com", "+ became -"),
        (f"prvs=4123ABCDEF=garden-bounces+{TAG}@lists.example.com", "BATV"),
        (f"btv1==0123456789a==garden-bounces+{TAG}@lists.example.com", "Barracuda"),
        (f"SRS0=HHHH=TT=lists.example.com=garden-bounces+{TAG}@fwd.test", "SRS"),
        (f"SRS1=GGGG=fwd.test==HHHH=TT=lists.example.com=garden-bounces+{TAG}@b.test", "SRS, twice"),
        (f"<{TAG}.3f9c@lists.example.com>", "Message-ID"),
        (f"<mailto:leave+{TAG}@lists.example.com?subject=leave>, <https://example.com/u/{TAG}>", "List-Unsubscribe"),
    ],
)
def test_a_tag_is_found_again_after_mangling(mangled: str, because: str) -> None:
    assert set(whom(mangled)) == {RUTH}, because


def test_a_tag_that_was_cut_off_or_glued_is_none() -> None:
    assert whom("garden-bounces@lists.example.com") == []
    assert whom(f"garden-bounces+{TAG[:-1]}@lists.example.com") in ([], ["malformed"], ["forged"])
    assert whom(f"garden-bounces9{TAG}@lists.example.com") == []


@pytest.mark.parametrize(("age", "fault"), [(-2, "from-the-future"), (-1, None), (0, None), (30, None), (31, "expired")])
def test_a_tag_holds_for_its_days(age: int, fault: str | None) -> None:
    assert verify(make_tag(RUTH, OLD, TODAY - timedelta(days=age)))[0].fault == fault


def test_two_keys_hold_at_once_and_an_old_one_leaves_with_its_tags() -> None:
    newer = make_tag(RUTH, NEW, TODAY)
    assert whom(f"{TAG} {newer}", NEW, OLD) == [RUTH, RUTH]
    assert whom(f"{TAG} {newer}", NEW) == ["unknown-key", RUTH]
    assert whom(TAG, Key(id=3, secret=b"not the secret of key 3")) == ["forged"]


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "ruth",
        "@example.net",
        "ruth@",
        "ruth@example.net\n",
        "ruth@example.net\r\nBcc: mallory@example.org",
        "ru\0th@example.net",
        "ru th@example.net",
        "ruth@example.org<mallory@example.net>",
        "ruth@example.net, mallory@example.org",
        "ruth@exam\uff20ple.net",
        "r\udce9@example.net",
        f"{'r' * 1000}@example.net",
    ],
)
def test_what_is_no_address_gets_no_tag(recipient: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        make_tag(recipient, OLD, TODAY)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="there is room for 24"):
        tagged(f"{'l' * 39}@lists.example.com", RUTH, OLD, TODAY)
    with pytest.raises(ValueError, match="can't take a tag"):
        tagged("lists.example.com", RUTH, OLD, TODAY)
    with pytest.raises(ValueError, match="no name of a list"):
        make_tag(RUTH, OLD, TODAY, stream="a\nb")
    with pytest.raises(ValueError, match="can't be written"):
        make_tag(RUTH, OLD, EPOCH - timedelta(days=1))


def test_keys_come_from_settings_files_and_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"a secret in a file\n")
    sources = [KeySource(id=1, secret="a secret in the settings"), KeySource(id=2, file=str(path)), KeySource(id=31, variable="V")]  # noqa: S106  a test's
    found = read_keys(sources, {"V": "a secret in a variable"})
    assert [key.secret for key in found] == [b"a secret in the settings", b"a secret in a file", b"a secret in a variable"]
    assert "secret" not in f"{found!r} {sources!r}"


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ([KeySource(id=1)], "needs one of"),
        ([KeySource(id=1, secret="x" * 16, variable="V")], "needs one of"),
        ([KeySource(id=1, variable="NONE")], "is not set"),
        ([KeySource(id=1, file="/nowhere/key")], "No such file"),
        ([KeySource(id=32, secret="x" * 16)], "within 0..31"),
        ([KeySource(id=1, secret="short")], "shorter than 16"),  # noqa: S106  a test's
        ([KeySource(id=1, secret="x" * 16), KeySource(id=1, secret="y" * 16)], "two keys"),
    ],
)
def test_a_key_that_does_not_fit_is_told(sources: list[KeySource], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read_keys(sources, {})


@pytest.mark.parametrize(
    ("wrapped", "address"),
    [
        ("garden@lists.example.com", "garden@lists.example.com"),
        ("prvs=4123ABCDEF=garden@lists.example.com", "garden@lists.example.com"),
        ("PRVS=4123ABCDEF=Garden@lists.example.com", "Garden@lists.example.com"),
        ("btv1==0123456789a==garden@lists.example.com", "garden@lists.example.com"),
        ("SRS0=HHHH=TT=lists.example.com=garden@fwd.test", "garden@lists.example.com"),
        ("srs0+HHHH=TT=lists.example.com=garden@fwd.test", "garden@lists.example.com"),
        ("SRS1=GGGG=fwd.test==HHHH=TT=lists.example.com=garden@b.test", "garden@lists.example.com"),
        ("SRS1=GGGG=fwd.test=+HHHH=TT=lists.example.com=garden@b.test", "garden@lists.example.com"),
        ("SRS0=HHHH=TT=lists.example.com=prvs=4123ABCDEF=garden@fwd.test", "garden@lists.example.com"),
        ("moor+SRS=HHHHH=TT=lists.example.com=garden@fwd.test", "garden@lists.example.com"),
        ("garden-bounces+ruth=example.net@lists.example.com", "garden-bounces+ruth=example.net@lists.example.com"),
        ("SRS0=@", "SRS0=@"),
        ("", ""),
    ],
)
def test_batv_and_srs_are_taken_off(wrapped: str, address: str) -> None:
    assert unwrap(wrapped) == address


@pytest.mark.parametrize(
    ("address", "recipient", "names"),
    [
        ("garden-bounces+ruth=example.net@lists.example.com", RUTH, True),
        ("GARDEN-BOUNCES+RUTH=EXAMPLE.NET@LISTS.EXAMPLE.COM", RUTH, True),
        ("garden-bounces+ruth=example.net@lists.example.com", "mallory@example.net", False),
        ("garden-bounces+ruth=example.net@lists.example.com", None, False),
        ("garden-return-17-ruth=example.net@lists.example.com", RUTH, True),
        ("garden-return-17-ruth-ann=example.net@lists.example.com", "ruth-ann@example.net", True),
        ("bounce+ruth==example.net==garden@lists.example.com", RUTH, True),
        ("garden-bounces=2Bruth=3Dexample.net@lists.example.com", RUTH, True),
        ("prvs=4123ABCDEF=garden-bounces+ruth=example.net@lists.example.com", RUTH, True),
        ("garden-bounces+truth=example.net@lists.example.com", RUTH, False),
        ("garden-bounces@lists.example.com", RUTH, None),
        (f"garden-bounces={TAG}@lists.example.com", RUTH, None),
    ],
)
def test_unsigned_verp_is_compared_with_whom_the_report_names(address: str, recipient: str | None, names: object) -> None:
    assert verp_names(address, recipient) is names


@pytest.mark.parametrize(
    "text",
    [
        "alice@example.org<bob@example.net>",  # CVE-2023-27043: parseaddr gave the first
        "alice@example.org)bob@example.net",
        '"alice@example.org" <bob@example.net>',
        "alice@example.org, bob@example.net",
        "alice@example.org <bob@example.net>",
        "group: alice@example.org, bob@example.net;",
    ],
)
def test_a_second_address_is_never_hidden(text: str) -> None:
    assert addresses_in(text) == ["alice@example.org", "bob@example.net"]
    assert not is_address(text)


@given(st.text(max_size=300) | st.text('@=+-.<>"\\\r\n\0SR01prvsbt', max_size=300))
def test_nothing_about_addresses_raises(text: str) -> None:
    unwrap(text)
    verp_names(text, text)
    if is_address(text):
        assert not set("\r\n\0") & set(text)
