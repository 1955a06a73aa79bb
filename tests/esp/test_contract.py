"""Every ESP's plugin keeps the contract, and reads its documented payloads as they are expected to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass.model import encode
from bounceclass.testing import CHECKS, NOW, survives
from tests.esp.signers import VENDORS, contract, engine, expected, paths, webhook

if TYPE_CHECKING:
    from pathlib import Path

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda child: st.lists(child, max_size=4) | st.dictionaries(st.sampled_from(["event", "type", "email", "data", "msys", "bounce", "Type", "Message", "mail", "events"]), child, max_size=5),
    max_leaves=20,
)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", VENDORS)
def test_a_plugin_keeps_the_contract(name: str, check: str) -> None:
    assert list(CHECKS[check](contract(name))) == []


@pytest.mark.parametrize("path", [path for name in VENDORS for path in paths(name)], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_payload_reads_and_is_judged_as_expected(path: Path, request: pytest.FixtureRequest) -> None:
    name = path.parent.name
    judge = engine(name)
    assert judge.plugins.faults == []
    reports = [judge.judge(report) for report in webhook(name).parse(path.read_bytes())]
    if request.config.getoption("--accept"):
        path.with_name(f"{path.name}.jsonl").write_bytes(b"".join(encode(report) + b"\n" for report in reports))
    assert reports == expected(path)


@pytest.mark.parametrize("name", VENDORS)
@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=200) | JSON.map(msgspec.json.encode), header=st.text(max_size=40))
def test_whatever_is_posted_nothing_is_raised_or_believed(name: str, body: bytes, header: str) -> None:
    hook, vendor = webhook(name), VENDORS[name]
    assert survives(hook, body) == []
    headers, _ = vendor.sign(b'{"event": "x"}', vendor.secrets[0], NOW)
    junk = {key.lower(): header for key in headers} | {"authorization": header}
    assert hook.verify(junk, body, vendor.secrets[:2], NOW) is False
