"""The build step: what it makes of a source, what it refuses, and that it does it twice alike."""

import sys

import nbformat
import pytest

SOURCE = """
# %% [markdown]
# # A lesson

# %% tags=["parameters"]
seed: int = 1

# %%
print("one", seed)
print("two")

# %% tags=["exercise"]
answer = ...

# %% tags=["solution"]
answer = 6 * 7

# %% tags=["check"]
"right" if answer == 42 else "missing"

# %% [markdown]
# Done.
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "01_small.py"
        path.write_text(text, "utf-8")
        return path

    return write


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_the_student_copy_has_open_exercises_and_folds_solutions_below_their_checks(build, write):
    lesson = build.read_source(write(SOURCE))
    student = build.student_copy(lesson)
    assert "answer = ..." in code(student)
    assert "answer = 6 * 7" not in code(student)
    kinds = [(cell.cell_type, *build.tags(cell)) for cell in student.cells]
    check = kinds.index(("code", "check"))
    folded = student.cells[check + 1]
    assert folded.cell_type == "markdown"
    assert folded.source.startswith("<details><summary>")
    assert "answer = 6 * 7" in folded.source
    assert student.cells[check + 2].source == "Done."


def test_the_solved_copy_has_solutions_where_the_exercises_were(build, write):
    solved = build.solved_copy(build.read_source(write(SOURCE)))
    assert "answer = 6 * 7" in code(solved)
    assert "answer = ..." not in code(solved)
    assert [cell.source for cell in solved.cells].count("Done.") == 1


def test_ids_come_from_the_source_and_survive_an_insertion(build, write):
    before = build.read_source(write(SOURCE))
    again = build.read_source(write(SOURCE))
    more = build.read_source(
        write(
            SOURCE.replace(
                "# %% [markdown]\n# Done", "# %%\n1\n\n# %%\n1\n\n# %% [markdown]\n# Done"
            )
        )
    )
    ids = [cell.id for cell in before.cells]
    assert ids == [cell.id for cell in again.cells]
    assert set(ids) < {cell.id for cell in more.cells}
    assert len({cell.id for cell in more.cells}) == len(more.cells)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SOURCE.replace('"check"', '"chekc"'), "unknown tags chekc"),
        (SOURCE.replace('tags=["exercise"]', ""), "does not follow its exercise"),
        (SOURCE.replace('tags=["check"]', ""), "has no check"),
    ],
)
def test_a_source_that_is_not_a_lesson_is_refused(build, write, text, complaint):
    with pytest.raises(build.LessonError, match=complaint):
        build.student_copy(build.read_source(write(text)))


def test_executing_twice_gives_the_same_bytes_with_every_cell_counted(build, write):
    student = build.student_copy(build.read_source(write(SOURCE)))
    first, second = (nbformat.writes(build.execute(student)) for _ in range(2))
    assert first == second
    done = nbformat.reads(first, as_version=4)
    cells = [cell for cell in done.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [1, 2, 3, 4]
    assert [output.text for output in cells[1].outputs] == ["one 1\ntwo\n"]
    assert sys.version.split()[0] not in first


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("import warnings; warnings.warn('old', stacklevel=1)", "warns or fails"),
        ("object()", "names the machine"),
        ("print('/home/somebody/file')", "names the machine"),
    ],
)
def test_outputs_that_no_other_machine_would_give_are_refused(build, write, line, complaint):
    lesson = build.read_source(write(f"# %%\n{line}\n"))
    with pytest.raises(build.LessonError, match=complaint):
        build.execute(build.student_copy(lesson))


def test_sliders_leave_no_output_and_no_state(build, write):
    text = '# %% tags=["nbval-ignore-output"]\nimport ipywidgets\n'
    text += "ipywidgets.interact(lambda x: print(x), x=(0, 3))\n"
    done = build.execute(build.student_copy(build.read_source(write(text))))
    assert done.cells[0].outputs == []
    assert done.cells[0].execution_count == 1
    assert "widgets" not in done.metadata


def test_being_in_step_is_a_matter_of_sources_and_tags_not_of_outputs(build, write):
    made = build.student_copy(build.read_source(write(SOURCE)))
    done = build.execute(made)
    assert build.in_step(made, done)
    done.cells[1].metadata["tags"] = []
    assert not build.in_step(made, done)
    other = build.student_copy(build.read_source(write(SOURCE.replace("Done.", "Over."))))
    assert not build.in_step(other, build.execute(made))


HEAD = """
# ---
# jupyter:
#   parameter_sets:
#     another seed: {seed: 8, replications: 5}
#     none: {}
# ---
"""


def test_the_head_of_a_source_names_sets_of_parameters_and_is_no_cell(build, write):
    path = write(HEAD.lstrip() + SOURCE)
    sets = build.parameter_sets(path)
    assert sets == {"another seed": {"seed": 8, "replications": 5}, "none": {}}
    assert build.read_source(path).cells[0].source == "# A lesson"
    assert build.parameter_sets(write(SOURCE)) == {}


def test_a_difference_in_text_is_found_and_one_of_pixels_is_not(build, write):
    text = (
        "# %%\nclass Picture:\n    def _repr_html_(self):\n        "
        """return '<img alt="A" width="9" src="data:image/png;base64,AAAA">'\n\n\nPicture()\n"""
        "\n# %%\nprint(41)\n"
    )
    text = text.replace(
        "Picture()\n", "    def __repr__(self):\n        return 'A'\n\n\nPicture()\n", 1
    )
    done = build.execute(build.student_copy(build.read_source(write(text))))
    other = nbformat.from_dict(done)
    html = other.cells[0].outputs[0].data["text/html"]
    other.cells[0].outputs[0].data["text/html"] = html.replace("AAAA", "BBBB")
    assert build.differing(done, other) == []
    other.cells[1].outputs[0].text = "42\n"
    assert build.differing(done, other) == ["print(41)"]
    other.cells[0].outputs[0].data["text/html"] = html.replace('alt="A"', 'alt="B"')
    assert len(build.differing(done, other)) == 2
