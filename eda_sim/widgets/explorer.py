"""The explorer: sliders over the parameters of a scenario, and a picture that follows them.

The words
---------
A, B
    Two variants of the scenario, run with the same seed and so with common random numbers. A is
    pinned, at first as the scenario was given; B is what the knobs say now.
update
    After a slider was let go: run B, ask it, draw, show. A is not run again.

Without a front end the explorer works as well: :meth:`Explorer.turn` moves knobs, and ``figure``,
``alt``, ``scenario`` and ``error`` say what came of it.
"""

from __future__ import annotations

import base64
import html
import json
import time
from collections.abc import Mapping
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from eda_sim.engine.user import HandlerError
from eda_sim.simulation import run
from eda_sim.spec import Problem, Scenario, ScenarioError, dump
from eda_sim.spec.errors import nearest, one_line
from eda_sim.widgets.knobs import Knob, Wanted, knobs_of
from eda_sim.widgets.pictures import PICTURES, WIDTH, draw, new_figure, png
from eda_sim.widgets.variants import Variant
from eda_sim.widgets.wording import title_of, told

MOST_MESSAGES = 3_000_000
"""Expected messages of one run; beyond, a slider would seem dead."""
_WIDE = ipywidgets.Layout(width="auto")
_NAMES = ("A", "B")


class Explorer(ipywidgets.VBox):  # type: ignore[misc]
    """Sliders, a picture of A and B, and the variant as YAML and as code.

    :func:`explore` makes it.
    """

    def __init__(
        self,
        scenario: Scenario,
        knobs: list[Knob],
        *,
        consumer: str,
        picture: str,
        seed: int | None,
    ) -> None:
        self._given, self._seed = scenario, seed
        self._knobs = {knob.path: knob for knob in knobs}
        self._controls = {knob.path: _control(knob) for knob in knobs}
        self._quiet = False
        self._pinned: Variant | None = None
        self._pinned_places: dict[str, int] = {}
        self._figure = new_figure()
        self._alt = ""
        self._error: str | None = None
        self._scenario = scenario
        self._timings: dict[str, float] = {}
        consumers = list(scenario.consumers)
        self._consumer = ipywidgets.Dropdown(
            options=consumers, value=consumer, description="consumer", layout=_WIDE
        )
        self._picture = ipywidgets.Dropdown(
            options=PICTURES, value=picture, description="picture", layout=_WIDE
        )
        self._pin = ipywidgets.Button(description="Pin B as A", layout=_WIDE)
        self._back = ipywidgets.Button(description="B back to A", layout=_WIDE)
        self._image, self._words = ipywidgets.HTML(), ipywidgets.HTML()
        self._yaml, self._code = _shown_text(12), _shown_text(6)
        super().__init__(children=self._arranged(len(consumers)))
        self.update()
        for control in self._controls.values():
            control.observe(self._moved, names="value")
        self._picture.observe(self._moved, names="value")
        self._consumer.observe(self._looked_at_another, names="value")
        self._pin.on_click(lambda _: self.pin())
        self._back.on_click(lambda _: self.back())

    # What it shows ------------------------------------------------------------------------------

    @property
    def scenario(self) -> Scenario:
        """B: the scenario that the knobs describe, or the last one that was valid."""
        return self._scenario

    @property
    def figure(self) -> Figure:
        """The picture."""
        return self._figure

    @property
    def alt(self) -> str:
        """The picture in words, with the interval of every estimate."""
        return self._alt

    @property
    def error(self) -> str | None:
        """What is wrong with the combination of the knobs, in one line; None if it is valid."""
        return self._error

    @property
    def timings(self) -> dict[str, float]:
        """Milliseconds of the last update: ``run``, ``analysis``, ``draw``."""
        return dict(self._timings)

    @property
    def positions(self) -> dict[str, str]:
        """Path -> position of each knob, as it is shown."""
        return {path: knob.labels[self._place(path)] for path, knob in self._knobs.items()}

    @property
    def changes(self) -> dict[str, Any]:
        """Path -> value of what differs from the scenario as it was given."""
        return self._changes({path: self._place(path) for path in self._knobs})

    @property
    def yaml(self) -> str:
        """B as a scenario file."""
        return dump(self._scenario)

    @property
    def code(self) -> str:
        """An expression that makes B from the ``scenario`` that was given."""
        if not self.changes:
            return "scenario"
        lines = [f'        "{path}": {_literal(value)},' for path, value in self.changes.items()]
        return "\n".join(["scenario.replace(", "    {", *lines, "    }", ")"])

    def __repr__(self) -> str:
        where = ", ".join(f"{path} = {label}" for path, label in self.positions.items())
        return f"Explorer of {self._given.name} ({where}). {self._error or self._alt}"

    # What moves it ------------------------------------------------------------------------------

    def turn(self, positions: Mapping[str, Any]) -> Explorer:
        """Turn knobs, all at once.

        Parameters
        ----------
        positions : mapping
            Path -> position, as it is shown or as its value.

        Returns
        -------
        Explorer
            This one.

        Raises
        ------
        ScenarioError
            If there is no such knob or position; then nothing was turned.
        """
        places = {}
        for path, position in positions.items():
            if path not in self._knobs:
                message = f"{path} has no knob{nearest(path, self._knobs)}"
                raise ScenarioError(message)
            places[path] = self._knobs[path].place_of(position)
        self._go_to(places)
        return self

    def pin(self) -> None:
        """Make B the new A."""
        self._pinned = None
        self._pinned_places = {path: self._place(path) for path in self._knobs}
        self.update()

    def back(self) -> None:
        """Turn all knobs back to where A is pinned."""
        places = {path: knob.start for path, knob in self._knobs.items()}
        self._go_to(places | self._pinned_places)

    def update(self) -> None:
        """Run B and show it beside A. What is wrong is shown in one line; the picture stays."""
        try:
            variants = self._variants()
            begin = time.perf_counter()
            sentences = told(variants)
            title = title_of(self._picture.value, variants)
            middle = time.perf_counter()
            draw(self._figure, self._picture.value, variants, title)
            picture = png(self._figure)
            end = time.perf_counter()
        except (ValueError, HandlerError, MemoryError) as error:
            self._error = one_line(str(error)) or type(error).__name__
            self._words.value = f'<p role="alert"><strong>{html.escape(self._error)}</strong></p>'
            return
        self._timings["analysis"] = 1000 * (middle - begin)
        self._timings["draw"] = 1000 * (end - middle)
        self._error, self._scenario = None, variants[-1].run.scenario
        what = _WHAT[self._picture.value].format(consumer=self._consumer.value)
        self._alt = " ".join([what, *sentences])
        self._image.value = _image(picture, self._alt)
        self._words.value = "".join(f"<div>{html.escape(line)}</div>" for line in sentences)
        self._yaml.value, self._code.value = self.yaml, self.code

    # Inside -------------------------------------------------------------------------------------

    def _variants(self) -> list[Variant]:
        """Return A, and B where it differs."""
        if self._pinned is None:
            self._pinned = self._run("A", self._pinned_places)
        now = {path: self._place(path) for path in self._knobs}
        pinned = {path: knob.start for path, knob in self._knobs.items()} | self._pinned_places
        return [self._pinned] if now == pinned else [self._pinned, self._run("B", now)]

    def _run(self, name: str, places: Mapping[str, int]) -> Variant:
        scenario = self._given.replace(self._changes(places))
        _refuse_too_many(scenario)
        begin = time.perf_counter()
        variant = Variant(name, run(scenario, seed=self._seed), self._consumer.value)
        self._timings["run"] = 1000 * (time.perf_counter() - begin)
        return variant

    def _changes(self, places: Mapping[str, int]) -> dict[str, Any]:
        return {
            path: self._knobs[path].values[place]
            for path, place in places.items()
            if place != self._knobs[path].start
        }

    def _place(self, path: str) -> int:
        return int(self._controls[path].index)

    def _go_to(self, places: Mapping[str, int]) -> None:
        self._quiet = True
        try:
            for path, place in places.items():
                self._controls[path].index = place
        finally:
            self._quiet = False
        self.update()

    def _moved(self, _: Any) -> None:
        if not self._quiet:
            self.update()

    def _looked_at_another(self, change: Any) -> None:
        if self._pinned is not None:
            self._pinned = Variant(self._pinned.name, self._pinned.run, change["new"])
        self.update()

    def _arranged(self, consumers: int) -> list[ipywidgets.Widget]:
        knobs = []
        for path, control in self._controls.items():
            knobs += [_path(path), control]
        looks = [self._picture] + ([self._consumer] if consumers > 1 else [])
        left = ipywidgets.VBox(
            [*knobs, *looks, ipywidgets.HBox([self._pin, self._back])],
            layout=ipywidgets.Layout(min_width="300px", width="300px"),
        )
        copies = ipywidgets.Accordion(
            [self._yaml, self._code], titles=("Copy B as YAML", "Copy B as code")
        )
        right = ipywidgets.VBox([self._image, self._words])
        return [ipywidgets.HBox([left, right], layout=_wrapping()), copies]


_WHAT = {
    "percentiles": "Percentiles of latency of {consumer}, each with its interval.",
    "distribution": "Latency of {consumer} over percentiles by nines.",
    "lag": "Lag of {consumer} over simulated time.",
    "queue": "Messages that wait for {consumer} over simulated time.",
    "heatmap": "Latency of {consumer} by time of creation, as a heat map.",
}


def explore(
    scenario: Scenario,
    knobs: Wanted | None = None,
    *,
    consumer: str | None = None,
    picture: str = "percentiles",
    seed: int | None = None,
) -> Explorer:
    """Put sliders over a scenario's parameters, and show what becomes of latency, live.

    Parameters
    ----------
    scenario : Scenario
        What is explored: it is A at first.
    knobs : iterable or mapping, optional
        Which parameters can be turned: paths; (path, low, high); (path, positions); or a mapping
        from paths to a ``range``, to (low, high), to positions, or to None. A distribution is
        turned by its mean, arrivals by their rate; both keep their shape. Without it: rates,
        service times and instances.
    consumer : str, optional
        Whose latency, lag and queue are looked at; the first one without it.
    picture : {"percentiles", "distribution", "lag", "queue", "heatmap"}
        What is drawn at first.
    seed : int, optional
        Instead of the scenario's own, for A and B alike.

    Returns
    -------
    Explorer
        A widget: the last value of a cell of a notebook shows it.

    Raises
    ------
    ScenarioError
        If a knob or the consumer is not there, or the scenario has no consumer.
    ValueError
        If there is no such picture.

    Examples
    --------
    >>> import eda_sim as es
    >>> quick = es.load("mm1").replace({"duration": "2min", "warmup": "0s"})
    >>> explorer = es.explore(quick, {"consumers.worker.instances": range(1, 5)})
    >>> explorer.turn({"consumers.worker.instances": 2}).changes
    {'consumers.worker.instances': 2}
    >>> eval(explorer.code, {"scenario": quick}) == explorer.scenario
    True
    """
    names = list(scenario.consumers)
    if not names:
        message = f"{scenario.name} has no consumer to look at"
        raise ScenarioError(message)
    if consumer is not None and consumer not in names:
        raise ScenarioError(
            Problem(path=("consumers",), message=f"no {consumer!r}{nearest(consumer, names)}")
        )
    if picture not in PICTURES:
        message = f"picture is one of {', '.join(PICTURES)}, not {picture!r}"
        raise ValueError(message)
    return Explorer(
        scenario,
        knobs_of(scenario, knobs),
        consumer=consumer or names[0],
        picture=picture,
        seed=seed,
    )


def _control(knob: Knob) -> Any:
    """Return the control of a knob; all have an ``index``, so that positions have one address."""
    options = list(knob.labels)
    if knob.is_scale:
        return ipywidgets.SelectionSlider(
            options=options, index=knob.start, continuous_update=False, layout=_WIDE
        )
    if len(options) <= 3:
        return ipywidgets.ToggleButtons(options=options, index=knob.start)
    return ipywidgets.Dropdown(options=options, index=knob.start, layout=_WIDE)


def _path(path: str) -> ipywidgets.HTML:
    """Return the path of a knob, which breaks behind its dots where there is no room."""
    text = html.escape(path).replace(".", ".<wbr>")
    style = "white-space: normal; line-height: 1.3"
    return ipywidgets.HTML(f'<code style="{style}">{text}</code>')


def _literal(value: Any) -> str:
    """Return a value as a line of Python, with the quotes that formatters prefer."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _shown_text(rows: int) -> ipywidgets.Textarea:
    return ipywidgets.Textarea(rows=rows, layout=ipywidgets.Layout(width="98%"))


def _wrapping() -> ipywidgets.Layout:
    return ipywidgets.Layout(flex_flow="row wrap")


def _image(picture: bytes, alt: str) -> str:
    data = base64.b64encode(picture).decode("ascii")
    width = round(WIDTH * 96)
    return f'<img alt="{html.escape(alt)}" width="{width}" src="data:image/png;base64,{data}">'


def _refuse_too_many(scenario: Scenario) -> None:
    """Refuse a run that would keep the reader waiting."""
    if scenario.duration is None:
        expected = float(scenario.messages or 0)
    else:
        rates = sum(
            producer.arrivals.rate * producer.bulk.mean for producer in scenario.producers.values()
        )
        expected = min(rates * scenario.duration, scenario.messages or float("inf"))
    if expected > MOST_MESSAGES:
        message = (
            f"about {expected:,.0f} messages are too many to follow a slider (at most "
            f"{MOST_MESSAGES:,}): lower a rate, or the duration"
        )
        raise ScenarioError(message)
