from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass.mime import charsets
from bounceclass.mime.charsets import codec_of, decode, decode_telling

CHARSETS = {
    "utf-8": "utf-8", "UTF8": "utf-8", " utf-8 ": "utf-8", '"utf-8"': "utf-8", "'utf-8'": "utf-8",
    "us-ascii": "ascii", "ANSI_X3.4-1968": "ascii", "latin1": "iso8859-1", "ISO-8859-15": "iso8859-15",
    "ks_c_5601-1987": "euc_kr", "euc-kr": "euc_kr", "uhc": "cp949", "iso-2022-kr": "iso2022_kr",
    "iso-2022-jp": "iso2022_jp", "euc-jp": "euc_jp", "Shift_JIS": "shift_jis", "gb2312": "gb2312", "GBK": "gbk", "gb18030": "gb18030",
    "big5": "big5", "hz-gb-2312": "hz", "windows-1251": "cp1251", "koi8-r": "koi8-r", "koi8-u": "koi8-u", "tis-620": "tis-620",
    "macintosh": "mac-roman", "utf-16le": "utf-16-le", "utf-7": "utf-7",
}  # fmt: skip
NO_CHARSETS = (
    None, "", " ", "punycode", "idna", "unicode_escape", "raw_unicode_escape", "rot13", "base64", "zlib", "bz2", "hex", "uu", "quopri", "undefined",
    "charmap", "x\x00y", "\xe9", "a" * 5000, "utf-8; format=flowed", "unknown-8bit", "../utf-8",
)  # fmt: skip


@pytest.mark.parametrize(("label", "codec"), CHARSETS.items())
def test_a_charset_of_mail_has_its_codec(label: str, codec: str) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize("label", NO_CHARSETS, ids=lambda label: repr(label)[:30])
def test_any_other_codec_of_python_is_none(label: str | None) -> None:
    assert codec_of(label) is None


@pytest.mark.parametrize(
    ("text", "written_as", "label"),
    [
        ("한국어", "euc-kr", "ks_c_5601-1987"),
        ("똠방각하", "cp949", "euc-kr"),  # Windows writes syllables that EUC-KR does not have
        ("①②", "cp932", "shift_jis"),
        ("中国㐀", "gb18030", "gb2312"),
        ("été", "latin-1", "iso-8859-1"),
        ("“hi”", "cp1252", "windows-1252"),
        ("Привет", "koi8-r", "koi8-r"),
        ("hi", "utf-16", "utf-16"),
        ("日本", "utf-7", "utf-7"),
    ],
)
def test_text_is_decoded_by_its_label(text: str, written_as: str, label: str) -> None:
    assert decode(text.encode(written_as), label) == text


@pytest.mark.parametrize(
    ("text", "written_as", "label"),
    [
        ("café", "utf-8", None),
        ("café", "utf-8", "us-ascii"),
        ("café", "utf-8", "x-unknown"),
        ("日本語", "utf-8", "iso-2022-jp"),
        ("日本語", "euc_jp", "iso-2022-jp"),
        ("日本語です。メール", "cp932", "iso-2022-jp"),
        ("日本語です。メール", "cp932", "euc-jp"),
        ("日本語", "iso2022_jp", None),
        ("日本語", "iso2022_jp", "us-ascii"),
        ("日本語", "iso2022_jp", "utf-8"),
        ("日本語", "iso2022_jp", "iso-8859-1"),
        ("日本語", "iso2022_jp", "punycode"),
    ],
)
def test_text_under_a_wrong_label_is_decoded_all_the_same(text: str, written_as: str, label: str | None) -> None:
    assert decode(text.encode(written_as), label) == text


@pytest.mark.parametrize(
    ("text", "written_as"),
    [
        ("한국어 메일 주소가 없습니다. 메일을 보낼 수 없습니다. " * 4, "euc-kr"),
        ("メールアドレスが見つかりません。配信できませんでした。" * 4, "euc_jp"),
        ("メールアドレスが見つかりません。配信できませんでした。" * 4, "cp932"),
    ],
)
@pytest.mark.parametrize("label", [None, "us-ascii", "utf-8", "x-unknown"])
def test_unlabelled_text_is_decoded_as_what_it_looks_like(text: str, written_as: str, label: str | None) -> None:
    assert decode(text.encode(written_as), label) == text


@pytest.mark.parametrize(
    ("text", "written_as", "looks_like"),
    [
        ("550 5.1.1 Unbekannter Empfänger", "latin-1", "cp1252"),
        ("552 la boîte aux lettres du destinataire est pleine, réessayez", "latin-1", "cp1252"),
        ("550 5.1.1 Пользователь не найден", "koi8-r", "koi8-r"),
        ("550 5.1.1 Пользователь не найден", "cp1251", "cp1251"),
        ("550 5.1.1 존재하지 않는 사용자입니다", "euc_kr", "cp949"),
        ("550 5.1.1 用户不存在请检查收件人地址", "gbk", "gb18030"),
        ("550 5.1.1 ユーザーが見つかりません", "cp932", "cp932"),
    ],
)
@pytest.mark.parametrize("label", [None, "us-ascii", "utf-8"])
def test_a_single_line_is_enough_to_tell_what_it_looks_like(text: str, written_as: str, looks_like: str, label: str | None) -> None:
    data = b"host mx.example.org said:\n" + text.encode(written_as) + b"\n(in reply to RCPT TO command)"
    assert decode_telling(data, label) == (f"host mx.example.org said:\n{text}\n(in reply to RCPT TO command)", looks_like)


@pytest.mark.parametrize("codec", sorted(charsets._ALLOWED - charsets._SHIFTING))  # noqa: SLF001  which are read as ASCII without asking them
def test_ascii_is_itself_in_every_charset_that_does_not_shift(codec: str) -> None:
    assert bytes(range(128)).decode(codec) == bytes(range(128)).decode("ascii")


def test_utf_8_with_a_byte_of_damage_stays_utf_8() -> None:
    assert decode_telling("Empfänger unbekannt: größer".encode() + b"\xe4", "utf-8") == ("Empfänger unbekannt: größer\\xe4", None)


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        (b"", None, ""),
        (b"a\xff", "utf-8", "a\\xff"),
        (b"\xff", None, "\\xff"),
        (b"+2AA-", "utf-7", "\ufffd"),  # a lone surrogate
        (b"abc-", "punycode", "abc-"),
        (b"\\u0041", "unicode_escape", "\\u0041"),
        (b"YWJj", "base64", "YWJj"),
        (b"\x1b[1mred", "utf-8", "\x1b[1mred"),  # a terminal's escape is no ISO-2022-JP
        (b"a\x00b", None, "a\x00b"),
    ],
)
def test_what_cannot_be_decoded_is_spelt_out(data: bytes, label: str | None, text: str) -> None:
    assert decode(data, label) == text


def test_windows_text_under_the_label_latin_1_keeps_its_quotes() -> None:
    assert decode("“hi”".encode("cp1252"), "iso-8859-1") == "“hi”"


LABELS = st.sampled_from([*CHARSETS, *(label for label in NO_CHARSETS if label)]) | st.none() | st.text(max_size=20)


@given(st.binary(max_size=200), LABELS)
@settings(max_examples=200, deadline=None)
def test_any_bytes_under_any_label_are_valid_text(data: bytes, label: str | None) -> None:
    assert decode(data, label).encode("utf-8").decode("utf-8") == decode(data, label)


@given(st.text(st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), max_size=50), st.sampled_from([None, "utf-8", "us-ascii", "x-unknown"]))
@settings(max_examples=100, deadline=None)
def test_utf_8_is_read_as_utf_8(text: str, label: str | None) -> None:
    assert decode(text.encode(), label) == text


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=50), st.sampled_from([None, "utf-8", "euc-kr", "latin1", "gb2312", "punycode"]))
@settings(max_examples=100, deadline=None)
def test_plain_ascii_is_itself(text: str, label: str | None) -> None:
    assert decode(text.encode(), label) == text


@given(st.text(st.characters(codec="cp949", exclude_categories=["Cc"]), max_size=50))
@settings(max_examples=100, deadline=None)
def test_korean_text_comes_back_from_its_windows_charset(text: str) -> None:
    data = text.encode("cp949")
    assert decode(data, "euc-kr") in {text, data.decode("utf-8", "replace")}  # some bytes are both
