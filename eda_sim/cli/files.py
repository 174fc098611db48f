"""Files that appear whole or not at all.

What is written goes to a hidden place beside its target and is renamed when it is complete.
Renaming within one file system is atomic, so whoever looks at the target sees the old state or the
new one. An interruption removes the hidden place; one that comes while files are being renamed
waits.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

__all__ = ["whole_file", "whole_folder"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold interruptions back for a few milliseconds, then let them happen."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers, and only it is interrupted
        return
    arrived: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        arrived.append(number)

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])


def _make_parents(folder: Path) -> list[Path]:
    """Create a folder and its parents; return those that were new, innermost first."""
    new: list[Path] = []
    step = folder
    while not step.exists():
        new.append(step)
        step = step.parent
    folder.mkdir(parents=True, exist_ok=True)
    return new


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):  # somebody else put something there in the meantime
            folder.rmdir()


@contextlib.contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write into whose files all appear in ``target`` at the end.

    Parameters
    ----------
    target : Path
        Where the files shall be. If it is a folder already, files of the same name are replaced and
        others are left alone.

    Yields
    ------
    Path
        An empty folder on the same file system, in a hidden folder of its own.

    Raises
    ------
    NotADirectoryError
        If ``target`` is a file.

    Examples
    --------
    >>> import tempfile
    >>> base = Path(tempfile.mkdtemp())
    >>> with whole_folder(base / "run") as folder:
    ...     _ = (folder / "a.txt").write_text("a")
    >>> [path.name for path in (base / "run").iterdir()]
    ['a.txt']
    """
    target = target.absolute()
    if target.exists() and not target.is_dir():
        message = f"{target} is a file, not a folder"
        raise NotADirectoryError(message)
    exists = target.is_dir()
    new: list[Path] = []
    staging: Path | None = None
    try:
        with _undisturbed():
            new = _make_parents(target.parent)
            where = target if exists else target.parent
            staging = Path(tempfile.mkdtemp(prefix=".eda-sim-", dir=where))
            content = staging / "content"
            content.mkdir()
        yield content
        with _undisturbed():
            if exists:
                _move_files(content, target)
            else:
                content.rename(target)
            shutil.rmtree(staging, ignore_errors=True)
    except BaseException:
        with _undisturbed():
            if staging is not None:
                shutil.rmtree(staging, ignore_errors=True)
            _remove_empty(new)
        raise


def _move_files(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(exist_ok=True)
        else:
            path.replace(place)


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give a path to write to whose content appears at ``target`` at the end.

    Parameters
    ----------
    target : Path
        Where the file shall be; one that is there is replaced.

    Yields
    ------
    Path
        A path on the same file system with the same suffix.

    Raises
    ------
    IsADirectoryError
        If ``target`` is a folder.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with whole_file(target) as path:
    ...     _ = path.write_text("a")
    >>> target.read_text()
    'a'
    """
    if target.is_dir():
        message = f"{target} is a folder, not a file"
        raise IsADirectoryError(message)
    with whole_folder(target.absolute().parent) as folder:
        yield folder / target.name
