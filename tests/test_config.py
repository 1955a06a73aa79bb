"""bounceclass.toml: read whole, or one error that names the file and the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bounceclass.config import DEFAULT, VARIABLE, Configuration, read, settings_from
from bounceclass.errors import SettingsError
from bounceclass.presets import PolicySettings
from bounceclass.settings import KeySource, Limits, SecretSource, StoreSettings, TrustSettings

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
own_hosts = ["mx.example.com"]
packs = ["mine.toml", "/etc/bounceclass/theirs.toml"]
isolate = "process"

[limits]
recipients = 10

[trust]
keys = [{id = 1, file = "tag.key"}]

[store]
url = "sqlite:///bounces.db"
hash_key = {file = "people.key"}

[policy]
preset = "mailman"

[plugins.file]
path = "dead.csv"
"""


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "bounceclass.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_file_is_settings_and_its_packs_stand_beside_it(tmp_path: Path) -> None:
    assert read(written(tmp_path, WHOLE)) == Configuration(
        own_hosts=("mx.example.com",),
        packs=(str(tmp_path / "mine.toml"), "/etc/bounceclass/theirs.toml"),
        isolate="process",
        limits=Limits(recipients=10),
        trust=TrustSettings(keys=(KeySource(id=1, file=str(tmp_path / "tag.key")),)),
        store=StoreSettings(url="sqlite:///bounces.db", hash_key=SecretSource(file=str(tmp_path / "people.key"))),
        policy=PolicySettings(preset="mailman"),
        plugins={"file": {"path": "dead.csv"}},
    )


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert read(written(tmp_path, "")) == DEFAULT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("own_host = []", ":1: Object contains unknown field `own_host`"),
        ("\nown_hosts = 'mx.example.com'", ":2: Expected `array`, got `str` - at `own_hosts`"),
        ("[limits]\nparts = 'many'", ":2: Expected `int`, got `str` - at `limits.parts`"),
        ("[run]\nbatch = 3\n[limits]\nparts = 3\npart = 3", ":5: Object contains unknown field `part` - at `limits`"),
        ("isolate = 'thred'", ":1: Invalid enum value 'thred' - at `isolate`"),
        ("\n[limits]\ndepth = 1\n[limits.parts]\nx = 1", ":4: Expected `int`, got `object` - at `limits.parts`"),
        ("[policy]\nheld_days = 1\n[policy.reasons.mailbox-full]\ncount = {n = 0}", ":4: Expected `int` >= 1 - at `policy.reasons[...].count.n`"),
        ("[[trust.keys]]\nid = 1\nsecret = 'x'\n[[trust.keys]]\nid = 'two'", ":5: Expected `int`, got `str` - at `trust.keys[1].id`"),
        ("parser = 'stdlib'\npacks = [", ":2: "),
        (b"parser = 'stdlib'\nown_hosts = ['\xff']", ":2: "),
        ("[plugins]\nfile = 3", ":2: Expected `object`, got `int` - at `plugins[...]`"),
    ],
)
def test_what_does_not_fit_is_one_error_that_names_the_line_and_the_spot(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}{said}")
    assert "\n" not in message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: No such file or directory"):
        read(str(tmp_path / "none.toml"))


def test_the_file_is_the_one_given_else_the_variable_s_and_never_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, "parser = 'stdlib'")
    monkeypatch.delenv(VARIABLE, raising=False)
    assert settings_from(None) == DEFAULT
    monkeypatch.setenv(VARIABLE, path)
    assert settings_from(None).parser == "stdlib"
    other = tmp_path / "other.toml"
    other.write_text("own_hosts = ['a.test']", encoding="utf-8")
    assert settings_from(str(other)) == Configuration(own_hosts=("a.test",))
