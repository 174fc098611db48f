"""Units: exact in, exact out, and every bound is named."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_sim.spec.measures import (
    MAXIMUM_BYTES,
    MAXIMUM_DURATION,
    MAXIMUM_RATE,
    Measure,
    Whole,
)
from eda_sim.spec.quantities import UNITS, Quantity, format_quantity, parse_quantity

DURATION = Measure("time", maximum=MAXIMUM_DURATION)
RATE = Measure("rate", maximum=MAXIMUM_RATE, positive=True)
DIMENSIONS = st.sampled_from(("time", "rate", "bytes", "number"))


@pytest.mark.parametrize(
    ("text", "value", "dimension"),
    [
        ("20ms", 0.02, "time"),
        ("500us", 0.0005, "time"),
        ("10ns", 1e-8, "time"),
        ("10min", 600.0, "time"),
        ("1.5h", 5400.0, "time"),
        ("2d", 172800.0, "time"),
        (" 3 s ", 3.0, "time"),
        ("200/s", 200.0, "rate"),
        ("12/min", 0.2, "rate"),
        ("1/ms", 1000.0, "rate"),
        ("3/h", 3 / 3600, "rate"),
        ("5/d", 5 / 86400, "rate"),
        ("1KB", 1000.0, "bytes"),
        ("1KiB", 1024.0, "bytes"),
        ("2.5MB", 2.5e6, "bytes"),
        ("1GiB", 2.0**30, "bytes"),
        ("5%", 0.05, "number"),
        ("1e3", 1000.0, "number"),
        ("-.5", -0.5, "number"),
    ],
)
def test_units_mean_what_they_say(text, value, dimension):
    assert parse_quantity(text) == Quantity(value, dimension)


@given(
    st.decimals(min_value=0, max_value=10**6, places=6),
    st.sampled_from([unit for unit in UNITS if unit != ""]),
)
def test_a_quantity_is_rounded_once(number, unit):
    exact = Fraction(number) * UNITS[unit][1]
    assert parse_quantity(f"{number:f}{unit}").value == float(exact)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ms",
        "20 m s",
        "20mss",
        "1e",
        "0x10",
        "1_000",
        "12:30",
        "٣s",
        "1e9999s",
        "nan",
        "inf",
        "20ms;",
    ],
)
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(ValueError, match="is not valid"):
        parse_quantity(text)


@given(st.floats(allow_nan=False, allow_infinity=False), DIMENSIONS)
def test_writing_and_reading_gives_the_same_bits(value, dimension):
    text = format_quantity(value, dimension)
    assert parse_quantity(text).value == value
    assert parse_quantity(text).dimension == dimension


@given(st.integers(1, 999), st.sampled_from(("ns", "us", "ms", "s", "min", "h", "d")))
def test_a_duration_is_written_with_no_more_digits_than_it_was(number, unit):
    text = format_quantity(parse_quantity(f"{number}{unit}").value, "time")
    assert len(re.sub(r"\D", "", text)) <= len(str(number))


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (0.0, "time", "0s"),
        (90.0, "time", "90s"),
        (60.0, "time", "1min"),
        (0.2, "rate", "0.2/s"),
        (1e6, "rate", "1000000/s"),
        (1024.0, "bytes", "1KiB"),
        (1500.0, "bytes", "1.5KB"),
        (1.0, "number", "1"),
        (1e-9, "time", "1ns"),
    ],
)
def test_quantities_are_written_as_a_person_would(value, dimension, text):
    assert format_quantity(value, dimension) == text


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -1, "-1s", "101000d", 10**400, True, None, []]
)
def test_a_duration_out_of_bounds_is_refused_and_the_bounds_are_named(value):
    with pytest.raises(ValueError, match=r"such as 20ms, from 0s to 36525d \(100 years\)"):
        DURATION.convert(value)


@pytest.mark.parametrize("value", [0, "0/s", "2000000000/s", "1/ns2", "5s", "1KB"])
def test_a_rate_out_of_bounds_is_refused(value):
    with pytest.raises(ValueError, match="above 0/s, at most 1000000000/s"):
        RATE.convert(value)


def test_a_plain_number_is_in_the_canonical_unit():
    assert DURATION.convert(0.02) == 0.02
    assert DURATION.convert("0.02") == 0.02
    assert DURATION.convert(np.float64(3)) == 3.0
    assert RATE.convert(7) == 7.0


def test_bytes_are_whole():
    size = Measure("bytes", maximum=MAXIMUM_BYTES, whole=True)
    assert size.convert("1.5KB") == 1500
    with pytest.raises(ValueError, match="whole"):
        size.convert("0.5B")


def test_negative_zero_is_zero():
    assert math.copysign(1, DURATION.convert(-0.0)) == 1


@pytest.mark.parametrize("value", [0, 11, 2.5, "4", True, math.nan, math.inf, 10**400, None])
def test_a_whole_number_out_of_bounds_is_refused(value):
    with pytest.raises(ValueError, match=r"must be an integer from 1 to 10$"):
        Whole(1, 10).convert(value)


@pytest.mark.parametrize("value", [4, 4.0, np.int64(4), np.float32(4)])
def test_a_whole_number_comes_out_as_an_int(value):
    number = Whole(1, 10).convert(value)
    assert number == 4
    assert type(number) is int
