"""Every notebook is in step with its source, and is what a lesson has to be."""

import ast
import re

import nbformat
import pytest

MAY_IMPORT = {"eda_sim", "ipywidgets", "math", "matplotlib", "pandas"}
LARGEST_BYTES = 200_000


@pytest.fixture(params=["student", "solved"])
def copy(request, build, lesson):
    """Path of a stored notebook, the notebook, and what the source makes, not executed."""
    student, solved = build.copies(lesson).items()
    path, made = student if request.param == "student" else solved
    return path, nbformat.read(path, as_version=4), made


@pytest.fixture
def stored(copy):
    return copy[1]


def code_cells(notebook, tag=None):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for cell in cells if tag is None or tag in cell.metadata.get("tags", [])]


def test_no_notebook_is_without_a_source(build):
    wanted = {path for source in build.sources() for path in build.copies(source)}
    there = {*build.STUDENT.glob("*.ipynb"), *build.SOLUTIONS.glob("*.ipynb")}
    assert there == wanted


def test_notebook_is_in_step_with_its_source(build, copy):
    path, stored, made = copy
    assert build.in_step(made, stored), f"{path.name} lags its source: make lessons"


def test_notebook_ran_from_top_to_bottom_without_a_complaint(build, stored):
    nbformat.validate(stored)
    cells = code_cells(stored)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        # Cleaning what is clean changes nothing; it refuses errors, warnings, and machine names.
        assert build.cleaned(cell) == cell.outputs


def test_notebook_holds_no_moment_and_no_state(build, stored):
    assert stored.metadata == build.METADATA
    for cell in stored.cells:
        assert set(cell.metadata) <= {"tags", "jupyter"}


def test_notebook_is_small(copy):
    path, _, _ = copy
    assert path.stat().st_size < LARGEST_BYTES


def test_every_figure_has_a_description(build, stored):
    figures = 0
    for cell in code_cells(stored):
        for text in build.texts(cell.outputs):
            images = re.findall(r"<img [^>]*>", text)
            figures += len(images)
            assert all(re.search(r'alt="[^"]{20,}"', image) for image in images)
        assert not any("image/png" in output.get("data", {}) for output in cell.outputs)
    assert figures > 0


def test_lesson_imports_the_public_door_only(stored):
    for cell in code_cells(stored):
        for node in ast.walk(ast.parse(cell.source)):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            assert {name.partition(".")[0] for name in names} <= MAY_IMPORT
            assert not any(name.startswith("eda_sim.") for name in names)


def test_lesson_has_its_parts(stored):
    (parameters,) = code_cells(stored, "parameters")
    statements = ast.parse(parameters.source).body
    assert all(isinstance(statement, ast.AnnAssign) for statement in statements), "typed"
    assert any(statement.target.id == "seed" for statement in statements)
    everything = "\n".join(cell.source for cell in stored.cells)
    assert "es.lessons.predict(" in everything
    assert ".beside(" in everything, "the prediction is shown beside the result"
    for heading in (
        "## Predict",
        "## Exercises",
        "## Summary",
        "### Recall",
        "### Further reading",
    ):
        assert heading in everything
    assert code_cells(stored, "claim")
    first_run = everything.index("es.run(")
    assert everything.index("es.lessons.predict(") < first_run, "the prediction comes first"


def test_sliders_have_a_static_twin(stored):
    sources = [cell.source for cell in code_cells(stored)]
    sliders = code_cells(stored, "nbval-ignore-output")
    assert sliders
    for cell in sliders:
        function = re.search(r"interact\(\s*(\w+),", cell.source)
        explorer = re.search(r"(\w+) = es\.explore\(", cell.source)
        assert (function is None) != (explorer is None), "one explorer, or one function of yours"
        twin = f"{function[1]}(" if function else f"es.lessons.show({explorer[1]}.figure,"
        assert any(source.startswith(twin) for source in sources)


def test_lesson_names_three_sets_of_other_parameters(build, lesson):
    (cell,) = code_cells(build.read_source(lesson), "parameters")
    stored = {each.target.id: ast.literal_eval(each.value) for each in ast.parse(cell.source).body}
    sets = build.parameter_sets(lesson)
    assert len(sets) >= 3
    assert len({values.get("seed", stored["seed"]) for values in sets.values()}) > 1
    for values in sets.values():
        assert set(values) <= set(stored)
        assert any(values[name] != stored[name] for name in values)


def test_checks_say_missing_in_the_student_copy_and_correct_in_the_solved_one(build, lesson):
    student, solved = (nbformat.read(path, as_version=4) for path in build.copies(lesson))
    for notebook, word in ((student, "MISSING"), (solved, "CORRECT")):
        checks = code_cells(notebook, "check")
        assert checks
        for cell in checks:
            assert cell.outputs[-1].data["text/plain"].startswith(word), cell.source[:60]


def test_exercises_are_open_in_the_student_copy(build, lesson):
    student, solved = build.copies(lesson).values()
    solutions = [cell.source for cell in code_cells(solved, "solution")]
    open_code = "\n".join(cell.source for cell in code_cells(student))
    assert len(code_cells(student, "exercise")) == len(solutions) > 0
    assert all("..." in cell.source for cell in code_cells(student, "exercise"))
    assert not any(solution in open_code for solution in solutions)
    folded = [c.source for c in student.cells if c.source.startswith("<details><summary><strong>")]
    assert len(folded) == len(solutions)
