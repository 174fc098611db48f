"""Worlds about load: more of it than there are hands for, or in the wrong place."""

import numpy as np
import pytest

import eda_sim as es
from tests.worlds.known import effects, only, run


def test_flash_sale_the_queue_lasts_a_minute_longer_than_the_sale():
    """300 a second too many for a minute make 18,000; the last one waits 18,000 / 400 = 45 s."""
    made = run("flash_sale")
    length = made.queue_length()
    assert length["waiting"].max() == pytest.approx(18_000, rel=0.05)
    assert length["time"][length["waiting"].idxmax()] == pytest.approx(120, abs=2)
    late = effects(made, "checkout").query("latency > 1")
    assert late["finished_at"].max() == pytest.approx(180, abs=5)
    assert late["latency"].max() == pytest.approx(45, rel=0.05)
    enough = run("flash_sale", "consumers.checkout.instances=8")
    assert effects(enough, "checkout")["latency"].quantile(0.99) < 0.1


def test_hot_key_one_partition_is_too_slow_and_the_others_are_idle():
    made = run("hot_key")
    share = made.messages["key"].value_counts(normalize=True).iloc[0]
    assert share == pytest.approx(0.257, abs=0.01)
    waited = effects(made, "feed")
    partition = made.messages["partition"].to_numpy()[waited["message_id"]]
    latency = waited["latency"].groupby(partition).quantile(0.9)
    assert latency.max() > 60
    assert latency.sort_values().iloc[-2] < 1
    assert only(made)["utilization"] < 0.5
    more = run("hot_key", "consumers.feed.instances=24")
    assert only(more)["pending"] == only(made)["pending"] > 3000
    alike = run("hot_key", "producers.posts.key=uniform(n=1000)")
    assert only(alike)["latency_p99_s"] < 1
    assert "12 get none" in str(es.spec.remarks(more.scenario)[0])


def test_slow_consumer_a_large_prefetch_holds_messages_hostage():
    made = run("slow_consumer")
    assert only(made)["lost"] == only(made)["duplicated"] == 0
    slow = made.deliveries.query("instance == 0 and 60 <= acquired_at < 180")
    others = made.deliveries.query("instance != 0 and 60 <= acquired_at < 180")
    assert (slow["started_at"] - slow["received_at"]).quantile(0.9) > 20
    assert (others["started_at"] - others["received_at"]).quantile(0.9) < 1
    one = run("slow_consumer", "consumers.thumbnails.subscription.max_outstanding=1")
    assert only(one)["latency_p99_s"] < only(made)["latency_p99_s"] / 50


def test_fan_out_only_the_slow_one_falls_behind():
    made = run("fan_out")
    assert only(made, "billing")["latency_p99_s"] < 0.2
    assert only(made, "mail")["latency_p99_s"] < 0.5
    lag = made.lag().query("consumer == 'search'").set_index("time")["messages"]
    assert lag.iloc[-1] == pytest.approx(10 * 300, rel=0.15)
    assert only(made, "search")["utilization"] > 0.98
    alone = run("fan_out", "consumers.search.instances=4")
    for name in ("billing", "mail"):
        assert only(alone, name)["latency_p99_s"] == only(made, name)["latency_p99_s"]
    assert only(alone, "search")["pending"] < 200


def test_order_flow_the_mail_waits_for_the_slower_branch():
    def until_mail(made):
        mails = effects(made, "mail")
        began = made.messages["correlation_id"].to_numpy()[mails["message_id"]]
        return mails["finished_at"] - made.messages["created_at"].to_numpy()[began]

    made = run("order_flow")
    branches = sum(only(made, name)["latency_mean_s"] for name in ("payment", "packing", "mail"))
    assert until_mail(made).mean() == pytest.approx(branches, rel=0.1)
    more = run("order_flow", "consumers.packing.instances=12")
    assert until_mail(more).mean() == pytest.approx(until_mail(made).mean() / 2, rel=0.2)
    busiest = made.summary().set_index("consumer")["utilization"].idxmax()
    assert busiest == "packing"


def test_retry_storm_outlives_its_cause_above_half_the_capacity():
    """HotOS'21: stable below 150/s, metastable above, and stable at any rate without a retry."""

    def in_time(*changes):
        late = effects(run("retry_storm", *changes), "database")
        last = late[late["finished_at"] >= 160]
        return (last["latency"] < 1).mean()

    before = effects(run("retry_storm"), "database").query("finished_at < 30")
    assert (before["latency"] < 1).all()
    assert in_time() == 0
    assert in_time("producers.users.rate=140/s") == 1
    assert in_time("consumers.database.subscription.max_deliveries=1") == 1
    assert np.isclose(only(run("retry_storm"))["utilization"], 1, atol=0.1)
