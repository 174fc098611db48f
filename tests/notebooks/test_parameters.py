"""A lesson runs to its end with other parameters too, and what it claims still holds."""

import papermill
import pytest


@pytest.mark.slow
@pytest.mark.papermill
def test_lesson_holds_with_other_parameters(build, lesson, parameters, tmp_path):
    papermill.execute_notebook(
        str(build.STUDENT / f"{lesson.stem}.ipynb"),
        str(tmp_path / "out.ipynb"),
        parameters=parameters,
        progress_bar=False,
        kernel_name="python3",
    )
