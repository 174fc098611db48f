"""Partial quorums: by hand, against reads that really come after the commit, with a crash."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import eda_sim as es
from eda_sim.patterns.projections import quorums

SLOW, FAST = "exponential(10ms)", "exponential(1ms)"


def store(**changes):
    parts = {"write": SLOW, "acknowledge": FAST, "read": FAST, "respond": FAST, "writes": 3000}
    return quorums.scenario(**{**parts, **changes})


@pytest.fixture(scope="module")
def trips():
    return quorums.legs(es.run(store()).tables)


def by_hand(writes, reads):
    """Return legs from (there, back) of each replica of each request, created 1 s apart."""
    rows = []
    for request, trials in (("write", writes), ("read", reads)):
        for number, replicas in enumerate(trials):
            for replica, (there, back) in enumerate(replicas):
                created = number + (0.5 if request == "read" else 0.0)
                rows.append((request, 10 * number, created, replica, there, back))
    columns = ["request", "message_id", "created_at", "replica", "there_s", "back_s"]
    return pd.DataFrame(rows, columns=columns)


def test_a_write_is_committed_with_the_wth_acknowledgement():
    legs = by_hand([[(1.0, 1.0), (2.0, 3.0), (1.0, 0.5)]], [])
    for needed, seconds in ((1, 1.5), (2, 2.0), (3, 5.0)):
        found = quorums.latencies(legs, request="write", needed=needed)
        assert found["seconds"].tolist() == [seconds]


@pytest.mark.parametrize(
    ("reads", "writes", "after"),
    [
        # Committed at 0.2. Replica 1 answers first, at once, and has the write at 2.
        (1, 1, 1.8),
        # Replica 2 answers next; the read is there 0.7 after it began, the write at 1.
        (2, 1, 1.0 - 0.2 - 0.7),
        (3, 1, 0.0),
        # Committed at 2.5.
        (1, 2, 0.0),
    ],
)
def test_a_read_sees_the_write_if_one_of_the_first_to_answer_had_it(reads, writes, after):
    legs = by_hand(
        [[(0.1, 0.1), (2.0, 0.5), (1.0, 2.0)]],
        [[(0.5, 9.0), (0.0, 0.1), (0.7, 0.2)]],
    )
    found = quorums.visibility(legs, reads=reads, writes=writes)
    assert found["visible_after_s"].tolist() == pytest.approx([after])


TIMES = st.floats(0.0, 10.0).map(lambda seconds: round(seconds, 2))
REPLICAS = st.lists(st.tuples(TIMES, TIMES), min_size=3, max_size=3)


@given(REPLICAS, REPLICAS, st.integers(1, 3), st.integers(1, 3), TIMES)
def test_a_read_is_stale_by_definition(write, read, reads, writes, after):
    """None of the first to answer had the write when the read came, so long after the commit."""
    (found,) = quorums.visibility(by_hand([write], [read]), reads=reads, writes=writes)[
        "visible_after_s"
    ]
    committed = sorted(there + back for there, back in write)[writes - 1]
    order = sorted(range(3), key=lambda number: sum(read[number]))
    stale = all(write[k][0] > committed + after + read[k][0] for k in order[:reads])
    assert stale == (found > after) or found == pytest.approx(after)


def test_versions_by_hand():
    # With W = 1 version n is on replica n % 3 alone; every read asks replica 0 alone.
    first = [(0.0, 0.0), (1.0, 0.0), (1.0, 0.0)]
    writes = [first[-number % 3 :] + first[: -number % 3] for number in range(6)]
    found = quorums.versions(by_hand(writes, [first] * 6), reads=1, writes=1, most=3)
    assert found["created_at"].tolist() == [2.5, 3.5, 4.5, 5.5]
    assert found["behind"].tolist() == [2, 0, 1, 2]
    assert found["written_since"].tolist() == [1.0] * 4


def test_reads_that_really_come_after_the_commit_are_as_often_stale(trips):
    """A client that waits for two acknowledgements, then 3 ms, then reads from one replica."""
    made = store(writes=6000).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    made["producers"] = {"writer": made["producers"]["writer"]}
    made["channels"] |= {"committed": {"delay": "3ms"}}
    made["consumers"]["write-coordinator"]["emits"] = {"to": "committed", "join": 2}
    made["consumers"]["client"] = {"reads": "committed", "service": "0s", "emits": "reads"}
    legs = quorums.legs(es.run(es.Scenario.model_validate(made)).tables)
    written, asked = (legs[legs["request"] == request] for request in ("write", "read"))
    has = (written["created_at"] + written["there_s"]).to_numpy().reshape(-1, 3)
    comes = (asked["created_at"] + asked["there_s"]).to_numpy().reshape(-1, 3)
    first = (asked["there_s"] + asked["back_s"]).to_numpy().reshape(-1, 3).argmin(axis=1)
    each = np.arange(len(first))
    really = (has[each, first] > comes[each, first]).mean()
    after = quorums.visibility(trips, reads=1, writes=2, pairings=50)["visible_after_s"]
    assert really == pytest.approx((after > 0.003).mean(), abs=0.025)
    assert 0.2 < really < 0.5


def test_more_than_n_together_always_meet(trips):
    for reads, writes in ((1, 3), (2, 2), (3, 1)):
        found = quorums.visibility(trips, reads=reads, writes=writes)
        assert found["visible_after_s"].max() == 0
        assert quorums.versions(trips, reads=reads, writes=writes, most=5)["behind"].max() == 0


def test_more_pairings_say_the_same(trips):
    few, many = (
        quorums.visibility(trips, reads=1, writes=1, pairings=pairings)["visible_after_s"]
        for pairings in (1, 20)
    )
    assert len(many) == 20 * len(few)
    assert (few > 0).mean() == pytest.approx((many > 0).mean(), abs=0.02)
    pairs = quorums.visibility(trips, reads=1, writes=1, pairings=20)
    assert not pairs.duplicated(["write", "read"]).any()


def test_the_warm_up_is_left_out(trips):
    late = store().replace({"warmup": "3000s"})
    legs = quorums.legs(es.run(late).tables)
    assert legs["created_at"].min() >= 3000
    rest = trips[trips["created_at"] >= 3000].reset_index(drop=True)
    pd.testing.assert_frame_equal(legs, rest)


def test_a_replica_that_stays_down_has_nothing_and_commits_nothing():
    down = [{"crash": f"replica-2-{what}", "at": "0s"} for what in ("writes", "reads")]
    scenario = store(writes=200).replace({"faults": down, "drain_timeout": "10s"})
    legs = quorums.legs(es.run(scenario).tables)
    lacking = legs["replica"] == 2
    assert np.isinf(legs.loc[lacking, ["there_s", "back_s"]]).all(axis=None)
    assert np.isfinite(legs.loc[~lacking, "there_s"]).all()
    assert np.isfinite(quorums.latencies(legs, request="write", needed=2)["seconds"]).all()
    assert np.isinf(quorums.latencies(legs, request="write", needed=3)["seconds"]).all()
    assert len(quorums.visibility(legs, reads=1, writes=3)) == 0
    assert len(quorums.visibility(legs, reads=3, writes=1)) == 0
    assert (quorums.visibility(legs, reads=2, writes=2)["visible_after_s"] == 0).all()


@pytest.mark.parametrize("needed", [0, 4])
def test_more_replies_than_replicas(trips, needed):
    with pytest.raises(ValueError, match=rf"writes is {needed}: must be 1 to 3, the replicas"):
        quorums.latencies(trips, request="write", needed=needed)
    with pytest.raises(ValueError, match=rf"reads is {needed}: must be 1 to 3, the replicas"):
        quorums.visibility(trips, reads=needed, writes=1)
    with pytest.raises(ValueError, match=rf"writes is {needed}: must be 1 to 3"):
        quorums.versions(trips, reads=1, writes=needed)


def test_what_is_no_distribution_is_told_by_name():
    with pytest.raises(es.ScenarioError, match=r"replica-0-writes\.service"):
        store(write="quick")


def test_both_engines_agree():
    assert len(es.check(store(writes=50)).messages) > 200


def test_freshness_of_several_runs(trips):
    other = quorums.legs(es.run(store(), replication=1).tables)
    found = quorums.freshness(trips, other, reads=1, writes=1, after=[0.0, 0.02])
    assert found["consumer"].tolist() == ["R=1, W=1"] * 2
    assert found["after_s"].tolist() == [0.0, 0.02]
    assert found["fresh"].iloc[0] < 0.5 < found["fresh"].iloc[1]
    assert (found["low"] <= found["fresh"]).all()
    assert (found["fresh"] <= found["high"]).all()
    exact = 1 - 0.58044095598316  # of the records: W 10 times as slow as the others
    assert found["fresh"].iloc[0] == pytest.approx(exact, abs=0.02)
