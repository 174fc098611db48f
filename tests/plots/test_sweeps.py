"""Sweeps: every estimate is drawn where it is, with its interval; theory is a line behind it."""

import math

import numpy as np
import pandas as pd
import pytest

from eda_sim.plots import sweeps

CURVE = pd.DataFrame(
    [
        (0.5, 0.5, 0.014, 0.013, 0.015),
        (0.9, 0.5, 0.068, 0.060, 0.076),
        (0.5, 0.99, 0.091, -0.001, 0.096),
        (0.9, 0.99, 0.460, math.nan, math.nan),
    ],
    columns=["utilization", "quantile", "value", "low", "high"],
)


def dots(ax):
    """Positions of all dots, as {(x, y)}."""
    lines = [line for line in ax.lines if line.get_marker() == "o"]
    return {(float(x), float(y)) for line in lines for x, y in zip(*line.get_data(), strict=True)}


def bars(ax):
    """Ends of all intervals, as [((x, y), (x, y))]."""
    return [tuple(map(tuple, part)) for c in ax.collections for part in c.get_segments()]


def test_load_curve_draws_each_estimate_and_cuts_intervals_at_zero():
    ax = sweeps.load_curve(CURVE)
    assert dots(ax) == set(zip(CURVE["utilization"], CURVE["value"], strict=True))
    assert sorted(bars(ax)) == [
        ((0.5, 0.0), (0.5, 0.096)),
        ((0.5, 0.013), (0.5, 0.015)),
        ((0.9, 0.060), (0.9, 0.076)),
    ]
    assert {text.get_text() for text in ax.texts} == {"p50", "p99"}
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylabel() == "latency, created to effect, with 95 %\nintervals"
    unknown = sweeps.load_curve(CURVE.assign(low=np.nan, high=np.nan))
    assert unknown.get_ylabel() == "latency, created to effect"


def test_load_curve_draws_theory_as_lines_that_end_at_their_names():
    theory = pd.DataFrame(
        {"utilization": [0.9, 0.1], "quantile": [0.99, 0.99], "value": [0.46, 0.05]}
    )
    ax = sweeps.load_curve(CURVE, theory=theory)
    lines = [line for line in ax.lines if line.get_marker() != "o" and len(line.get_xdata())]
    (line,) = lines
    assert list(line.get_xdata()) == [0.1, 0.9]
    assert list(line.get_ydata()) == [0.05, 0.46]


@pytest.mark.parametrize("reference", [None, (0.46, "theory")])
def test_estimates_are_drawn_from_the_top_with_their_names(reference):
    table = pd.DataFrame(
        {
            "name": ["first", "second"],
            "value": [0.4, 0.5],
            "low": [0.3, np.nan],
            "high": [0.6, np.nan],
        },
        index=[7, 3],
    )
    ax = sweeps.estimates(table, reference=reference, title="Two")
    assert dots(ax) == {(0.4, 0.0), (0.5, 1.0)}
    assert bars(ax) == [((0.3, 0.0), (0.6, 0.0))]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["first", "second"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert ("theory" in [text.get_text() for text in ax.texts]) == (reference is not None)


def test_both_draw_where_they_are_told():
    ax = sweeps.load_curve(CURVE)
    assert sweeps.load_curve(CURVE, ax=ax) is ax
    table = pd.DataFrame({"name": ["a"], "value": [1.0], "low": [0.5], "high": [2.0]})
    assert sweeps.estimates(table, ax=ax) is ax


def test_theory_is_a_stroke_in_each_row():
    table = pd.DataFrame({"name": ["a", "b"], "value": [1.0, 2], "low": [0.5, 1], "high": [2.0, 3]})
    ax = sweeps.estimates(table.assign(theory=[1.1, 2.2]))
    (strokes,) = [line for line in ax.lines if line.get_marker() == "|"]
    assert list(zip(*strokes.get_data(), strict=True)) == [(1.1, 0.0), (2.2, 1.0)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["theory"]
