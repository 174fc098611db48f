"""The look: told apart by everybody, in the words of people."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.figure import Figure

from eda_sim.plots import style


def luminance(color: str) -> float:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_many_lines_stay_different():
    looks = [(look["color"], look["linestyle"]) for look in map(style.line_style, range(36))]
    assert len(set(looks)) == 36
    assert style.FAULT not in {color for color, _ in looks}, "a fault is no line"


def test_work_and_repeated_work_differ_in_grey_too():
    assert contrast(style.WORK, style.AGAIN) > 2


@pytest.mark.parametrize("color", [style.INK, style.MUTED])
def test_text_can_be_read_on_white(color):
    assert contrast(color, "#FFFFFF") > 4.5  # WCAG 2.2, level AA


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (2e-9, "2 ns"),
        (3.21e-5, "32 µs"),
        (0.001, "1 ms"),
        (0.0099999, "10 ms"),
        (0.25, "250 ms"),
        (0.9999, "1 s"),
        (1.234, "1.2 s"),
        (9.96, "10 s"),
        (3600.0, "3600 s"),
        (float("nan"), "?"),
    ],
)
def test_durations_in_words(seconds, text):
    assert style.duration_text(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.5, "50 %"), (0.9, "90 %"), (0.9999, "99.99 %"), (1 - 1e-7, "99.99999 %")]
)
def test_percentages_keep_their_nines(share, text):
    assert style.percent_text(share) == text


def test_names_at_line_ends_do_not_overlap():
    ax = Figure(figsize=(6, 4)).subplots()
    ax.set_ylim(0, 10)
    style.label_ends(ax, [(1.0, y, f"line {y}", style.BLUE) for y in (5.0, 5.1, 5.2, 9.0)])
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


def test_names_of_faults_close_together_stand_on_lines_of_their_own():
    ax = style.axes_or_new(None)
    ax.set_xlim(0, 100)
    rows = [
        (kind, "workers", 0, start, start + 5.0)
        for kind, start in zip("cabd", (10, 14, 60, 18), strict=True)
    ]
    columns = ["kind", "target", "instance", "started_at", "ended_at"]
    style.fault_bands(ax, pd.DataFrame(rows, columns=columns))
    heights = {text.get_text()[0]: text.xyann[1] for text in ax.texts}
    assert heights["c"] == heights["b"] > heights["a"] > heights["d"]
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    for place, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[place + 1 :])
