"""Reads of customers: by hand, against theory, and what each way to serve them promises."""

import numpy as np
import pandas as pd
import pytest

import eda_sim as es
from eda_sim.patterns.projections import reads, services

THINK = 0.05


@pytest.fixture(scope="module")
def runs():
    shop = services.scenario(
        rate=70,
        command="exponential(2ms)",
        project="exponential(10ms)",
        replicas=2,
        duration="40s",
        users=200,
    )
    tables = [es.run(shop, replication=number, engine="compiled").tables for number in range(4)]
    return [
        (each, reads.sample_reads(each, think_s=THINK, replication=number))
        for number, each in enumerate(tables)
    ]


@pytest.fixture(scope="module")
def world(runs):
    return runs[0]


def test_reads_are_the_same_for_the_same_seed(world):
    tables, first = world
    pd.testing.assert_frame_equal(first, reads.sample_reads(tables, think_s=THINK))
    other = reads.sample_reads(tables, think_s=THINK, seed=2)
    assert not np.isin(first["draw"].to_numpy(), other["draw"].to_numpy()).any()
    gaps = (first["asked_at"] - first["written_at"])[first.groupby("event").cumcount() == 0]
    assert gaps.mean() == pytest.approx(THINK, rel=0.1)
    assert first["asked_at"].is_monotonic_increasing
    assert first["asked_at"].between(tables.warmup, tables.ended_at, inclusive="left").all()


def test_a_read_knows_the_last_write_of_its_customer(world):
    tables, table = world
    events = tables.messages[tables.messages["channel"] == "events"]
    for row in table.iloc[::500].itertuples():
        own = events[(events["key"] == row.customer) & (events["created_at"] <= row.asked_at)]
        assert row.written_at == own["created_at"].max()
        assert row.own_position == (events["created_at"] <= row.written_at).sum()


def small(visible, asked, draws, written=(1.0, 2.0, 3.0)):
    """Return two query sides that show three events of one customer at given moments."""
    log = pd.DataFrame({"message_id": [0, 1, 2], "created_at": written, "key": 7})
    own = np.searchsorted(written, asked, side="right")
    table = pd.DataFrame(
        {
            "customer": 7,
            "event": own - 1,
            "asked_at": asked,
            "written_at": np.asarray(written)[own - 1],
            "own_position": own,
            "draw": draws,
        }
    )
    return log, [np.asarray(each) for each in visible], table


@pytest.mark.parametrize(
    ("option", "found"),
    [
        ("any", {"position": [1, 0, 2, 2], "stale": [0, 1, 1, 1], "older": [0, 1, 0, 0]}),
        # Customer 7 belongs to the second one, which is slow.
        ("sticky", {"position": [0, 0, 0, 2], "stale": [1, 1, 1, 1]}),
        ("token", {"position": [1, 1, 3, 3], "waited_s": [0.0, 3.1, 0.4, 3.0]}),
        ("command side", {"position": [1, 1, 3, 3]}),
    ],
)
def test_what_each_option_does_by_hand(monkeypatch, option, found):
    log, views, table = small(
        visible=[[1.1, 2.1, 4.6], [5.0, 9.0, 12.0]],
        asked=[1.5, 1.9, 4.2, 9.0],
        draws=[0.1, 0.9, 0.1, 0.9],
    )
    monkeypatch.setattr(reads, "_log", lambda _: log)
    monkeypatch.setattr(reads, "_views", lambda _: views)
    served = reads.serve(None, table, option)
    nothing = {name: [0, 0, 0, 0] for name in ("stale", "older", "waited_s")}
    for name, expected in {**nothing, **found}.items():
        assert served[name].tolist() == pytest.approx(expected), name


def test_a_session_token_also_waits_for_what_was_seen(monkeypatch):
    log, views, table = small([[1.0, 2.0, 3.0], [1.0, 5.0, 6.0]], [1.5, 3.5, 3.6], [0.9, 0.1, 0.9])
    table["own_position"] = 1  # the second and third event are somebody else's
    monkeypatch.setattr(reads, "_log", lambda _: log)
    monkeypatch.setattr(reads, "_views", lambda _: views)
    token, session = (reads.serve(None, table, each) for each in ("token", "session token"))
    assert token["older"].tolist() == [False, False, True]
    assert session["older"].tolist() == [False] * 3
    assert session["served_at"].tolist() == [1.5, 3.5, 6.0]


def test_what_each_option_promises(runs):
    table = reads.costs(*runs, wait_s=0.1).set_index("option")
    assert list(table.index) == list(reads.OPTIONS)
    assert table.loc["any", "stale"] > 0.1
    assert table.loc["any", "older"] > 0.005
    assert (table.loc["sticky", ["older", "waits"]] == 0).all()
    assert table.loc["sticky", "stale"] == pytest.approx(table.loc["any", "stale"], abs=0.03)
    assert 0 < table.loc["wait", "stale"] < 0.5 * table.loc["any", "stale"]
    assert (table.loc[["token", "session token", "command side"], "stale"] == 0).all()
    assert table.loc["token", "older"] > 0
    assert (table.loc[["session token", "command side"], "older"] == 0).all()
    assert 0 < table.loc["token", "wait_mean_s"] < table.loc["wait", "wait_mean_s"]
    assert table.loc["token", "waits"] == pytest.approx(table.loc["any", "stale"], abs=0.005)
    assert table["command_side"].tolist() == [0.0] * 5 + [1.0]
    assert table.loc["token", "stale_high"] < 0.001


def test_the_first_read_is_stale_as_often_as_theory_says(runs):
    """The window of M/M/1 is exponential with mu - lambda, and so is the time until the read."""
    stale, count = 0, 0
    for tables, table in runs:
        served = reads.serve(tables, table, "any")
        first = served[served.groupby("event").cumcount() == 0]
        stale, count = stale + first["stale"].sum(), count + len(first)
    slack = 100 - 70
    assert stale / count == pytest.approx((1 / THINK) / (1 / THINK + slack), abs=0.04)


def test_what_was_not_answered_before_the_end_is_left_out():
    shop = services.scenario(
        rate=50, command="1ms", project="exponential(5ms)", duration="30s", users=100
    ).replace({"faults": [{"crash": "query-side-0", "at": "20s"}]})
    tables = es.run(shop).tables
    asked = reads.sample_reads(tables, think_s=0.1)
    served = reads.serve(tables, asked, "token")
    never = ~np.isfinite(served["served_at"])
    assert never.mean() == pytest.approx(0.5, abs=0.1)
    assert not served.loc[never, "older"].any()
    (row,) = reads.costs((tables, asked), options=["token"], wait_s=1.0).to_dict("records")
    assert row["reads"] == (~never).sum()


def test_the_command_side_answers_when_a_token_takes_too_long(runs):
    tables, asked = runs[0]
    patient = reads.serve(tables, asked, "token")
    served = reads.serve(tables, asked, "token", timeout_s=0.05)
    late = patient["waited_s"] > 0.05
    assert 0 < late.sum() < 0.2 * len(asked)
    assert ((served["query_side"] == -1) == late).all()
    assert served.loc[late, "waited_s"].to_numpy() == pytest.approx(0.05)
    # Only who has seen the command side may see something older next.
    columns = [name for name in served if name != "older"]
    pd.testing.assert_frame_equal(served.loc[~late, columns], patient.loc[~late, columns])
    assert not served["stale"].any()
    table = reads.costs(*runs, options=["token"], wait_s=1.0, timeout_s=0.05)
    assert table["wait_p99_s"].item() <= 0.05 + 1e-9
    assert 0 < table["command_side"].item() < 0.2
    with pytest.raises(ValueError, match="timeout_s is 0"):
        reads.serve(tables, asked, "token", timeout_s=0)


@pytest.mark.parametrize(
    ("option", "wait", "text"),
    [
        ("luck", None, r"option is 'luck': must be one of any, sticky"),
        ("wait", None, "wait_s is None with 'wait'"),
        ("wait", -1.0, r"wait_s is -1\.0"),
        ("any", 1.0, r"wait_s is 1\.0 with 'any': only 'wait' needs one"),
    ],
)
def test_bad_options(world, option, wait, text):
    with pytest.raises(ValueError, match=text):
        reads.serve(*world, option, wait_s=wait)


def test_bad_samples(world):
    with pytest.raises(ValueError, match=r"think_s is 0"):
        reads.sample_reads(world[0], think_s=0)
    shop = services.scenario(rate=10, command="1ms", project="1ms", duration="20s")
    keyless = es.run(shop.replace({"producers.customers.key": "none"})).tables
    with pytest.raises(ValueError, match="events have no key"):
        reads.sample_reads(keyless, think_s=1.0)
