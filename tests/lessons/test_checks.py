"""A check tells right from wrong by property, and never breaks on an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_sim import lessons
from eda_sim.lessons import State

ANSWERS = st.recursive(
    st.booleans() | st.floats() | st.integers() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def judge(rate):
    """A judge as lessons have them: it takes it for granted that the answer is a number."""
    if rate == 60:
        return lessons.hint("that is per minute.")
    if abs(rate - 90) < 1:
        return lessons.correct("that holds.")
    return (lessons.almost if abs(rate - 90) < 10 else lessons.keep_working)("too far.")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (..., State.MISSING),
        (None, State.MISSING),
        (10, State.KEEP_WORKING),
        (95, State.ALMOST),
        (90.5, State.CORRECT),
        (60, State.HINT),
    ],
)
def test_each_state_is_reached_and_named_in_text_and_in_html(answer, state):
    verdict = lessons.check(answer, judge, name="rate")
    assert verdict.state is state
    assert repr(verdict).startswith(state.value.upper())
    assert f"<strong>{state.value.capitalize()}:</strong>" in verdict._repr_html_()


def test_a_missing_answer_is_told_what_to_replace_without_asking_the_judge():
    verdict = lessons.check(..., lambda answer: 1 / 0, name="largest_rate")
    assert "`largest_rate = ...`" in verdict.message


@given(answer=ANSWERS)
def test_no_answer_breaks_a_check_and_nonsense_is_never_correct(answer):
    verdict = lessons.check(answer, judge, name="rate")
    assert "\n" not in repr(verdict)
    right = isinstance(answer, int | float) and abs(answer - 90) < 1
    assert (verdict.state is State.CORRECT) == right


def test_an_error_of_the_lesson_itself_is_not_hidden():
    with pytest.raises(NotImplementedError):
        lessons.check(1, _unfinished, name="rate")


def _unfinished(answer):
    raise NotImplementedError


def test_what_the_reader_wrote_is_not_run_as_html():
    verdict = lessons.check("<script>alert(1)</script>", judge, name="rate")
    assert "<script>" not in verdict._repr_html_()


def test_a_hint_is_folded():
    assert "<details>" in lessons.hint("look at the unit.")._repr_html_()
    assert "<details>" not in lessons.correct("look at the unit.")._repr_html_()
