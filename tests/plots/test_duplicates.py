"""What became of messages, and what slips past a window: drawn where it is, named directly."""

import itertools

import pandas as pd
import pytest

from eda_sim.analysis.guarantee import shares
from eda_sim.plots import duplicates

COUNTED = pd.DataFrame(
    [("no guard", 200, 0, 0, 190, 10), ("at most once", 200, 20, 0, 180, 0)],
    columns=["guard", "messages", "lost", "pending", "exactly_once", "duplicated"],
)
SLIPPED = pd.DataFrame(
    [("first", 10.0, 0.0, 0.0, 0.01), ("first", 5.0, 0.3, 0.25, 0.35), ("any", 5.0, 0.2, 0.1, 0.3)],
    columns=["name", "window_s", "value", "low", "high"],
)


def test_each_bar_has_its_share_its_interval_and_its_name():
    table = shares(COUNTED, by="guard")
    ax = duplicates.guarantee(table)
    used = table[table["outcome"] != "pending"]
    assert sorted(bar.get_width() for bar in ax.patches) == sorted(used["value"])
    ends = {tuple(part[:, 0]) for c in ax.collections for part in c.get_segments()}
    assert ends == set(zip(used["low"], used["high"], strict=True))
    texts = [text.get_text() for text in ax.texts]
    assert "5 % duplicated" in texts
    assert "10.0 % lost" in texts
    assert "95.0 % exactly once" in texts
    assert not any("pending" in text for text in texts)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["no guard", "at most once"]


def test_bars_of_two_names_do_not_touch():
    ax = duplicates.guarantee(shares(COUNTED, by="guard"))
    spans = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches)
    assert all(one[1] < two[0] for one, two in itertools.pairwise(spans))


def test_shares_that_slip_are_points_on_the_line_of_theory():
    theory = pd.DataFrame({"name": "first", "window_s": [10.0, 0.0], "value": [0.1, 1.0]})
    ax = duplicates.residual(SLIPPED, theory=theory, title="Slipped")
    dots = {
        (float(x), float(y))
        for line in ax.lines
        if line.get_marker() == "o"
        for x, y in zip(*line.get_data(), strict=True)
    }
    assert dots == set(zip(SLIPPED["window_s"], SLIPPED["value"], strict=True))
    line = next(line for line in ax.lines if line.get_marker() != "o")
    assert list(line.get_xdata()) == [0.0, 10.0]
    assert ax.get_yscale() == "log"
    assert ax.get_ylim() == (0.005, 1.0)
    assert "first" in [text.get_text() for text in ax.texts]
    assert ax.get_title(loc="left") == "Slipped"


@pytest.mark.parametrize("draw", [duplicates.guarantee, duplicates.residual])
def test_nothing_to_draw(draw):
    columns = ["name", "outcome", "window_s", "value", "low", "high"]
    ax = draw(pd.DataFrame(columns=columns).astype({"value": float, "high": float}))
    assert not ax.patches
    assert draw(pd.DataFrame(columns=columns).astype(float), ax=ax) is ax
