"""Welch's plot draws what the table says, and the cut where it is."""

import numpy as np

from eda_sim.analysis.warmup import welch
from eda_sim.plots import warmup

TABLE = welch([np.arange(40.0), np.arange(40.0) + 2], window=5)


def test_welch_draws_the_mean_its_moving_average_and_the_cut():
    ax = warmup.welch(TABLE, cut=15)
    mean, smoothed, cut = ax.lines
    assert np.array_equal(mean.get_ydata(), TABLE["mean"])
    assert np.array_equal(smoothed.get_ydata(), TABLE["smoothed"], equal_nan=True)
    assert list(cut.get_xdata()) == [15, 15]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "mean over runs",
        "moving average",
        "15 left out",
    ]
    assert ax.get_ylim()[0] == 0


def test_without_a_cut_there_is_no_line_and_a_given_axes_is_used():
    first = warmup.welch(TABLE)
    assert len(first.lines) == 2
    first.clear()
    assert warmup.welch(TABLE, title="Mine", ax=first) is first
    assert first.get_title(loc="left") == "Mine" or first.get_title() == "Mine"
