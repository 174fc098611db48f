"""Worlds about brokers and networks: who is told what, and what of it is true."""

import numpy as np
import pytest

from tests.worlds.known import effects, only, run


def counted(made):
    """Return how many messages came to each end of their publishing."""
    return made.messages["status"].value_counts()


def told_in_vain(made):
    """Return the messages that were confirmed and then truncated."""
    rows = made.messages
    return rows[rows["confirmed_at"].notna() & (rows["status"] == "truncated")]


def longest_gap(times):
    """Return the longest time in seconds without any of these, and when it began."""
    times = np.sort(times.dropna())
    gap = np.diff(times)
    return gap.max(), times[gap.argmax()]


def test_backpressure_whoever_waits_loses_nothing():
    """50 a second too many for a minute make 3000: the queue holds 1000, the cameras the rest."""
    made = run("backpressure")
    assert only(made)["exactly_once"] == only(made)["messages"] == 19_960
    assert (counted(made)[["confirmed"]] == 19_960).all()
    assert made.queue_length()["waiting"].max() <= 1000
    rush_ends = 120
    outside = made.messages["created_at"].lt(rush_ends) & made.messages["sent_at"].gt(rush_ends)
    assert outside.sum() == pytest.approx(2000, rel=0.1)
    late = effects(made, "analysis")
    assert late["latency"].max() == pytest.approx(3000 / 100, rel=0.1)


def test_backpressure_whoever_drops_tells_nobody():
    made = run("backpressure", "channels.pictures.overflow=drop_head")
    assert only(made)["lost"] == 2065
    assert counted(made)["confirmed"] == 19_960  # the cameras believe that all is well
    assert made.copies["state"].value_counts()["expired"] == 2065
    assert effects(made, "analysis")["latency"].max() < 10.5


def test_backpressure_whoever_refuses_says_so():
    made = run("backpressure", "channels.pictures.overflow=reject_publish")
    assert counted(made)["rejected"] == only(made)["lost"] == 2137
    refused = made.messages[made.messages["status"] == "rejected"]
    assert refused["created_at"].between(60, 125).all()
    assert (refused["copies"] == 0).all()


def test_broker_failover_who_waits_for_all_is_told_of_nothing_that_can_go():
    made = run("broker_failover")
    assert told_in_vain(made).empty
    assert only(made)["exactly_once"] == only(made)["messages"] == 35_962
    quick = run("broker_failover", "producers.shop.publishing.acks=leader")
    gone = told_in_vain(quick)
    assert len(gone) == only(quick)["lost"] == 9
    assert (gone["partition"] % 3 == 0).all()  # those that the dead broker led
    assert gone["stored_at"].between(29.5, 30).all()


def test_broker_failover_nobody_is_served_until_the_failure_is_noticed():
    for change in ((), ("producers.shop.publishing.acks=leader",)):
        rows = run("broker_failover", *change).messages
        led = rows["partition"] % 3 == 0
        length, begin = longest_gap(rows["stored_at"][led])
        assert length == pytest.approx(10, abs=0.2)
        assert begin == pytest.approx(30, abs=0.2)
        # The window is full of requests to the dead one: the others wait as well.
        assert longest_gap(rows["stored_at"][~led])[0] > 2


def test_lossy_network_takes_sequence_numbers_to_be_exact():
    made = run("lossy_network")
    assert only(made)["exactly_once"] == only(made)["messages"] == 15_100
    assert counted(made)["confirmed"] == 15_100
    assert (made.messages["attempts"] > 1).sum() > 600
    assert only(made)["out_of_order"] == 0
    plain = run("lossy_network", "producers.sensors.publishing.idempotent=false")
    assert only(plain)["lost"] == 0
    assert only(plain)["duplicated"] == 312
    error = 4 * np.sqrt(0.02 * 0.98 / 15_100)
    assert only(plain)["duplicated"] / 15_100 == pytest.approx(0.02, abs=error)


def test_lossy_network_who_does_not_ask_again_does_not_know():
    once = "producers.sensors.publishing={idempotent: false, retry: none, request_timeout: 500ms}"
    rows = run("lossy_network", once).messages
    unknown = rows["status"] == "unknown"
    assert unknown.sum() == 618
    assert (unknown & (rows["copies"] == 0)).sum() == 316  # and the other half is there
    assert (rows["copies"][~unknown] == 1).all()


FLUSHED = "channels.payments.replication.flush=before_ack"


def test_power_loss_takes_half_a_minute_of_what_three_brokers_had_confirmed():
    made = run("power_loss")
    gone = told_in_vain(made)
    assert len(gone) == 2920
    assert gone["stored_at"].min() == pytest.approx(90, abs=0.1)
    assert gone["stored_at"].max() == pytest.approx(120, abs=0.1)
    assert only(made)["lost"] == 2304  # what the ledger had not read
    assert made.copies["state"].value_counts()["truncated"] == 2304
    flushed = run("power_loss", FLUSHED)
    assert told_in_vain(flushed).empty
    assert only(flushed)["exactly_once"] == only(flushed)["messages"] == 13_267


def test_power_loss_the_time_of_the_disk_is_the_price():
    def until_told(*changes):
        rows = run("power_loss", *changes).messages.query("created_at < 50")
        return (rows["confirmed_at"] - rows["created_at"]).mean()

    # The leader writes, and then the followers do.
    slow = until_told(FLUSHED, "channels.payments.replication.flush_time=5ms")
    assert slow - until_told(FLUSHED) == pytest.approx(0.010, abs=0.001)
    assert until_told() == until_told(FLUSHED) == pytest.approx(0.010, abs=0.001)


def test_unclean_election_is_availability_bought_with_promises():
    made = run("unclean_election")
    gone = told_in_vain(made)
    assert len(gone) == only(made)["lost"] == 2512
    assert gone["stored_at"].between(30, 80).all()
    length, begin = longest_gap(made.messages["stored_at"])
    assert (length, begin) == (pytest.approx(15, abs=2), pytest.approx(80, abs=0.1))
    for safe, outage, since in (
        ("unclean_leader_election=false", 60, 80),
        ("min_insync=2", 110, 30),
    ):
        made = run("unclean_election", f"channels.payments.replication.{safe}")
        assert told_in_vain(made).empty
        assert only(made)["exactly_once"] == only(made)["messages"] == 12_006
        length, begin = longest_gap(made.messages["confirmed_at"])
        assert (length, begin) == (pytest.approx(outage, abs=6), pytest.approx(since, abs=0.1))
