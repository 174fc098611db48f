"""A prediction is kept as it was made, and the result decides which option was right."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_sim import lessons

QUESTION = "How many times as long?"
OPTIONS = [("about the same", 0, 1.5), ("twice", 1.5, 3), ("far longer <3", 3, math.inf)]


@given(st.floats(0, 1e300))
def test_exactly_the_option_whose_range_holds_the_result_is_right(result):
    letter = lessons.predict(QUESTION, OPTIONS).right(result)
    _, low, high = OPTIONS["abc".index(letter)]
    assert low <= result < high


@pytest.mark.parametrize(("choice", "agrees"), [("a", False), ("b", True), (" B ", True)])
def test_the_outcome_shows_both_and_says_whether_they_agree(choice, agrees):
    prediction = lessons.predict(QUESTION, OPTIONS, choice=choice)
    outcome = prediction.beside(2.5, says="2.5 times.")
    for text in (repr(outcome), outcome._repr_html_()):
        assert prediction.words(prediction.choice) in text
        assert "twice; 2.5 times." in text
        assert ("As you predicted." in text) == agrees
        assert ("Not as you predicted." in text) == (not agrees)


def test_without_a_choice_nothing_breaks_and_nothing_is_judged():
    prediction = lessons.predict(QUESTION, OPTIONS)
    assert "Not answered yet" in repr(prediction)
    outcome = prediction.beside(2.5, says="2.5 times.")
    assert "none" in repr(outcome)
    assert "predicted." not in repr(outcome)


def test_the_choice_is_marked_in_words_too():
    text = repr(lessons.predict(QUESTION, OPTIONS, choice="b"))
    assert "-> b) twice" in text
    assert "Your prediction: b." in text


def test_words_are_not_taken_for_html():
    assert "far longer &lt;3" in lessons.predict(QUESTION, OPTIONS)._repr_html_()


@pytest.mark.parametrize("choice", ["d", "", "ab", 3])
def test_a_choice_that_is_no_option_names_the_options(choice):
    with pytest.raises(ValueError, match="write one of a, b, c"):
        lessons.predict(QUESTION, OPTIONS, choice=choice)


@pytest.mark.parametrize(
    "options",
    [
        [],
        [("nothing", 1, 1)],
        [("a gap follows", 0, 1), ("here", 2, 3)],
        [("an overlap follows", 0, 2), ("here", 1, 3)],
    ],
)
def test_ranges_that_leave_gaps_or_overlap_are_refused(options):
    with pytest.raises(ValueError, match="range"):
        lessons.predict(QUESTION, options)


def test_a_result_that_the_author_did_not_think_of_is_an_error():
    with pytest.raises(ValueError, match="no option"):
        lessons.predict(QUESTION, OPTIONS).right(-1)
