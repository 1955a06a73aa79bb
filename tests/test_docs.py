"""The documentation is complete, and its examples run."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import click
import msgspec
import pytest

import bounceclass
from bounceclass import autoreply, config, dsn, feedback, hookspecs, prose, reader, receipt
from bounceclass.builtin import bounceclass_notices
from bounceclass.cli.main import BUILT_IN, command
from bounceclass.mime import charsets
from bounceclass.model import COMMANDS, REPLY_UNLOGGED, SHARED_REPLY, UNKNOWN_LOG, UNREAD, Action, Advice, Event, Kind, Original, Reason, Report, Scope
from bounceclass.notice import Notice
from bounceclass.packcheck import check
from bounceclass.packs import Rule, load, load_ours
from bounceclass.presets import PRESETS, PolicySettings, rows_for
from bounceclass.settings import Limits, LogSettings, RunSettings, TokenSettings, WebSettings
from bounceclass.summary import contents

ROOT = Path(__file__).parent.parent
PACKAGE = Path(bounceclass.__file__).parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FIRST_CELL = re.compile(r"^\| ((?:`[^`]+`(?:, )?)+) \|", re.MULTILINE)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def table(name: str) -> set[str]:
    """The words in backticks of the first column of every table of a page."""
    return {word for cell in FIRST_CELL.findall(read(name)) for word in re.findall(r"`([^`]+)`", cell)}


def blocks(language: str) -> list[tuple[str, str]]:
    return [(path.name, text) for path in PAGES for kind, text in BLOCK.findall(path.read_text(encoding="utf-8")) if kind == language]


@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_an_example_in_python_runs(page: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(code, page, "exec"), {})  # noqa: S102  our own documentation


LINES = [(page, line) for page, text in blocks("sh") for line in text.splitlines() if line.startswith("bounceclass ") and "mine.toml" not in line]


@pytest.mark.parametrize(("page", "line"), LINES)
def test_an_example_on_the_command_line_runs(page: str, line: str) -> None:
    start = f"{sys.executable} -m bounceclass"
    done = subprocess.run(line.replace("bounceclass", start, 1), shell=True, cwd=ROOT, capture_output=True, check=False, env={**os.environ, "NO_COLOR": "1"})  # noqa: S602  our own documentation
    assert (done.returncode, page) == (0, page), done.stderr.decode()
    assert done.stdout


@pytest.mark.parametrize(("page", "text"), blocks("console"))
def test_a_session_on_a_page_prints_what_it_shows(page: str, text: str) -> None:
    line, _, shown = text.removeprefix("$ ").partition("\n")
    command = [sys.executable, "-m", *line.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})  # noqa: S603  our own documentation
    assert (page, [row.rstrip() for row in done.stdout.splitlines()]) == (page, shown.splitlines())


def test_the_readme_s_first_two_answers_are_what_the_command_says() -> None:
    for line, answer in re.findall(r"^    \$ bounceclass reply \"(.+)\"\n    (.+)$", read("README.md"), re.MULTILINE):
        event = bounceclass.reply(line)
        assert [event.verdict.advice, event.verdict.reason, str(event.reply_code), event.enhanced_status] == answer.split()


def test_the_readme_has_its_two_commands() -> None:
    first, second = [text for page, text in blocks("sh") if page == "README.md"][:2]
    assert first.rstrip().endswith("bounceclass classify samples")
    assert second.rstrip().endswith("-m pytest -q -n 4")


PACKS = [block for block in blocks("toml") if "[rules." in block[1] or "[providers." in block[1]]
CONFIGURATIONS = [block for block in blocks("toml") if block not in PACKS]


@pytest.mark.parametrize(("page", "text"), CONFIGURATIONS)
def test_an_example_of_a_configuration_can_be_read(page: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / f"{page}.toml"
    path.write_text(text, encoding="utf-8")
    assert config.read(str(path)) != config.DEFAULT


def test_every_setting_of_the_policy_is_documented() -> None:
    page = table("docs/policy.md")
    assert {field.name for field in msgspec.structs.fields(PolicySettings)} - page == set()
    assert {*PRESETS, *rows_for(PolicySettings()), *Action} - page == {"default"}


def test_every_setting_of_a_run_is_documented() -> None:
    assert set(RunSettings.__struct_fields__) - table("docs/running.md") == set()
    assert set(LogSettings.__struct_fields__) - table("docs/service.md") == set()


def test_every_setting_of_the_web_and_of_a_token_and_every_scope_is_documented() -> None:
    assert {*WebSettings.__struct_fields__, *TokenSettings.__struct_fields__} - table("docs/serve.md") == set()
    scopes = get_args(get_args(get_type_hints(TokenSettings)["scopes"])[0])
    assert [scope for scope in scopes if f"| `{scope}` |" not in read("docs/serve.md")] == []


@pytest.mark.parametrize(("page", "text"), PACKS)
def test_an_example_of_a_pack_has_no_fault(page: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / f"{page}.toml"
    path.write_text(text, encoding="utf-8")
    assert check(load(path), load_ours()) == []


def test_every_reason_is_documented_with_its_scope_and_advice() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| .+? \| (.+ \| .+) \|$", read("docs/verdicts.md"), re.MULTILINE))
    words = [reason.value for reason in Reason]
    assert list(rows) == [*words[:36], words[-1], *words[36:-1]]
    for reason, row in rows.items():
        scopes, advice = row.split(" | ")
        assert {word for word in re.findall(r"[a-z]+", scopes) if word in set(Scope)}, reason
        assert {word for word in re.findall(r"[a-z]+", advice) if word in set(Advice)}, reason


def test_every_advice_is_explained_in_the_readme() -> None:
    assert set(Advice) <= table("README.md")


def test_every_key_of_a_report_is_documented() -> None:
    documented = read("docs/report.md")
    keys = {name for struct in (Report, Event, Original) for name in struct.__struct_encode_fields__}
    assert [key for key in sorted(keys) if f"`{key}`" not in documented] == []
    assert [word for word in (*Kind, *COMMANDS) if f"`{word}`" not in documented] == []


def test_every_key_of_a_summary_is_documented() -> None:
    documented = read("docs/summary.md")
    structs = [one for one in vars(contents).values() if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    keys = {name for struct in structs for name in struct.__struct_encode_fields__}
    assert [key for key in sorted(keys | set(contents.FIXES)) if f"`{key}`" not in documented] == []


def test_every_format_and_every_defect_is_documented_and_no_other() -> None:
    dialects = {notice.name for notice in bounceclass_notices()}
    formats = dialects | {prose.FORMAT, dsn.FORMAT, reader.POSTMASTER_COPY, feedback.ARF, feedback.JMRP, receipt.FORMAT, autoreply.AUTO_REPLY, autoreply.UNSUBSCRIBE}
    source = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    defects = set(re.findall(r"(?:add_defect|_defect|_note|note)\(\s*\"([a-z-]+)\"", source)) | {"boundary-not-found", "boundary-missing", dsn.NO_GROUP, UNREAD, SHARED_REPLY, REPLY_UNLOGGED, UNKNOWN_LOG, charsets.GUESSED, *prose.DOUBTS}
    documented = table("docs/report.md") - {name for struct in (Report, Event) for name in struct.__struct_encode_fields__}
    assert documented == formats | {"dmarc-aggregate", "tls-report"} | defects


def test_every_limit_and_every_key_of_a_rule_is_documented() -> None:
    limits = {name for cell in table("docs/reading.md") for name in [cell]} | {"head"}
    assert set(Limits.__struct_fields__) <= limits
    assert set(Rule.__struct_fields__) <= table("docs/rules.md")


def test_every_key_of_a_notice_row_is_documented() -> None:
    assert set(Notice.__struct_fields__) == table("docs/dialects.md")


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_command_and_option_is_documented(name: str) -> None:
    page = read("docs/command.md")
    found = command.get_command(click.Context(command), name)
    assert found is not None
    assert f"\n## {name}\n" in page
    section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    for parameter in found.params:
        for option in parameter.opts if isinstance(parameter, click.Option) else ():
            assert option in section, option


def test_every_hook_is_documented_with_its_arguments_and_no_other() -> None:
    hooks = {name: inspect.signature(hook) for name, hook in vars(hookspecs).items() if name.startswith(hookspecs.PREFIX)}
    signatures = {f"{name}({', '.join(signature.parameters)})" for name, signature in hooks.items()}
    assert {word for word in table("docs/hooks.md") if word.startswith(hookspecs.PREFIX)} == signatures
    assert [name for name in hooks if not getattr(hookspecs, name).__doc__] == []


def test_links_within_the_documentation_lead_somewhere() -> None:
    for path in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_samples_table_counts_what_is_there() -> None:
    page = read("samples/README.md")
    for folder in (ROOT / "samples").iterdir():
        if folder.is_dir() and folder.name != "make":
            count = len(list(folder.glob("*.eml")) or [one for one in folder.iterdir() if one.suffix != ".jsonl"])
            assert re.search(rf"^\| `?{re.escape(folder.name)}`? \| [^?].*\| {count} \|", page, re.MULTILINE), folder.name


def test_all_of_the_module_is_what_a_star_import_brings() -> None:
    brought: dict[str, object] = {}
    exec("from bounceclass import *", brought)  # noqa: S102  the statement is the test
    assert set(brought) - {"__builtins__"} == set(bounceclass.__all__)
    assert msgspec.__version__
