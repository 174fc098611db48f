"""Every figure: what it shows is what its table says, and it touches nothing else."""

from __future__ import annotations

import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import eda_sim as es
from eda_sim.plots import flow, heatmap, latency, style, timeline
from eda_sim.plots.style import Picture

SCENARIO = {
    "name": "shop",
    "seed": 3,
    "duration": "20s",
    "producers": {"web": {"to": "orders", "rate": "50/s"}},
    "channels": {"orders": {}, "invoices": {}},
    "consumers": {
        "billing": {
            "reads": "orders",
            "instances": 2,
            "concurrency": 2,
            "service": "exponential(50ms)",
            "emits": "invoices",
        },
        "mail": {"reads": "invoices", "service": "5ms"},
    },
    "faults": [
        {"crash": "billing/1", "at": "8s", "lasts": "2s"},
        {"crash": "mail", "at": "15s", "lasts": "1min"},
    ],
}
NAMES = (
    *("latency", "percentiles", "ecdf", "heatmap"),
    *("lag", "queue_length", "recovery", "timeline"),
)


@pytest.fixture(scope="module")
def run():
    return es.run(es.Scenario.model_validate(SCENARIO))


@pytest.fixture(scope="module")
def empty():
    """A run in which nothing is ever created."""
    changes = {"producers.web.start": "19s", "producers.web.rate": "0.000001/s", "faults": []}
    return es.run(es.Scenario.model_validate(SCENARIO).replace(changes))


def drawn(ax: Axes) -> bytes:
    buffer = io.BytesIO()
    ax.figure.savefig(buffer, format="png", dpi=60)
    return buffer.getvalue()


@pytest.mark.parametrize("name", [*NAMES, "topology"])
def test_a_figure_touches_nothing_global(run, name):
    before = dict(mpl.rcParams)
    options = {} if name == "topology" else {"consumer": "billing"}
    ax = getattr(run.plot, name)(**options)
    assert drawn(ax).startswith(b"\x89PNG")
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", [*NAMES, "topology"])
def test_a_figure_goes_where_it_is_told(run, name):
    options = {} if name == "topology" else {"consumer": "billing"}
    ax = Figure().subplots()
    assert getattr(run.plot, name)(ax=ax, **options) is ax
    own = getattr(run.plot, name)(**options)
    assert isinstance(own.figure, Picture)
    assert own.figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", NAMES)
def test_axes_say_what_they_measure_and_titles_what_is_to_be_seen(run, name):
    ax = getattr(run.plot, name)(consumer="billing")
    assert "billing" in ax.get_title(loc="left")
    for label in (ax.get_xlabel(), ax.get_ylabel()):
        assert label
        if label != "instance/worker":
            assert label.endswith("]"), "no unit"


@pytest.mark.parametrize("name", NAMES)
def test_a_run_in_which_nothing_happened_can_be_drawn(empty, name):
    assert drawn(getattr(empty.plot, name)(consumer="billing"))
    if name not in {"heatmap", "timeline"}:
        assert drawn(getattr(empty.plot, name)())


def test_the_same_run_gives_the_same_picture(run):
    assert drawn(run.plot.heatmap("billing")) == drawn(run.plot.heatmap("billing"))


@pytest.mark.parametrize("name", ["heatmap", "timeline"])
def test_a_figure_of_one_consumer_asks_which(run, name):
    with pytest.raises(ValueError, match="choose one of billing, mail"):
        getattr(run.plot, name)()


# Latency ------------------------------------------------------------------------------------------


def test_percentiles_stand_at_their_values_with_their_intervals():
    table = pd.DataFrame(
        {
            "consumer": "billing",
            "quantile": [0.5, 0.99, 0.999],
            "value": [0.02, 0.1, 0.3],
            "low": [0.018, 0.05, np.nan],
            "high": [0.022, 0.2, np.nan],
        }
    )
    ax = latency.percentiles(table)
    (solid, hollow) = (line for line in ax.lines if line.get_marker() == "o")
    assert solid.get_ydata().tolist() == [0.02, 0.1]
    assert hollow.get_ydata().tolist() == [0.3]
    assert to_hex(hollow.get_markerfacecolor()) == "#ffffff"
    segments = ax.collections[0].get_segments()
    assert [segment[:, 1].tolist() for segment in segments] == [[0.018, 0.022], [0.05, 0.2]]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["50 %", "99 %", "99.9 %"]
    assert [text.get_text() for text in ax.texts] == ["20 ms", "100 ms", "300 ms"]
    assert ax.get_title(loc="left") == "billing: half within 20 ms, one in a hundred over 100 ms"


def test_several_consumers_differ_in_colour_and_dashes_and_are_named(run):
    ax = run.plot.latency()
    assert len({line.get_color() for line in ax.lines}) == 2
    assert [line.is_dashed() for line in ax.lines] == [False, True]
    assert {text.get_text() for text in ax.texts} == {"billing", "mail"}


def test_the_ecdf_is_a_step_through_its_table():
    table = pd.DataFrame({"consumer": "a", "seconds": [0.1, 0.2, 0.4], "share": [0.25, 0.75, 1.0]})
    ax = latency.ecdf(table)
    line = ax.lines[0]
    assert line.get_drawstyle() == "steps-post"
    assert line.get_xdata().tolist() == [0.1, 0.2, 0.4]
    assert line.get_ydata().tolist() == [0.25, 0.75, 1.0]
    assert ax.get_xscale() == "log"


def test_on_a_linear_scale_an_exponential_tail_is_a_straight_line():
    shares = [1 - 10**-nines for nines in (0.5, 1, 2, 3)]
    table = pd.DataFrame({"consumer": "theory", "seconds": [0.05, 0.1, 0.2, 0.3], "share": shares})
    ax = latency.by_nines(table, linear=True)
    x, y = ax.lines[0].get_data()
    assert np.allclose(np.diff(y) / np.diff(x), 0.1)
    assert ax.get_yscale() == "linear"
    assert latency.by_nines(table, linear=True, objective=(0.99, 2.0)).get_ylim()[1] > 2.0
    assert ax.get_ylim()[0] == 0
    assert "log" not in ax.get_ylabel()


def test_by_nines_puts_each_nine_one_step_to_the_right():
    table = pd.DataFrame(
        {"consumer": "a", "seconds": [0.1, 0.2, 0.4, 9.0], "share": [0.9, 0.99, 0.999, 1.0]}
    )
    ax = latency.by_nines(table, objective=(0.99, 0.15))
    assert ax.lines[0].get_xdata() == pytest.approx([1.0, 2.0, 3.0])
    assert ax.lines[0].get_ydata().tolist() == [0.1, 0.2, 0.4]
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert labels == ["0 %", "50 %", "90 %", "99 %", "99.9 %"]
    assert "objective: 99 % within 150 ms" in [text.get_text() for text in ax.texts]


def test_tails_show_the_intervals_that_are_known_and_say_what_they_are():
    table = pd.DataFrame(
        {"consumer": "a", "seconds": [0.1, 0.2, 0.4, 9.0], "share": [0.9, 0.99, 0.999, 1.0]}
    )
    intervals = pd.DataFrame(
        {
            "consumer": "a",
            "quantile": [0.9, 0.99, 0.999],
            "value": [0.1, 0.2, 0.4],
            "low": [0.09, 0.15, np.nan],
            "high": [0.12, 5.0, np.nan],
        }
    )
    across = {"by_nines": [[[1, 0.09], [1, 0.12]], [[2, 0.15], [2, 5]]]}
    across["ecdf"] = [[[0.09, 0.9], [0.12, 0.9]], [[0.15, 0.99], [5, 0.99]]]
    for name, ends in across.items():
        draw = getattr(latency, name)
        ax = draw(table, intervals=intervals)
        segments = [part for each in ax.collections for part in each.get_segments()]
        assert np.allclose(segments, ends)
        labels = [" ".join(label.split()) for label in (ax.get_xlabel(), ax.get_ylabel())]
        assert "latency, created to effect, with 95 % intervals [log scale]" in labels
        assert max(ax.get_xlim() if name == "ecdf" else ax.get_ylim()) > 5
        without = draw(table)
        assert "95 %" not in without.get_xlabel() + without.get_ylabel()
        assert not without.collections


def test_an_objective_beyond_the_last_message_is_in_the_picture(run):
    table = pd.DataFrame({"consumer": "a", "seconds": [0.01, 0.02], "share": [0.5, 0.9]})
    for linear in (False, True):
        ax = latency.by_nines(table, objective=(0.9999, 0.1), linear=linear)
        assert ax.get_xlim()[1] > 4
        assert ax.get_ylim()[1] > 0.1
    ax = run.plot.latency(objective=(0.999, 0.1))
    assert "objective: 99.9 % within 100 ms" in [text.get_text() for text in ax.texts]


def test_the_heat_map_holds_every_message(run):
    table = run.latency("billing").over_time(windows=20)
    ax = heatmap.heatmap(table)
    (mesh,) = (c for c in ax.collections if c.get_array() is not None)
    assert np.ma.sum(mesh.get_array()) == len(run.latency("billing"))
    assert mesh.get_array().shape[1] == 20
    assert len(ax.figure.axes) == 2, "a colour bar"


def test_heat_maps_that_are_compared_share_their_inks_and_a_colour_bar(run):
    table = run.latency("billing").over_time(windows=20)
    figure = Figure()
    left, right, place = figure.subplots(1, 3)
    heatmap.heatmap(table, most=1000, bar=place, ax=left)
    heatmap.heatmap(table, most=1000, bar=False, ax=right)
    assert figure.axes == [left, right, place]
    meshes = [c for ax in (left, right) for c in ax.collections if c.get_array() is not None]
    assert [mesh.norm.vmax for mesh in meshes] == [1000, 1000]
    assert place.get_ylim()[1] == pytest.approx(1000)


# Flow ---------------------------------------------------------------------------------------------


def lag_table() -> pd.DataFrame:
    rows = [
        (t, "orders", c, t * k, t / 2) for c, k in (("a", 1), ("b", 9)) for t in (0.0, 1.0, 2.0)
    ]
    return pd.DataFrame(rows, columns=["time", "channel", "consumer", "messages", "seconds"])


def fault_table() -> pd.DataFrame:
    rows = [
        (0, "crash", "a", 0, 0.5, 1.0),
        (1, "crash", "b", 0, 1.5, np.nan),
        (1, "crash", "b", 1, 1.5, np.nan),
    ]
    columns = ["fault", "kind", "target", "instance", "started_at", "ended_at"]
    return pd.DataFrame(rows, columns=columns)


def test_lag_draws_its_table_and_names_the_worst_first():
    ax = flow.lag(lag_table())
    assert [line.get_label() for line in ax.lines] == ["b", "a"]
    assert ax.lines[0].get_ydata().tolist() == [0, 9, 18]
    assert ax.get_title(loc="left") == "b is up to 18 messages behind, at 2 s"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["b", "a"]


def test_lag_in_seconds():
    ax = flow.lag(lag_table(), unit="seconds")
    assert ax.lines[0].get_ydata().tolist() == [0, 0.5, 1.0]
    assert ax.get_ylabel().endswith("[s]")
    with pytest.raises(ValueError, match="'messages' or 'seconds'"):
        flow.lag(lag_table(), unit="hours")


def test_faults_are_bands_as_long_as_they_were_and_named_once():
    ax = flow.lag(lag_table(), faults=fault_table())
    spans = [(p.get_x(), p.get_x() + p.get_width()) for p in ax.patches]
    assert spans == [(0.5, 1.0), (1.5, 2.0)]
    assert [text.get_text() for text in ax.texts] == ["crash of a/0", "crash of b"]
    top = ax.transData.inverted().transform(ax.transAxes.transform((0, 0.9)))[1]
    assert lag_table()["messages"].max() < top, "the names hide data"


def test_faults_outside_of_the_picture_are_left_out():
    table = lag_table()
    ax = flow.lag(table[table["time"] >= 1.0].assign(time=lambda t: t["time"] + 10))
    style.fault_bands(ax, fault_table().assign(ended_at=2.0))
    assert not ax.patches


def test_queue_length_of_one_consumer_shows_both_sides():
    table = pd.DataFrame(
        {"time": [0.0, 1.0], "consumer": "a", "waiting": [3, 5], "in_service": [1, 2]}
    )
    ax = flow.queue_length(table)
    assert {line.get_label(): line.get_ydata().tolist() for line in ax.lines} == {
        "waiting": [3, 5],
        "in hand": [1, 2],
    }
    assert ax.get_title(loc="left") == "a: up to 5 messages wait for a worker"


# Timeline -----------------------------------------------------------------------------------------


def colours(ax: Axes) -> list[str]:
    return [to_hex(patch.get_facecolor()).upper() for patch in ax.patches]


def test_the_timeline_has_a_bar_for_every_handler_that_ran(run):
    ax = run.plot.timeline("billing", between=(7.0, 11.0))
    own = run.deliveries[run.deliveries["consumer"] == "billing"]
    seen = own[(own["started_at"] <= 11.0) & (own["finished_at"].fillna(99) >= 7.0)]
    again = int((seen["attempt"] > 1).sum())
    assert again > 0
    assert colours(ax).count(style.WORK) == len(seen) - again
    assert colours(ax).count(style.AGAIN) == again
    bars = [p for p in ax.patches if to_hex(p.get_facecolor()).upper() == style.WORK]
    starts = sorted(p.get_x() for p in bars)
    assert starts == pytest.approx(sorted(seen.loc[seen["attempt"] == 1, "started_at"]))
    assert ax.get_xlim() == (7.0, 11.0)


def test_the_timeline_shows_crashes_and_what_is_down(run):
    ax = run.plot.timeline("billing")
    start, end = ax.get_xlim()
    assert start < 8.0 < end, "the first fault is what there is to see"
    crashed = run.deliveries.query("consumer == 'billing' and outcome == 'crashed'")
    (crosses,) = (line for line in ax.lines if line.get_marker() == "X")
    assert crosses.get_xdata().tolist() == crashed["finished_at"].tolist()
    hatched = [patch for patch in ax.patches if patch.get_hatch()]
    assert [(p.get_x(), p.get_y() + p.get_height() / 2) for p in hatched] == [(8.0, 2), (8.0, 3)]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["0/0", "0/1", "1/0", "1/1"]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend[0] == "instance is down"
    assert {"handler runs", "handler runs again", "crash cuts it off"} <= set(legend)
    assert "mail" not in ax.get_title(loc="left")


def test_skipped_duplicates_are_hollow(run):
    own = run.deliveries[run.deliveries["consumer"] == "billing"].head(50).copy()
    own.loc[own.index[5], "outcome"] = "skipped"
    ax = timeline.timeline(own, between=(0.0, float(own["finished_at"].max())))
    assert colours(ax).count("#FFFFFF") == 1
    assert "duplicate is skipped" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_too_many_lanes_are_said_to_be_too_many(run):
    own = run.deliveries[run.deliveries["consumer"] == "mail"].head(60)
    wide = own.assign(instance=np.arange(60) % 30)
    ax = timeline.timeline(wide)
    assert len(ax.get_yticks()) == timeline.MOST_LANES
    assert ax.get_ylabel() == "instance, first 24 of 30"
