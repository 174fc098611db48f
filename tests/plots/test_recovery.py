"""The pictures of recovery: level, way back and theory are where the tables say."""

import math

import pandas as pd
import pytest

import eda_sim as es
from eda_sim.plots import recovery


def outage(**changes):
    scenario = es.Scenario(
        name="orders",
        seed=1,
        duration="60s",
        producers={"shop": {"to": "orders", "rate": "40/s"}},
        channels={"orders": {}},
        consumers={"billing": {"reads": "orders", "service": "10ms"}},
        faults=[{"stop": "billing", "at": "10s", "lasts": "5s"}],
    )
    return es.run(scenario.replace(changes))


@pytest.fixture(scope="module")
def run():
    return outage()


def line(ax, label):
    return next(each for each in ax.lines if each.get_label() == label)


def texts(ax):
    return [each.get_text() for each in ax.texts]


def test_the_way_back_begins_with_the_end_of_the_fault(run):
    row = run.recovery().iloc[0]
    ax = run.plot.recovery()
    (dot,) = [each for each in ax.lines if each.get_marker() == "o"]
    assert dot.get_xdata() == [row["recovered_at"]]
    assert dot.get_ydata() == [row["level_before"]]
    (arrow,) = [each for each in ax.texts if each.arrow_patch is not None]
    ends = sorted([arrow.xy[0], arrow.xyann[0]])
    assert ends == pytest.approx([row["ended_at"], row["recovered_at"]])
    assert f"{row['recovery_s']:.2g} s" in texts(ax)
    assert max(line(ax, "billing").get_ydata()) == pytest.approx(row["peak"], rel=0.1)
    assert ax.get_title(loc="left").startswith(
        f"billing: 5 s of stop leave {row['peak']:.0f} messages"
    )


def test_what_is_never_made_up_says_so():
    run = outage(duration="16s")
    assert math.isnan(run.recovery()["recovery_s"].item())
    ax = run.plot.recovery()
    assert "not back within the run" in texts(ax)
    assert ax.get_title(loc="left").endswith("more than the run can work off")


def test_a_fault_without_an_end_has_no_way_back():
    run = outage(faults=[{"stop": "billing", "at": "10s"}])
    ax = run.plot.recovery()
    assert not [each for each in ax.texts if each.arrow_patch is not None]
    assert ax.get_title(loc="left") == "billing: no fault that ended"


def test_a_run_without_faults_is_an_empty_picture():
    ax = outage(faults=[]).plot.recovery()
    assert not ax.lines
    assert ax.get_title(loc="left") == "The lag: no fault that ended"


def test_a_consumer_is_chosen_by_name(run):
    assert line(run.plot.recovery("billing"), "billing") is not None
    labels = [each.get_label() for each in run.plot.recovery("nobody").lines]
    assert "billing" not in labels


def test_theory_is_a_line_of_its_own_in_the_legend(run):
    theory = pd.DataFrame({"time": [10, 15, 20], "messages": [0, 200, 0]})
    ax = recovery.recovery(run.lag(), run.recovery(), theory=theory, title="said")
    assert line(ax, "theory").get_ydata().tolist() == [0, 200, 0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["theory", "billing"]
    assert ax.get_title(loc="left") == "said"


def test_over_load_draws_dots_bars_and_theory():
    rows = [(0.5, 30.0, 27.0, 33.0), (0.9, 270.0, 240.0, 300.0)]
    table = pd.DataFrame(rows, columns=["utilization", "value", "low", "high"])
    theory = pd.DataFrame({"utilization": [0.9, 0.5], "value": [270.0, 30.0]})
    ax = recovery.over_load(table, theory=theory)
    assert line(ax, "theory").get_xdata().tolist() == [0.5, 0.9]
    bars = [segment[:, 1].tolist() for bar in ax.collections for segment in bar.get_segments()]
    assert bars == [[27.0, 33.0], [240.0, 300.0]]
    assert "95 %" in ax.get_ylabel()
    assert ax.get_ylim()[1] > 300
