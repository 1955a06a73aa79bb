"""The index beside a suppression file, and the place where both stand."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from bounceclass_file import Settings, index, plugin

from bounceclass.errors import Retry, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
from tests.plugins.kept import ROOT, add, entry, keep

# The index


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 400, None])
def test_an_index_that_is_lost_or_damaged_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "a.csv"
    add(path, entry(), entry("b@example.org"))
    place = tmp_path / "a.csv.index"
    for one in tmp_path.glob("a.csv.index*"):
        one.unlink()
    if damage is not None:
        place.write_bytes(damage)
    add(path, entry(), entry("b@example.org"), entry("c@example.org"))
    assert len(path.read_text().splitlines()) == 4


def test_an_edit_behind_its_back_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    kept = keep(path)
    kept.bounceclass_suppress(entry("a@example.org"))
    kept.bounceclass_suppress(entry("b@example.org"))
    path.write_text("b@example.org\nc@example.org\n")
    for name in ("a", "b", "c"):
        kept.bounceclass_suppress(entry(f"{name}@example.org"))
    assert path.read_text().split() == ["b@example.org", "c@example.org", "a@example.org"]
    path.unlink()
    kept.bounceclass_suppress(entry("a@example.org"))
    assert path.read_text() == "a@example.org\n"


def test_an_index_that_takes_long_is_made_in_several_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_BATCH", 2)
    monkeypatch.setattr(index, "_BUDGET", -1.0)
    path = tmp_path / "a.txt"
    path.write_text("".join(f"user{number}@example.org\n" for number in range(9)))
    waited = []
    for _ in range(5):
        try:
            add(path, entry("user8@example.org"), entry("user3@example.org"))
            break
        except Retry as error:
            waited.append(re.sub(".*: ", "", str(error)))
    assert waited == ["is being made anew, 22% done", "is being made anew, 44% done", "is being made anew, 67% done", "is being made anew, 89% done"]
    assert len(path.read_text().split()) == 9


# The place


def test_mode_and_owner_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a@example.org\n")
    path.chmod(0o604)
    if ROOT:
        os.chown(path, 12, 34)
    add(path, entry())
    keep(path).bounceclass_release(entry())
    now = path.stat()
    assert (stat.S_IMODE(now.st_mode), path.read_text()) == (0o604, "a@example.org\n")
    assert not ROOT or (now.st_uid, now.st_gid) == (12, 34)


def test_a_new_file_is_not_for_everybody(tmp_path: Path) -> None:
    add(tmp_path / "a.txt", entry())
    assert {one.name: stat.S_IMODE(one.stat().st_mode) & 0o7 for one in tmp_path.iterdir()} == dict.fromkeys([one.name for one in tmp_path.iterdir()], 0)


@pytest.mark.parametrize(
    ("name", "fault"),
    [("link.csv", "is a symbolic link; name the file that it leads to"), ("folder", "is not a regular file"), ("pipe", "is not a regular file"), ("none/a.csv", "there is no folder")],
)
def test_a_path_that_can_t_be_such_a_file_is_a_fault_of_the_settings(tmp_path: Path, name: str, fault: str) -> None:
    (tmp_path / "target.csv").write_text("")
    (tmp_path / "link.csv").symlink_to("target.csv")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingsError, match=f"{name}: {fault}"):
        keep(tmp_path / name)


@pytest.mark.parametrize("name", ["a.txt", "a.txt.lock", "a.txt.index"])
def test_a_link_that_appears_later_is_not_followed(tmp_path: Path, name: str) -> None:
    kept = keep(tmp_path / "a.txt")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / name).symlink_to(victim)
    with pytest.raises(OSError, match=re.escape(name)):
        kept.bounceclass_suppress(entry())
    assert victim.read_text() == "precious"


def test_what_a_dead_writer_left_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    add(tmp_path / "a.txt", entry())
    (tmp_path / "a.txt.new").symlink_to(victim)
    keep(tmp_path / "a.txt").bounceclass_release(entry())
    assert (victim.read_text(), (tmp_path / "a.txt").read_text()) == ("precious", "")
    assert not (tmp_path / "a.txt.new").is_symlink()


def test_a_folder_or_a_pipe_that_appears_later_is_an_error_that_names_it(tmp_path: Path) -> None:
    one, two = keep(tmp_path / "a.txt"), keep(tmp_path / "b.txt")
    (tmp_path / "a.txt").mkdir()
    os.mkfifo(tmp_path / "b.txt")
    with pytest.raises(IsADirectoryError, match=r"a\.txt"):
        one.bounceclass_suppress(entry())
    with pytest.raises(OSError, match=r"is not a regular file.*b\.txt"):
        two.bounceclass_suppress(entry())


def test_a_later_chdir_moves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    kept = plugin(Settings())
    monkeypatch.chdir(tmp_path / "other")
    kept.bounceclass_suppress(entry())
    assert (tmp_path / "suppressions.csv").exists()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of its own, of 256 kB."""
    place = tmp_path / "small"
    place.mkdir()
    if not ROOT or not mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)):
        pytest.skip("only root can mount a small file system")
    yield place
    subprocess.run(["umount", "-l", place], check=True)  # noqa: S603, S607  what was mounted above


def mount(*options: str) -> bool:
    return subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0  # noqa: S603, S607  a place of our own


def test_a_full_disk_is_an_error_and_leaves_the_file_whole(small: Path) -> None:
    path = small / "a.txt"
    kept = keep(path)
    kept.bounceclass_suppress(entry())
    done = 0
    with (small / "ballast").open("wb", buffering=0) as ballast:
        while os.statvfs(small).f_bfree:
            ballast.write(b"x" * 4096)
    with pytest.raises(OSError, match=r"a\.txt"):  # noqa: PT012  the call that fails is one of many
        for number in range(2000):
            kept.bounceclass_suppress(entry(f"user{number}@example.org"))
            done += 1
    lines = path.read_text().split("\n")
    assert (lines[-1], len(lines[:-1])) in {("", done + 1), ("", done + 2)}  # where only the index failed, the line is there
    with pytest.raises(OSError, match=r"a\.txt"):
        kept.bounceclass_release(entry())
    assert path.read_text().startswith("user@example.org\n")
    (small / "ballast").unlink()
    kept.bounceclass_release(entry())
    kept.bounceclass_suppress(entry(f"user{done}@example.org"))
    assert path.read_text().split() == [f"user{number}@example.org" for number in range(done + 1)]


def test_a_read_only_place_is_an_error_that_names_it(small: Path) -> None:
    path = small / "a.txt"
    path.write_text("user@example.org\n")
    assert mount("-o", "remount,ro", str(small))
    with pytest.raises(OSError, match=r"Read-only file system: .*a\.txt"):
        add(path, entry("b@example.org"))
    assert path.read_text() == "user@example.org\n"
