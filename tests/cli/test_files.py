"""Files appear whole or not at all, whatever happens on the way."""

import signal
from pathlib import Path

import pytest

from eda_sim.cli.files import whole_file, whole_folder


def everything_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_folder_appears_with_all_its_files_and_nothing_else(tmp_path):
    with whole_folder(tmp_path / "a" / "b") as folder:
        (folder / "one").write_text("1")
        (folder / "two").write_text("2")
        assert not (tmp_path / "a" / "b").exists()
    assert everything_in(tmp_path) == ["a", "a/b", "a/b/one", "a/b/two"]


def test_new_folder_can_be_read_by_others_as_usual(tmp_path):
    (tmp_path / "usual").mkdir()
    with whole_folder(tmp_path / "ours"):
        pass
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_existing_folder_keeps_files_that_are_not_ours(tmp_path):
    target = tmp_path / "run"
    target.mkdir()
    (target / "notes.txt").write_text("mine")
    (target / "one").write_text("old")
    with whole_folder(target) as folder:
        (folder / "one").write_text("new")
        (folder / "deep").mkdir()
        (folder / "deep" / "two").write_text("2")
        assert (target / "one").read_text() == "old"
    assert everything_in(target) == ["deep", "deep/two", "notes.txt", "one"]
    assert (target / "one").read_text() == "new"
    assert (target / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_no_trace_not_even_new_parents(tmp_path, failure):
    with pytest.raises(failure), whole_folder(tmp_path / "a" / "b" / "c") as folder:
        (folder / "half").write_text("half")
        raise failure
    assert everything_in(tmp_path) == []


def test_failure_leaves_an_existing_folder_as_it_was(tmp_path):
    target = tmp_path / "run"
    target.mkdir()
    (target / "one").write_text("old")
    with pytest.raises(ValueError, match="no"), whole_folder(target) as folder:
        (folder / "one").write_text("new")
        raise ValueError("no")
    assert everything_in(tmp_path) == ["run", "run/one"]
    assert (target / "one").read_text() == "old"


def test_interruption_while_files_are_renamed_waits_until_they_are(tmp_path, monkeypatch):
    target = tmp_path / "run"
    target.mkdir()
    replace = Path.replace

    def interrupted_replace(source, place):
        signal.raise_signal(signal.SIGINT)
        replace(source, place)

    monkeypatch.setattr(Path, "replace", interrupted_replace)
    with pytest.raises(KeyboardInterrupt), whole_folder(target) as folder:
        for name in ("one", "two", "three"):
            (folder / name).write_text(name)
    assert everything_in(target) == ["one", "three", "two"]


def test_a_file_where_the_folder_should_be_is_an_error(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(NotADirectoryError), whole_folder(tmp_path / "run"):
        pytest.fail("not reached")
    assert (tmp_path / "run").read_text() == "a file"


def test_file_replaces_the_old_one_only_at_the_end(tmp_path):
    target = tmp_path / "figure.png"
    target.write_text("old")
    with whole_file(target) as path:
        path.write_text("new")
        assert path.suffix == ".png"
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert everything_in(tmp_path) == ["figure.png"]


def test_file_is_not_touched_by_a_failure(tmp_path):
    target = tmp_path / "figure.png"
    target.write_text("old")
    with pytest.raises(ValueError, match="no"), whole_file(target) as path:
        path.write_text("half")
        raise ValueError("no")
    assert target.read_text() == "old"
    assert everything_in(tmp_path) == ["figure.png"]


def test_a_folder_where_the_file_should_be_is_an_error(tmp_path):
    with pytest.raises(IsADirectoryError), whole_file(tmp_path):
        pytest.fail("not reached")
