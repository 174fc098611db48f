"""Worlds about failures: what is lost, what comes twice, and what it takes that nothing does."""

import math

import pytest

from tests.worlds.known import effects, only, run


def test_visibility_timeout_too_short_makes_five_in_a_hundred_twice():
    """P(service > 30 s) = exp(-30/10) for an exponential service time of 10 s on average."""
    made = only(run("visibility_timeout"))
    expected = math.exp(-3)
    error = 4 * math.sqrt(expected * (1 - expected) / made["messages"])
    assert made["duplicated"] / made["messages"] == pytest.approx(expected, abs=error)
    assert made["lost"] == made["pending"] == 0
    for cure in ("lease_timeout=2min", "lease_renewal={interval: 10s}"):
        assert (
            only(run("visibility_timeout", f"consumers.reports.subscription.{cure}"))["duplicated"]
            <= 1
        )


def test_poison_four_bad_messages_stop_four_workers():
    made = run("poison")
    assert effects(made, "import")["finished_at"].max() < 60
    assert only(made, "import")["pending"] > 5000
    assert only(made, "import")["utilization"] > 0.98
    aside = run("poison", "consumers.import.subscription.dead_letter=graveyard")
    states = aside.copies.query("consumer == 'import'")["state"].value_counts()
    assert states["dead_lettered"] == pytest.approx(0.01 * len(aside.messages), rel=0.4)
    assert (
        only(aside, "import")["exactly_once"] + states["dead_lettered"] > len(aside.messages) - 20
    )
    assert only(aside, "import")["latency_p99_s"] < 2
    attempts = aside.deliveries.query("consumer == 'import'").groupby("message_id").size()
    assert attempts.max() == 10
    looked_at = aside.deliveries.query("consumer == 'support' and effect == 1")
    assert 0 < len(looked_at) <= states["dead_lettered"]


def test_duplicate_charge_takes_a_transaction_to_prevent():
    made = run("duplicate_charge")
    assert 20 < only(made)["duplicated"] < 200
    without = run("duplicate_charge", "consumers.payments.dedup=null")
    assert only(without)["duplicated"] == only(made)["duplicated"]
    one = run("duplicate_charge", "consumers.payments.dedup.transactional=true")
    assert only(one)["duplicated"] == 0
    assert only(one)["exactly_once"] == only(one)["messages"]
    assert only(one)["redeliveries"] == only(made)["redeliveries"] > 0


def test_auto_commit_loss_is_librdkafka_s_and_not_java_s():
    made = only(run("auto_commit_loss"))
    assert made["lost"] > 50
    java = only(run("auto_commit_loss", "channels.orders.broker=kafka"))
    assert java["lost"] == 0
    assert java["duplicated"] > 100


def test_redrive_brings_every_message_of_the_bad_release_back():
    made = run("redrive")
    assert only(made)["exactly_once"] == only(made)["messages"]
    assert made.copies["state"].value_counts()["dead_lettered"] == pytest.approx(3000, rel=0.1)
    saved = effects(made, "invoices").query("latency > 60")
    assert saved["finished_at"].between(600, 600 + 3100 / 50 + 5).all()
    lying = only(run("redrive", "consumers.invoices.subscription.redrive=null"))
    assert lying["lost"] == len(saved)


def test_rebalance_storm_stops_everybody_with_the_classic_protocol_only():
    def late(*changes):
        return (effects(run("rebalance_storm", *changes), "billing")["latency"] > 1).mean()

    assert late() > 0.6
    assert late("channels.orders.broker=kafka_kip848") < 0.35


def test_crash_loses_nothing_when_work_is_acknowledged_after_it_is_done():
    made = only(run("crash"))
    assert made["lost"] == made["pending"] == 0
    assert made["redeliveries"] > 0
    before = only(run("crash", "consumers.workers.settle=before"))
    assert before["lost"] > 0
    assert before["duplicated"] == 0
