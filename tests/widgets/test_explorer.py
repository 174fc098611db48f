"""The explorer without a front end: controls are set as the browser would set them."""

import base64
import re

import pytest

import eda_sim as es
from eda_sim.plots import style
from eda_sim.widgets.pictures import PICTURES

QUICK = es.load("mm1").replace({"duration": "20min", "warmup": "30s"})
KNOBS = {
    "producers.clients.rate": ("2/s", "20/s"),
    "consumers.worker.service": ("20ms", "200ms"),
    "consumers.worker.instances": range(1, 5),
    "consumers.worker.settle": None,
    "drain": None,
}


@pytest.fixture
def explorer():
    return es.explore(QUICK, KNOBS)


def control(explorer, path):
    return explorer._controls[path]


def picture(explorer):
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', explorer._image.value)
    return base64.b64decode(data)


def test_letting_a_slider_go_runs_draws_and_tells(explorer):
    before = picture(explorer)
    assert before.startswith(b"\x89PNG")
    slider = control(explorer, "consumers.worker.instances")
    assert not slider.continuous_update
    slider.value = "2"
    assert explorer.changes == {"consumers.worker.instances": 2}
    assert explorer.scenario == QUICK.replace({"consumers.worker.instances": 2})
    assert picture(explorer) != before
    assert set(explorer.timings) == {"run", "analysis", "draw"}
    slider.value = "1"
    assert explorer.changes == {}
    assert picture(explorer) == before, "the same state is the same picture"


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_shows_one_variant_and_two(explorer, name):
    explorer._picture.value = name
    alone = picture(explorer)
    explorer.turn({"consumers.worker.instances": 3})
    assert explorer.error is None
    assert picture(explorer) != alone
    assert explorer.alt.startswith(("Percentiles", "Latency", "Lag", "Messages"))
    axes = [ax for ax in explorer.figure.axes if ax.get_title(loc="left")]
    assert len(axes) == (2 if name == "heatmap" else 1)
    words = " ".join(text.get_text() for ax in axes for text in [*ax.texts, *_legend(ax)])
    titles = " ".join(ax.get_title(loc="left") for ax in axes)
    assert all(re.search(rf"\b{side}\b", words + titles) for side in "AB")
    explorer._picture.value = "percentiles"
    assert len(explorer.figure.axes) == 1


def _legend(ax):
    return ax.get_legend().get_texts() if ax.get_legend() else []


def test_the_words_are_the_numbers_of_the_runs_with_their_intervals(explorer):
    explorer.turn({"consumers.worker.service": "50ms"})
    runs = [es.run(QUICK), es.run(explorer.scenario)]
    for name, run in zip("AB", runs, strict=True):
        low, high = run.latency("worker").quantile(0.5)[["low", "high"]].iloc[0]
        said = re.search(rf"{name}: p50 (\S+ \S+) \((\S+ \S+) to (\S+ \S+)\)", explorer.alt)
        assert said[2] == es.plots.style.duration_text(low)
        assert said[3] == es.plots.style.duration_text(high)
    assert "with the same random numbers" in explorer.alt
    ratio = re.search(r"p50 is (\S+) times \((\S+) to (\S+)\) that of A", explorer.alt)
    value, low, high = map(float, ratio.groups())
    medians = [run.latency("worker").quantile(0.5)["value"].item() for run in runs]
    assert value == pytest.approx(medians[1] / medians[0], rel=0.01)
    assert low < value < high
    assert f'alt="{explorer.alt}"' in explorer._image.value


def test_a_is_pinned_and_b_goes_back_to_it(explorer):
    explorer.turn({"consumers.worker.instances": 2})
    explorer._pin.click()
    assert "A: p50" in explorer.alt
    assert "B" not in explorer.alt
    explorer.turn({"consumers.worker.instances": 4})
    assert "B against A" in explorer.alt
    explorer._back.click()
    assert explorer.changes == {"consumers.worker.instances": 2}
    assert "B" not in explorer.alt
    assert control(explorer, "consumers.worker.instances").value == "2"


def test_yaml_and_code_make_the_same_scenario(explorer, tmp_path):
    assert explorer.code == "scenario"
    explorer.turn(
        {
            "producers.clients.rate": "9/s",
            "consumers.worker.service": "60ms",
            "consumers.worker.instances": 2,
            "consumers.worker.settle": "before",
            "drain": True,
        }
    )
    assert eval(explorer.code, {"scenario": QUICK}) == explorer.scenario != QUICK
    assert explorer._code.value == explorer.code
    path = tmp_path / "b.yaml"
    path.write_text(explorer._yaml.value, "utf-8")
    assert es.load(path) == explorer.scenario


@pytest.mark.parametrize("name", ["checkout", "order_flow", "flash_sale", "fan_out", "hot_key"])
def test_bundled_scenarios_round_trip_from_their_usual_knobs(name):
    scenario = es.load(name).replace({"messages": 2000})
    explorer = es.explore(scenario)
    for path, knob in explorer._knobs.items():
        place = (knob.start + 1) % len(knob.labels)
        explorer.turn({path: knob.labels[place]})
    assert explorer.error is None
    assert len(explorer.changes) == len(explorer._knobs)
    assert eval(explorer.code, {"scenario": scenario}) == explorer.scenario


def test_a_bad_combination_is_one_line_and_the_widget_lives_on():
    explorer = es.explore(QUICK, {"duration": ("10s", "20min"), "warmup": ("5s", "30s")})
    good = picture(explorer)
    explorer.turn({"duration": "10s"})
    assert explorer.error == "warmup: must be shorter than duration"
    assert 'role="alert"' in explorer._words.value
    assert "must be shorter" in repr(explorer)
    assert explorer.scenario == QUICK
    assert picture(explorer) == good
    explorer.turn({"warmup": "5s"})
    assert explorer.error is None
    assert "alert" not in explorer._words.value
    assert explorer.scenario.duration == 10


def test_a_run_that_nobody_would_wait_for_is_refused():
    explorer = es.explore(QUICK, {"producers.clients.rate": ["8/s", "8000/s"]})
    explorer.turn({"producers.clients.rate": "8000/s"})
    assert explorer.error.startswith("about 9,600,000 messages are too many")


def test_unknown_knobs_positions_pictures_and_consumers_are_refused(explorer):
    for positions, complaint in (
        ({"consumers.worker.instance": 2}, "did you mean 'consumers.worker.instances'"),
        ({"consumers.worker.instances": 7}, "must be one of 1, 2, 3, 4"),
        ({"consumers.worker.instances": 2, "producers.clients.rate": "2.0001/s"}, "no position"),
    ):
        with pytest.raises(es.ScenarioError, match=complaint):
            explorer.turn(positions)
    assert explorer.changes == {}
    with pytest.raises(ValueError, match="picture is one of"):
        es.explore(QUICK, picture="pie")
    with pytest.raises(es.ScenarioError, match="valid: 'worker'"):
        es.explore(QUICK, consumer="biller")


def test_a_scenario_of_several_consumers_shows_one_and_another():
    explorer = es.explore(es.load("fan_out").replace({"messages": 3000}))
    first, *_, last = explorer.scenario.consumers
    assert f"of {first}," in explorer.alt
    explorer._consumer.value = last
    assert f"of {last}," in explorer.alt
    explorer.turn({f"consumers.{first}.instances": 5})
    assert "B against A" in explorer.alt


def test_the_repr_holds_values_only(explorer):
    again = es.explore(QUICK, KNOBS)
    assert repr(explorer) == repr(again)
    assert re.search(r"0x|IPY_MODEL|object at", repr(explorer)) is None
    assert "producers.clients.rate = 8/s" in repr(explorer)
    assert repr(explorer) != repr(again.turn({"drain": True}))


def test_the_seed_is_that_of_both():
    one, other = (es.explore(QUICK, KNOBS, seed=seed) for seed in (1, 2))
    assert one.alt != other.alt
    assert es.explore(QUICK, KNOBS, seed=QUICK.seed).alt == es.explore(QUICK, KNOBS).alt


def test_a_still_of_it_stands_in_a_lesson(explorer):
    still = es.lessons.show(explorer.figure, alt=explorer.alt)
    assert still.png.startswith(b"\x89PNG")
    explorer.turn({"consumers.worker.instances": 2})
    assert explorer.error is None, "the figure lives on"


@pytest.mark.parametrize("name", ["percentiles", "distribution", "lag", "queue"])
@pytest.mark.parametrize("instances", [1, 3])
def test_a_has_the_same_colour_in_every_picture(explorer, name, instances):
    explorer.turn({"consumers.worker.instances": 2})
    explorer.pin()
    explorer._picture.value = name
    explorer.turn({"consumers.worker.instances": instances})
    (ax,) = explorer.figure.axes
    colours = {text.get_text(): text.get_color() for text in ax.texts if text.get_text() in "AB"}
    colours |= {line.get_label(): line.get_color() for line in ax.lines if line.get_label() in "AB"}
    assert colours == {"A": style.BLUE, "B": style.ORANGE}
