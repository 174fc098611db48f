"""Event sourcing, drawn: timings where they are, the line beyond them as foretold, costs."""

import numpy as np
import pandas as pd
import pytest

from eda_sim.plots import sourcing

TIMINGS = pd.DataFrame({"replayed": [100, 100, 1000], "seconds": [0.002, 0.0022, 0.02]})
LINE = pd.DataFrame(
    {
        "replayed": [100, 1000, 100_000],
        "value": [0.002, 0.02, 2.0],
        "low": [0.0, 0.018, 1.8],
        "high": [0.004, 0.022, 2.2],
    }
)
COSTS = pd.DataFrame(
    {
        "every": [40, 10, 20, 1],
        "writing": [1.0, 4.0, 2.0, 40.0],
        "replaying": [4.0, 1.0, 2.0, 0.0],
        "value": [5.0, 5.0, 4.0, 40.0],
        "low": [4.9, 4.9, 3.9, 39.0],
        "high": [5.1, 5.1, 4.1, 41.0],
    }
)


def lines_of(ax):
    return {line.get_label(): line for line in ax.lines}


def test_timings_are_dots_and_the_line_goes_on_beyond_them_in_dashes():
    ax = sourcing.replay_cost(TIMINGS, LINE)
    fitted, beyond, dots, last = ax.lines
    assert list(fitted.get_xdata()) == [100, 1000]
    assert list(beyond.get_xdata()) == [1000, 100_000]
    assert beyond.get_linestyle() == "--"
    assert list(dots.get_ydata()) == list(TIMINGS["seconds"])
    assert (list(last.get_xdata()), list(last.get_ydata())) == ([100_000], [2.0])
    assert last.get_markerfacecolor() == "white"
    assert [text.get_text() for text in ax.texts] == ["foretold 2 s"]
    assert ax.get_title(loc="left") == "100,000 events are replayed in 2 s: the line goes on"
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.xaxis.get_major_formatter()(10_000) == "10,000"
    assert ax.yaxis.get_major_formatter()(0.02) == "20 ms"


def test_the_band_of_the_prediction_ends_where_a_logarithm_does():
    ax = sourcing.replay_cost(TIMINGS, LINE)
    (band,) = ax.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(ax.get_ylim()[0])
    assert heights.max() == 2.2


def test_a_line_within_the_timings_foretells_nothing():
    ax = sourcing.replay_cost(TIMINGS, LINE.iloc[:2], title="Loads")
    assert not ax.texts
    assert ax.get_title(loc="left") == "Loads"


@pytest.mark.parametrize(
    ("timings", "line", "complaint"),
    [
        (TIMINGS.iloc[:0], LINE, "must have a row"),
        (TIMINGS, LINE.iloc[:0], "must have a row"),
        (TIMINGS.assign(replayed=0), LINE, "above 0"),
        (TIMINGS, LINE.assign(replayed=0), "above 0"),
    ],
)
def test_what_has_no_place_on_a_logarithmic_axis_is_refused(timings, line, complaint):
    with pytest.raises(ValueError, match=complaint):
        sourcing.replay_cost(timings, line)


def test_loads_are_lines_in_order_of_time():
    table = pd.DataFrame({"time": [2.0, 1.0], "replayed": [5, 3]})
    ax = sourcing.loads({"never": table, "every 4": table.assign(replayed=[1, 3])})
    assert list(ax.lines[0].get_xdata()) == [1.0, 2.0]
    assert list(ax.lines[0].get_ydata()) == [3, 5]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["never", "every 4"]
    assert ax.get_ylim()[1] > 5
    assert sourcing.loads({"none": table.iloc[:0]}).get_legend() is None


def test_both_costs_and_their_sum_are_drawn_with_intervals():
    ax = sourcing.snapshot_tradeoff(COSTS)
    named = lines_of(ax)
    assert list(named["writing"].get_xdata()) == [1, 10, 20, 40]
    assert list(named["writing"].get_ydata()) == [40.0, 4.0, 2.0, 1.0]
    assert list(named["replaying"].get_ydata()) == [0.0, 1.0, 2.0, 4.0]
    (bars,) = ax.collections
    assert [tuple(end[:, 1]) for end in bars.get_segments()][-1] == (4.9, 5.1)
    assert ax.get_title(loc="left") == "Snapshots every 20 events cost the least of these"
    assert ax.get_ylim()[0] == pytest.approx(0.5)


def test_the_optimum_of_the_law_stands_beside_the_cheapest_of_the_runs():
    law = pd.DataFrame({"every": [40.0, 20.0], "value": [5.0, 4.0]})
    ax = sourcing.snapshot_tradeoff(
        COSTS, law=law, optimum=20.0, cheapest=(21.0, 19.0, 23.0), what="cost [ms per second]"
    )
    named = lines_of(ax)
    assert list(named["both, by theory"].get_xdata()) == [20.0, 40.0]
    assert np.allclose(named["square-root law: 20"].get_xdata(), 20.0)
    assert list(named["cheapest in the runs: 21 (19 to 23)"].get_xdata()) == [21.0]
    bar = ax.collections[-1].get_segments()[0]
    assert tuple(bar[:, 0]) == (19.0, 23.0)
    assert ax.get_ylabel() == "cost [ms per second]"


def test_no_costs_are_refused():
    with pytest.raises(ValueError, match="costs: must have a row"):
        sourcing.snapshot_tradeoff(COSTS.iloc[:0])


def test_all_draw_where_they_are_told():
    ax = sourcing.loads({})
    assert sourcing.loads({}, ax=ax) is ax
    assert sourcing.replay_cost(TIMINGS, LINE, ax=ax) is ax
    assert sourcing.snapshot_tradeoff(COSTS, ax=ax) is ax
