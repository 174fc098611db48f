"""Build the notebooks: ``python notebooks/build.py [--check | --reproduce] [name ...]``.

A lesson is written once, as ``notebooks/src/NN_name.py`` (jupytext's percent format). From it come

- ``notebooks/NN_name.ipynb``, for the reader: exercises are open, and each solution is folded away
  below the check of its exercise;
- ``notebooks/solutions/NN_name.ipynb``: every exercise is solved.

Both are executed from top to bottom in a new kernel. Nothing in them depends on the moment or the
machine: cell ids come from the source, there are no times, and the state of widgets is left out. So
building again changes nothing, which ``--reproduce`` proves, and ``make notebooks`` can compare every
output. The head of a source names ``parameter_sets``: other parameters with which it must run, too.

Tags of code cells
------------------
parameters
    The one cell whose values may be replaced (papermill knows this tag).
exercise, solution
    An exercise with ``...`` in it, and right after it what belongs there.
check
    Judges the answer to an exercise. Its code is folded.
claim
    Asserts what the text says. Its code is folded.
nbval-ignore-output
    Its output is not compared and not kept: sliders.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import itertools
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from eda_sim.lessons.kernels import METADATA, executed

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "src"
STUDENT = HERE
SOLUTIONS = HERE / "solutions"

TAGS = {"parameters", "exercise", "solution", "check", "claim", "nbval-ignore-output"}
FOLDED = {"check", "claim"}
"""Tags of cells whose code a reader need not see first; JupyterLab shows a bar that opens it."""
MACHINE = re.compile(r"0x[0-9a-f]{6,}|/home/|/root/|/tmp/|/Users/|[A-Z]:\\\\|ipykernel_\d+")
"""What names the machine or the process and must not stand in an output."""


PIXELS = re.compile(r'width=\\"\d+\\" src=\\"data:image/png;base64,[^"\\]*')
"""A picture in the text of a notebook: two machines may round a pixel differently."""


class LessonError(Exception):
    """A source that is not a lesson, or a lesson that does not run."""


def sources() -> list[Path]:
    """Return the sources of all lessons, in order."""
    return sorted(SOURCES.glob("*.py"))


def read_source(path: Path) -> NotebookNode:
    """Read a source into a notebook without outputs; cells get their ids here."""
    notebook = jupytext.reads(path.read_text("utf-8"), fmt="py:percent")
    # An empty cell gets no execution count, and what has none is never compared.
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        unknown = set(tags(cell)) - TAGS
        if unknown:
            message = f"{path.name}: unknown tags {', '.join(sorted(unknown))}"
            raise LessonError(message)
        cell.metadata = NotebookNode({"tags": tags(cell)} if tags(cell) else {})
        if FOLDED & set(tags(cell)):
            cell.metadata.jupyter = {"source_hidden": True}
        key = hashlib.blake2s(cell.source.encode(), digest_size=4).hexdigest()
        seen[key] = seen.get(key, 0) + 1
        cell.id = f"{key}-{seen[key]}"
    return notebook


def student_copy(lesson: NotebookNode) -> NotebookNode:
    """Return the reader's notebook: each solution is folded, below the check that follows it."""
    cells: list[NotebookNode] = []
    waiting: list[NotebookNode] = []
    for cell in copy.deepcopy(lesson.cells):
        if "solution" in tags(cell):
            if not cells or "exercise" not in tags(cells[-1]):
                message = f"a solution does not follow its exercise: {cell.source[:60]!r}"
                raise LessonError(message)
            waiting.append(cell)
            continue
        cells.append(cell)
        if "check" in tags(cell):
            cells.extend(folded(solution) for solution in waiting)
            waiting.clear()
    if waiting:
        message = f"a solution has no check: {waiting[0].source[:60]!r}"
        raise LessonError(message)
    return whole(cells)


def solved_copy(lesson: NotebookNode) -> NotebookNode:
    """Return the notebook with every exercise solved."""
    cells = [cell for cell in copy.deepcopy(lesson.cells) if "exercise" not in tags(cell)]
    return whole(cells)


def folded(solution: NotebookNode) -> NotebookNode:
    """Return a markdown cell that shows the code of a solution when it is opened."""
    text = (
        "<details><summary><strong>Solution</strong> (after your own attempt)</summary>\n\n"
        f"```python\n{solution.source}\n```\n\n</details>"
    )
    return NotebookNode(cell_type="markdown", id=solution.id, metadata={}, source=text)


def whole(cells: list[NotebookNode]) -> NotebookNode:
    """Return cells as a notebook of the current format."""
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=copy.deepcopy(METADATA))
    nbformat.validate(notebook)
    return notebook


def execute(notebook: NotebookNode) -> NotebookNode:
    """Run a notebook in a new kernel and return it with its outputs, cleaned."""
    done = executed(notebook, folder=STUDENT)
    for cell in done.cells:
        if cell.cell_type == "code":
            cell.outputs = cleaned(cell)
    return done


def cleaned(cell: NotebookNode) -> list[NotebookNode]:
    """Return the outputs of a cell without what differs from run to run; refuse what must not be.

    A stream arrives in pieces whose number is up to chance, so neighbours become one.
    """
    if "nbval-ignore-output" in tags(cell):
        return []
    outputs: list[NotebookNode] = []
    for output in cell.outputs:
        if output.output_type == "error" or output.get("name") == "stderr":
            message = f"a cell warns or fails: {cell.source[:60]!r}: {output}"
            raise LessonError(message)
        if output.output_type == "stream" and outputs and outputs[-1].output_type == "stream":
            outputs[-1].text += output.text
            continue
        if output.output_type != "stream":
            output.metadata = NotebookNode()
        outputs.append(output)
    for text in texts(outputs):
        if MACHINE.search(re.sub(r"base64,[^\"]*", "", text)):
            message = f"an output names the machine: {cell.source[:60]!r}: {text[:200]!r}"
            raise LessonError(message)
    return outputs


def texts(outputs: Iterable[NotebookNode]) -> list[str]:
    """Return everything in outputs that is text."""
    found = []
    for output in outputs:
        found.extend([output.text] if output.output_type == "stream" else output.data.values())
    return [text for text in found if isinstance(text, str)]


def tags(cell: NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return list(cell.metadata.get("tags", []))


def parameter_sets(path: Path) -> dict[str, dict[str, object]]:
    """Return the sets of parameters that the head of a source names: name -> parameter -> value."""
    head = jupytext.reads(path.read_text("utf-8"), fmt="py:percent").metadata
    return {str(name): dict(values) for name, values in head.get("parameter_sets", {}).items()}


def differing(made: NotebookNode, stored: NotebookNode) -> list[str]:
    """Return the beginnings of the cells that are not the same, byte by byte, but for pixels."""

    def text(cell: NotebookNode) -> str:
        return PIXELS.sub("PIXELS", json.dumps(cell, sort_keys=True))

    pairs = itertools.zip_longest(made.cells, stored.cells, fillvalue=NotebookNode(source=""))
    return [(one.source or other.source)[:60] for one, other in pairs if text(one) != text(other)]


def copies(path: Path) -> dict[Path, NotebookNode]:
    """Return what a source makes, not executed: path of each notebook -> notebook."""
    lesson = read_source(path)
    name = f"{path.stem}.ipynb"
    return {STUDENT / name: student_copy(lesson), SOLUTIONS / name: solved_copy(lesson)}


def in_step(made: NotebookNode, stored: NotebookNode) -> bool:
    """Return whether two notebooks have the same cells: kind, id, source, tags."""

    def facts(notebook: NotebookNode) -> list[tuple[object, ...]]:
        return [(c.cell_type, c.id, c.source, dict(c.metadata)) for c in notebook.cells]

    return facts(made) == facts(stored)


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook: whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    beside.replace(path)


def look(path: Path, notebook: NotebookNode, *, again: bool) -> str:
    """Say what is wrong with a stored notebook; nothing if it is what its source makes."""
    if not path.exists():
        return "is not there; build it"
    stored = nbformat.read(path, as_version=4)
    if not in_step(notebook, stored):
        return "lags its source; build it"
    changed = differing(execute(notebook), stored) if again else []
    return f"came out differently: {changed}" if changed else ""


def main() -> int:
    """Build, or check, the lessons that are named; all of them without a name."""
    parser = argparse.ArgumentParser(description="Build the notebooks from notebooks/src.")
    parser.add_argument("names", nargs="*", help="beginnings of names, as 02; default: all")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--check", action="store_true", help="run nothing; fail if a notebook lags its source"
    )
    how.add_argument(
        "--reproduce", action="store_true", help="run, write nothing; fail if a byte comes out new"
    )
    options = parser.parse_args()
    wrong = 0
    for source in sources():
        if options.names and not source.name.startswith(tuple(options.names)):
            continue
        for path, notebook in copies(source).items():
            name = path.relative_to(HERE.parent)
            if options.check or options.reproduce:
                problem = look(path, notebook, again=options.reproduce)
                wrong += bool(problem)
                print(f"{name}: {problem or ('the same' if options.reproduce else 'in step')}")
            else:
                write(execute(notebook), path)
                print(f"{name}: {path.stat().st_size / 1000:.0f} KB")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
