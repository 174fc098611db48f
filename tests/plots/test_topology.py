"""The graph: every node once, arrows to the right, nothing on top of anything."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

import eda_sim as es
from eda_sim.analysis.topology import topology as edges_of
from eda_sim.plots.topology import topology


def edges(*pairs: str) -> pd.DataFrame:
    kinds = {"p": "producer", "c": "channel", "s": "consumer"}
    rows = []
    for pair in pairs:
        source, target = pair.split(">")
        rows.append((source, kinds[source[0]], target, kinds[target[0]], source, target))
    columns = ["source", "source_kind", "target", "target_kind", "source_label", "target_label"]
    return pd.DataFrame(rows, columns=columns)


def boxes(ax):
    return {
        text.get_text(): box
        for text, box in zip(
            ax.texts, [p for p in ax.patches if isinstance(p, FancyBboxPatch)], strict=True
        )
    }


def arrows(ax):
    return [p for p in ax.patches if isinstance(p, FancyArrowPatch)]


def test_labels_say_name_and_size():
    scenario = es.load("checkout").replace({"consumers.billing.concurrency": 2})
    ax = topology(edges_of(scenario))
    assert list(boxes(ax)) == [
        "checkout\n200/s",
        "orders\n12 partitions",
        "billing\n6 instances\nof 2 workers",
    ]
    assert ax.get_title(loc="left") == "Who sends to whom: 1 producer, 1 channel, 1 consumer"
    assert not ax.axison


def test_each_step_of_a_message_is_one_column():
    ax = topology(edges("p1>c1", "c1>s1", "s1>c2", "c2>s2", "c1>s2"))
    columns = {name: round(box.get_x() + box.get_width() / 2) for name, box in boxes(ax).items()}
    assert columns == {"p1": 0, "c1": 1, "s1": 2, "c2": 3, "s2": 4}
    assert len(arrows(ax)) == 5


def test_a_channel_that_nobody_writes_stands_before_its_reader():
    ax = topology(edges("p1>c1", "c1>s1", "s1>c2", "c2>s2", "c3>s2"))
    assert round(boxes(ax)["c3"].get_x() + 0.33) == 3


def test_an_arrow_that_leads_back_is_dashed_and_below():
    ax = topology(edges("p1>c1", "c1>s1", "s1>c2", "c2>s1"))
    (back,) = (arrow for arrow in arrows(ax) if arrow.get_linestyle() == "--")
    lowest = min(box.get_y() for box in boxes(ax).values())
    assert ax.get_ylim()[0] <= back.get_path().get_extents().y0 < lowest


@st.composite
def graphs(draw):
    layers = [
        [f"{'pcs'[min(depth, 1) + (depth % 2 == 0 and depth > 0)]}{depth}{i}" for i in range(n)]
        for depth, n in enumerate(draw(st.lists(st.integers(1, 4), min_size=2, max_size=6)))
    ]
    pairs = []
    for depth, layer in enumerate(layers[:-1]):
        for node in layer:
            reach = draw(st.integers(depth + 1, len(layers) - 1))
            target = draw(st.sampled_from(layers[reach]))
            pairs.append(f"{node}>{target}")
    return edges(*dict.fromkeys(pairs))


@settings(max_examples=25)
@given(graphs(), st.booleans())
def test_boxes_never_overlap_and_labels_stay_inside(table, small):
    ax = topology(table, ax=Figure(figsize=(4, 2)).subplots() if small else None)
    drawn = boxes(ax)
    assert set(drawn) == set(table["source"]) | set(table["target"])
    frames = {name: box.get_window_extent() for name, box in drawn.items()}
    for one, other in itertools.combinations(frames.values(), 2):
        assert not one.overlaps(other)
    for text in ax.texts:
        inner, outer = text.get_window_extent(), frames[text.get_text()]
        assert outer.x0 <= inner.x0 <= inner.x1 <= outer.x1
        assert outer.y0 <= inner.y0 <= inner.y1 <= outer.y1
    inside = ax.get_window_extent()
    assert all(inside.x0 <= f.x0 and f.x1 <= inside.x1 for f in frames.values())


@settings(max_examples=25)
@given(graphs())
def test_arrows_that_pass_go_around_boxes(table):
    ax = topology(table)
    for arrow in arrows(ax):
        path = arrow.get_path().interpolated(20)
        ends = arrow.get_path().vertices[[0, -1]]
        for box in boxes(ax).values():
            frame = box.get_bbox()
            touches = any(abs(frame.x0 - x) < 1e-6 or abs(frame.x1 - x) < 1e-6 for x in ends[:, 0])
            inside = [
                frame.x0 + 1e-6 < x < frame.x1 - 1e-6 and frame.y0 < y < frame.y1
                for x, y in path.vertices
            ]
            assert touches or not any(inside)


def test_a_graph_without_edges_can_be_drawn():
    assert topology(edges()).get_title(loc="left").startswith("Who sends to whom: 0 producers")


@pytest.mark.parametrize("name", es.scenarios())
def test_every_bundled_scenario_can_be_drawn(name):
    scenario = es.load(name)
    ax = topology(edges_of(scenario))
    parts = len(scenario.producers) + len(scenario.channels) + len(scenario.consumers)
    assert len(boxes(ax)) == parts


# Shares -------------------------------------------------------------------------------------------


def rework():
    return es.Scenario.model_validate(
        {
            "name": "rework",
            "messages": 1,
            "producers": {"shop": {"to": "orders", "rate": 1}},
            "channels": {"orders": {}, "good": {}, "checks": {}},
            "consumers": {
                "make": {"reads": "orders", "service": 0, "emits": ["checks", "checks"]},
                "check": {
                    "reads": "checks",
                    "service": 0,
                    "emits": [
                        {"to": "orders", "probability": 0.125},
                        {"to": "good", "probability": 0.5, "choice": "way"},
                        {"to": "good", "probability": 0.25, "choice": "way"},
                    ],
                },
            },
        }
    )


def test_the_share_of_what_is_emitted_stands_at_its_arrow():
    table = edges_of(rework())
    assert table.set_index(["source", "target"]).loc[
        [("check", "good")], "probability"
    ].tolist() == [
        0.5,
        0.25,
    ]
    assert (table.loc[table["relation"] != "emits", "probability"] == 1).all()
    ax = topology(table)
    shares = {text.get_text(): text for text in ax.texts[-3:]}
    assert set(shares) == {"200%", "75%", "12.5%"}
    # What goes back stands below all boxes, at the arrow.
    lowest = min(p.get_y() for p in ax.patches if isinstance(p, FancyBboxPatch))
    assert shares["12.5%"].get_position()[1] < lowest


def test_shares_cover_no_box():
    ax = topology(edges_of(rework()))
    frames = [p.get_window_extent() for p in ax.patches if isinstance(p, FancyBboxPatch)]
    for text in ax.texts[-3:]:
        extent = text.get_window_extent()
        assert not any(extent.overlaps(frame) for frame in frames), text.get_text()
