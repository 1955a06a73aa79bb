from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "samples"
START = "import sys; from bounceclass.cli.main import run; sys.argv[0] = 'bounceclass'; run()"


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", START, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env={**os.environ, "NO_COLOR": "1"})  # noqa: S603  our own command


def test_the_plugin_file_leaves_a_right_file_of_all_samples(tmp_path: Path) -> None:
    reports = [json.loads(line) for line in run("classify", str(SAMPLES), "--format", "jsonl", cwd=tmp_path).stdout.splitlines()]
    events = [event for report in reports for event in report["events"]]
    wanted = {event["recipient"] for event in events if event["verdict"]["advice"] == "suppress" and "@" in (event["recipient"] or "")}
    (tmp_path / "mine.toml").write_text('[plugins.file]\npath = "dead.jsonl"\n', encoding="utf-8")
    done = run("--config", "mine.toml", "-p", "file", "classify", str(SAMPLES), "--format", "csv", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    kept = [json.loads(line) for line in (tmp_path / "dead.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {entry["address"] for entry in kept} <= wanted
    assert {entry["address"].lower() for entry in kept} == {address.lower() for address in wanted}
    assert {entry["by"] for entry in kept} == {"classify"}


def test_a_plugin_that_is_only_configured_is_not_told_of_what_is_classified(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[plugins.file]\npath = "dead.jsonl"\n', encoding="utf-8")
    assert run("--config", "mine.toml", "classify", str(SAMPLES / "rfc3464"), cwd=tmp_path).returncode == 0
    assert not (tmp_path / "dead.jsonl").exists()


def test_a_plugin_that_can_t_be_used_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    done = run("-p", "nosuch", "-p", "file", "classify", str(SAMPLES / "rfc3464" / "01-user-unknown.eml"), cwd=tmp_path)
    assert done.returncode == 2
    assert "bounceclass: plugin nosuch: is not installed; installed are brevo, exec, file," in done.stderr
    assert (tmp_path / "suppressions.csv").read_text(encoding="utf-8").count("\n") == 2


def test_the_list_says_what_is_on_off_and_why_one_failed(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[plugins.exec]\ncommad = ["true"]\n', encoding="utf-8")
    done = run("--config", "mine.toml", "-p", "file", "plugins", "--format", "json", cwd=tmp_path)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 2
    assert (rows["file"]["state"], rows["file"]["hooks"]) == ("on", ["release", "suppress"])
    assert (rows["exec"]["state"], "did you mean 'command'?" in rows["exec"]["why"]) == ("failed", True)


def test_a_configuration_that_does_not_fit_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("own_host = 3\n", encoding="utf-8")
    done = run("--config", "mine.toml", "reply", "550 x", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "bounceclass: mine.toml:1: Object contains unknown field `own_host`\n")
