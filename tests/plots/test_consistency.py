"""The consistency window: every share is drawn where it is, theory behind it; views are named."""

import math

import numpy as np
import pandas as pd
import pytest

from eda_sim.plots import consistency

FRESH = pd.DataFrame(
    [
        ("view-0", 0.0, 0.0, 0.0, 0.01),
        ("view-0", 0.1, 0.86, 0.84, 0.88),
        ("view-1", 0.0, 0.1, math.nan, math.nan),
        ("view-1", 0.1, 0.97, 0.95, 0.99),
    ],
    columns=["consumer", "after_s", "fresh", "low", "high"],
)
AGES = pd.DataFrame(
    {
        "time": [1.0, 2.0, 3.0, 1.0, 2.0, 3.0],
        "consumer": pd.Categorical(["a"] * 3 + ["b"] * 3),
        "staleness_s": [0.0, 0.5, 0.1, 0.0, 4.0, 0.2],
    }
)


def dots(ax):
    lines = [line for line in ax.lines if line.get_marker() == "o"]
    return {(float(x), float(y)) for line in lines for x, y in zip(*line.get_data(), strict=True)}


def lines_of(ax):
    return [
        line
        for line in ax.lines
        if line.get_marker() != "o" and len(np.atleast_1d(line.get_xdata())) > 1
    ]


def test_each_share_is_drawn_with_its_interval():
    ax = consistency.freshness(FRESH)
    assert dots(ax) == set(zip(FRESH["after_s"], FRESH["fresh"], strict=True))
    ends = sorted(tuple(map(tuple, part)) for c in ax.collections for part in c.get_segments())
    assert ends == [
        ((0.0, 0.0), (0.0, 0.01)),
        ((0.1, 0.84), (0.1, 0.88)),
        ((0.1, 0.95), (0.1, 0.99)),
    ]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["view-0", "view-1"]
    first, last = ax.get_xlim()
    assert -0.01 < first < 0
    assert 0.1 < last < 0.11
    assert ax.xaxis.get_major_formatter()(0.025) == "25 ms"
    assert "read" in ax.get_xlabel()


@pytest.mark.parametrize("named", [True, False])
def test_theory_takes_the_place_of_the_lines(named):
    theory = pd.DataFrame({"after_s": [0.1, 0.0], "fresh": [0.9, 0.0], "consumer": "view-0"})
    table = FRESH[FRESH["consumer"] == "view-0"]
    ax = consistency.freshness(table, theory=theory if named else theory.drop(columns="consumer"))
    (line,) = [line for line in lines_of(ax) if len(line.get_xdata())]
    assert list(line.get_xdata()) == [0.0, 0.1]
    assert list(line.get_ydata()) == [0.0, 0.9]
    assert ax.get_legend() is None


def test_an_objective_is_a_line_with_its_name():
    ax = consistency.freshness(FRESH, objective=0.99, title="Fresh?")
    assert next(text.get_text() for text in ax.texts) == "objective 99 %"
    assert ax.get_title(loc="left") == "Fresh?"
    assert any(np.allclose(line.get_ydata(), 0.99) for line in ax.lines)


def test_the_stalest_view_comes_first_and_names_the_figure():
    ax = consistency.staleness(AGES)
    assert [line.get_label() for line in ax.lines] == ["b", "a"]
    assert ax.get_title(loc="left") == "b is up to 4 s old, at 2 s"
    assert ax.lines[0].get_ydata().tolist() == [0.0, 4.0, 0.2]


def test_one_view_is_an_area_and_faults_are_shaded():
    faults = pd.DataFrame(
        {
            "kind": ["crash"],
            "target": ["a"],
            "instance": [0],
            "started_at": [1.5],
            "ended_at": [2.0],
        }
    )
    ax = consistency.staleness(AGES[AGES["consumer"] == "a"], faults=faults)
    assert len(ax.collections) == 1
    assert ax.get_legend() is None
    assert "crash of a/0" in [text.get_text() for text in ax.texts]


def test_nothing_to_draw():
    assert consistency.staleness(AGES.iloc[:0]).get_title(loc="left") == "No view to be stale"
    assert consistency.freshness(FRESH.iloc[:0]).get_xlim()[1] > 1
    assert not dots(consistency.freshness(FRESH.iloc[:0]))


def test_both_draw_where_they_are_told():
    ax = consistency.freshness(FRESH)
    assert consistency.freshness(FRESH, ax=ax) is ax
    assert consistency.staleness(AGES, ax=ax) is ax
