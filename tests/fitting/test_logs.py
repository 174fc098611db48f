"""Logs in files: every spelling of a moment is read exactly, every fault is one clear error."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eda_sim as es
from eda_sim.fitting.logs import read_log

EPOCH = 1_700_000_000_123_456_789


def table(size=12, start=0.0):
    created = start + np.arange(size, dtype=float)
    return pd.DataFrame({"created": created, "started": created + 0.25, "finished": created + 0.5})


def csv(tmp_path, text, name="log.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(*changed, size=12):
    """A CSV of good rows in which some (row, text) are replaced."""
    lines = ["created,started,finished", *(f"{i},{i}.25,{i}.5" for i in range(size))]
    for row, text in changed:
        lines[row] = text
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".parquet"])
def test_every_kind_of_table_is_the_same_log(tmp_path, suffix):
    path = tmp_path / f"orders{suffix}"
    if suffix == ".parquet":
        table().to_parquet(path)
    else:
        table().to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    log = read_log(path)
    assert log.frame().equals(table())
    assert log.name == path.name


@pytest.mark.parametrize(
    ("unit", "factor"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)]
)
def test_units_are_the_same_moments(unit, factor):
    log = read_log(table() * factor, unit=unit)
    assert log.frame().equals(table())


def test_nanoseconds_since_1970_keep_every_digit(tmp_path):
    moments = EPOCH + np.arange(12) * 1_001
    frame = pd.DataFrame({"created": moments, "started": moments + 3, "finished": moments + 10})
    frame.to_csv(tmp_path / "log.csv", index=False)
    log = read_log(tmp_path / "log.csv", unit="ns")
    assert log.created.tolist() == [k * 1_001 / 1e9 for k in range(12)]
    assert (log.service * 1e9).round(3).tolist() == [7.0] * 12


@pytest.mark.parametrize("zone", ["", "Z", "+02:00"])
def test_timestamps_are_read_with_or_without_a_zone(tmp_path, zone):
    frame = table().apply(
        lambda column: [
            (pd.Timestamp("2024-05-01T23:59:55") + pd.Timedelta(seconds=x)).isoformat() + zone
            for x in column
        ]
    )
    frame.to_csv(tmp_path / "log.csv", index=False)
    assert read_log(tmp_path / "log.csv").frame().equals(table())
    stamped = frame.apply(lambda column: pd.to_datetime(column, format="ISO8601"))
    stamped.to_parquet(tmp_path / "log.parquet")
    assert read_log(tmp_path / "log.parquet").frame().equals(table())


def test_rows_may_stand_in_any_order_and_columns_have_other_names():
    shuffled = table().sample(frac=1, random_state=3).rename(columns={"created": "enqueued"})
    with pytest.raises(es.FitError, match="table: no column 'created'; there are enqueued, sta"):
        read_log(shuffled)
    assert read_log(shuffled, columns={"created": "enqueued"}).frame().equals(table())
    ended = table().add_suffix("_at")
    assert read_log(ended).frame().equals(table())


@settings(max_examples=20)
@given(
    shift=st.integers(-(10**6), 10**6),
    factor=st.sampled_from([0.001, 0.5, 2.0, 1000.0]),
)
def test_when_the_log_begins_does_not_matter_and_a_unit_scales(shift, factor):
    assert read_log(table(start=shift)).frame().equals(table())
    scaled = read_log(table() * factor).frame()
    assert np.allclose(scaled, table() * factor, rtol=0, atol=1e-9)


FAULTS = [
    ("", "log.csv: empty; the first line must name the columns"),
    ("created,started,finished\n", "log.csv: 0 rows are too few to fit; at least 10"),
    (rows(size=1), "log.csv: 1 rows are too few to fit; at least 10"),
    ("created,started\n1,2\n", "log.csv: no column 'finished'; there are created, started"),
    (rows((3, "2,2.25,2.2")), "log.csv: row 3: finished 2.2 lies 0.05 s before started"),
    (rows((3, "2.5,2.25,2.3")), "log.csv: row 3: started 2.25 lies 0.25 s before created"),
    (rows((5, "4,,4.5")), "log.csv: row 5: started is missing; leave out what was never handled"),
    (rows((5, "4,nan,4.5")), "log.csv: row 5: started is missing"),
    (rows((5, "4,soon,4.5")), "log.csv: row 5: started 'soon' is no number (of s)"),
    (rows((5, "4,inf,4.5")), "log.csv: row 5: started inf is too large for a time in s"),
    (rows((5, "4,1e30,4.5")), "log.csv: row 5: started 1e+30 is too large for a time in s"),
    (
        rows((1, "2024-01-01T00:00:00,0.25,0.5")),
        "log.csv: row 2: created '1' is no ISO timestamp",
    ),
    (rows((5, "4,4,4,4,4")), "log.csv: cannot be read as a table: Error tokenizing data"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_a_fault_in_a_file_is_one_line_with_row_column_and_value(tmp_path, text, message):
    with pytest.raises(es.FitError) as caught:
        es.fit(csv(tmp_path, text))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none_or_of_another_kind_is_one_line(tmp_path):
    with pytest.raises(es.FitError, match=r"gone.csv: cannot be read: No such file"):
        es.fit(tmp_path / "gone.csv")
    with pytest.raises(es.FitError, match=r"log.xlsx: must end in one of .csv"):
        es.fit(csv(tmp_path, rows(), name="log.xlsx"))
    with pytest.raises(es.FitError, match=r"log.parquet: cannot be read"):
        es.fit(csv(tmp_path, rows(), name="log.parquet"))
    (tmp_path / "latin.csv").write_bytes(b"created,started,finished\n\xff,1,2\n")
    with pytest.raises(es.FitError, match=r"latin.csv: cannot be read as a table"):
        es.fit(tmp_path / "latin.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "minutes"}, "unit 'minutes': must be one of s, ms, us, ns"),
        ({"columns": {"begun": "x"}}, "columns: 'begun' is none of created, started, finished"),
        ({"columns": {"instance": "pod"}}, "table: no column 'pod'"),
        ({"what": "arrivals"}, "what 'arrivals': a log is fitted as a whole"),
    ],
)
def test_wrong_options_of_a_log_say_what_would_be_right(options, message):
    with pytest.raises(es.FitError) as caught:
        es.fit(table(), **options)
    assert str(caught.value).startswith(message)


def test_an_instance_that_is_missing_is_an_error():
    frame = table().assign(instance=["a"] * 5 + [None] * 7)
    with pytest.raises(es.FitError, match="table: row 6: instance is missing"):
        read_log(frame)


def test_truth_values_are_no_moments():
    with pytest.raises(es.FitError, match="row 1: created True is no moment"):
        read_log(table().assign(created=True))


def test_a_scenario_of_a_log_has_a_name_and_says_where_it_comes_from(tmp_path):
    rng = np.random.default_rng(2)
    created = np.cumsum(rng.exponential(1.0, size=500))
    frame = pd.DataFrame({"created": created, "started": created, "finished": created + 0.1})
    frame.to_csv(tmp_path / "2024 orders (live).csv", index=False)
    fit = es.fit(tmp_path / "2024 orders (live).csv")
    assert fit.scenario.name == "log_2024_orders_live"
    assert fit.scenario.description.startswith("Calibrated on 2024 orders (live).csv: 500 messages")
    assert fit.scenario.consumers["workers"].service.type == "constant"
    assert fit.observed["value"].tolist() == pytest.approx([0.1] * 3)
    assert math.isclose(fit.scenario.duration, created[-1] - created[0], rel_tol=0.01)
    assert str(fit.explanation) in repr(fit)
