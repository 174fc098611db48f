"""A comparison: each estimate where it is, the difference on a scale that begins at the first."""

import math

import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import eda_sim as es
from eda_sim.plots import comparison, style

TABLE = pd.DataFrame(
    [
        ("scenario", 2.0, 1.5, 2.5, 3),
        ("variant", 1.2, 1.0, 1.4, 3),
        ("difference", -0.8, -0.9, -0.7, 3),
    ],
    columns=["what", "mean", "low", "high", "n"],
)
RATIO = pd.DataFrame(
    [("scenario", 2.0, 1.5, 2.5), ("variant", 1.2, 1.0, 1.4), ("ratio", 0.6, 0.5, 0.75)],
    columns=["what", "mean", "low", "high"],
)
PAIRS = pd.DataFrame({"scenario": [1.6, 2.4, math.nan], "variant": [0.9, 1.5, 1.2]})


def dots(ax):
    """Positions of the estimates, as [(x, y)]."""
    lines = [line for line in ax.lines if line.get_marker() == "o"]
    return [tuple(float(end) for end, *_ in line.get_data()) for line in lines]


def bars(ax):
    """Ends of the intervals, as [(x, low, high)]."""
    parts = [part for each in ax.collections for part in each.get_segments()]
    return [(x, pytest.approx(low), pytest.approx(high)) for (x, low), (_, high) in parts]


def right_scale(ax):
    ax.figure.canvas.draw()
    (right,) = ax.child_axes
    return right


def test_two_estimates_at_the_left_and_the_difference_as_high_as_the_second():
    ax = comparison.comparison(TABLE)
    assert dots(ax) == [(0, 2.0), (1, 1.2), (2, 1.2)]
    assert bars(ax) == [(0, 1.5, 2.5), (1, 1.0, 1.4), (2, 1.1, 1.3)]
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert names == ["scenario", "variant", "difference"]
    assert ax.get_title(loc="left") == "variant minus scenario: -800 ms (-900 ms to -700 ms)"


def test_zero_at_the_right_is_where_the_first_estimate_is():
    ax = comparison.comparison(TABLE)
    right = right_scale(ax)
    low, high = ax.get_ylim()
    assert right.get_ylim() == pytest.approx((low - 2.0, high - 2.0))
    (zero,) = [line for line in ax.lines if to_hex(line.get_color()) == style.BLUE.lower()][1:]
    assert list(zero.get_ydata()) == [2.0, 2.0]
    assert "no difference" in [text.get_text() for text in ax.texts]
    assert right.yaxis.get_major_formatter()(-0.5) == "-0.5 s"


def test_a_ratio_is_1_where_the_first_estimate_is():
    ax = comparison.comparison(RATIO, names=("one worker", "two workers"))
    assert dots(ax)[2] == (2, pytest.approx(1.2))
    assert bars(ax)[2] == (2, 1.0, 1.5)
    right = right_scale(ax)
    assert right.get_ylim() == pytest.approx([end / 2 for end in ax.get_ylim()])
    assert right.get_ylabel() == "ratio [times]"
    assert ax.get_title(loc="left") == "two workers is 0.60 times one worker (0.50 to 0.75)"


def test_a_thin_line_for_each_whole_pair():
    ax = comparison.comparison(TABLE, pairs=PAIRS)
    lines = [tuple(line.get_ydata()) for line in ax.lines if line.get_color() == style.WAITING]
    assert lines == [(1.6, 0.9), (2.4, 1.5)]


def test_without_an_interval_a_dot_is_hollow_and_the_title_says_so():
    table = TABLE.assign(low=math.nan, high=math.nan)
    ax = comparison.comparison(table)
    faces = [line.get_markerfacecolor() for line in ax.lines if line.get_marker() == "o"]
    assert faces == ["white"] * 3
    assert bars(ax) == []
    assert "too few pairs" in ax.get_title(loc="left")


@pytest.mark.parametrize("kind", ["difference", "ratio"])
@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_numbers_that_do_not_exist_can_be_drawn(kind, value):
    rows = [
        ("scenario", value, 0.0, 0.0),
        ("variant", 1.0, 1.0, 1.0),
        (kind, value, *[math.nan] * 2),
    ]
    ax = comparison.comparison(pd.DataFrame(rows, columns=["what", "mean", "low", "high"]))
    assert ax.figure._repr_png_().startswith(b"\x89PNG")


def test_counts_and_rates_have_their_units_on_the_axis():
    ax = comparison.comparison(TABLE, dimension="number", what="guarantee.lost@billing")
    assert ax.get_ylabel() == "guarantee.lost@billing [number], with 95 %\nintervals"
    assert ax.yaxis.get_major_formatter()(1500.0) == "1,500"
    rates = comparison.comparison(TABLE, dimension="rate")
    assert "-0.8/s" in rates.get_title(loc="left")


def test_a_table_without_a_difference_is_refused():
    with pytest.raises(ValueError, match="a row 'difference' or 'ratio' is missing in scenario, v"):
        comparison.comparison(TABLE[:2])


def test_a_comparison_draws_itself():
    quick = es.load("mm1").replace({"duration": "60s", "warmup": "5s"})
    faster = {"consumers.worker.service": "exponential(mean=80ms)"}
    result = es.compare(quick, faster, metric="latency.mean", replications=4, executor=1)
    ax = Figure().subplots()
    assert result.plot(ax=ax, names=("now", "faster"), what="mean") is ax
    assert ax.get_ylabel() == "mean, with 95 % intervals"
    means = result.table["mean"]
    assert dots(ax)[:2] == [(0, means[0]), (1, means[1])]
    assert dots(ax)[2] == (2, pytest.approx(means[1]))
    assert "faster minus now" in ax.get_title(loc="left")
    pairs = [line for line in ax.lines if line.get_color() == style.WAITING]
    assert len(pairs) == 4
    ratio = result.plot(as_ratio=True)
    assert ratio.get_title(loc="left").startswith(f"variant is {result.ratio.value:.2f} times")
    assert bars(ratio)[2] == (2, means[0] * result.ratio.low, means[0] * result.ratio.high)
