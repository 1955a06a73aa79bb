"""docs/esp.md says of each ESP what its plugin takes, signs and can't."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from bounceclass.packcheck import check
from bounceclass.packs import load
from tests.esp.signers import VENDORS, module, paths

PAGE = (Path(__file__).parent.parent.parent / "docs" / "esp.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", VENDORS)
def test_an_esp_stands_in_each_table_with_all_its_settings(name: str) -> None:
    assert len(re.findall(rf"^\| `{name}` \|", PAGE, re.MULTILINE)) == 4
    assert [field for field in module(name).Settings.__struct_fields__ if f"`{field}`" not in PAGE] == []


@pytest.mark.parametrize("name", VENDORS)
def test_its_pack_has_no_fault_and_its_name(name: str) -> None:
    pack = load(module(name).PACK)
    assert (pack.name, check(pack)) == (name, [])
    labels = [label for rule in pack.rules.values() for label in rule.label]
    assert sorted(labels) == sorted(set(labels))


@pytest.mark.parametrize("name", VENDORS)
def test_it_has_payloads(name: str) -> None:
    assert len(paths(name)) >= 10
    assert msgspec.json.decode(paths(name)[0].read_bytes())
