"""Subscriptions as values: which settings go together, and how they are written."""

from __future__ import annotations

from typing import Any

import pytest

import eda_sim as es
from eda_sim.engine.plan import AT_ONCE, NONE, DeliveryCount, GivenUp, LeaseScope, make_plan
from eda_sim.spec import Scenario, ScenarioError, Subscription

ONE_SECOND = 1_000_000_000


def with_subscription(subscription: dict[str, Any], **consumer: Any) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "shop",
            "duration": "1min",
            "producers": {"web": {"to": "orders", "rate": "1/s"}},
            "channels": {"orders": {}, "dead": {}, "again": {}},
            "consumers": {
                "billing": {
                    "reads": "orders",
                    "service": "1s",
                    "subscription": subscription,
                    **consumer,
                }
            },
        }
    )


EVERYTHING = {
    "lease_scope": "delivery",
    "delivery": "pull",
    "fetch_max_messages": 10,
    "fetch_min_messages": 2,
    "fetch_max_wait": "20s",
    "poll_interval": "1s",
    "max_outstanding": 1000,
    "outstanding_scope": "subscription",
    "lease_timeout": "30s",
    "lease_renewal": {"interval": "10s", "limit": "12h"},
    "lease_ended_by": "client_sweep",
    "sweep_interval": "500ms",
    "on_disconnect": "hold",
    "late_acknowledgement": "refused",
    "redelivery": "linear(base=1s, cap=1min)",
    "nack_redelivery": "immediate",
    "delivery_count_on": ["nack", "reject"],
    "max_deliveries": 20,
    "on_reject": "requeue",
    "on_exhausted": "dead_letter",
    "dead_letter": "dead",
    "dead_letter_expired": True,
    "redrive": {"every": "1h", "rate": "500/s", "to": "again"},
    "priorities": 32,
}


def test_what_is_written_comes_back():
    scenario = with_subscription(EVERYTHING)
    text = es.dump(scenario)
    assert es.load(text) == scenario
    for word in ("12h", "500/s", "immediate", "[nack, reject]", "client_sweep"):
        assert word in text


def test_one_cause_may_be_written_without_a_list():
    scenario = with_subscription({"delivery_count_on": "reject", "max_deliveries": 3})
    assert scenario.consumers["billing"].subscription.delivery_count_on == ("reject",)
    assert "delivery_count_on: reject" in es.dump(scenario)


def test_defaults_are_those_of_an_ideal_queue():
    plain = Subscription()
    assert plain.is_queue
    assert plain.fetch_max_wait is None
    assert plain.late_acknowledgement == "honoured"
    assert plain.on_exhausted == "drop"
    row = make_plan(with_subscription({})).subscriptions
    for column in ("fetch_max_wait_ns", "lease_timeout_ns", "lease_backoff", "sweep_interval_ns"):
        assert getattr(row, column)[0] == NONE
    assert (row.redelivery[0], row.nack_redelivery[0]) == (AT_ONCE, AT_ONCE)
    assert (row.max_deliveries[0], row.priorities[0]) == (NONE, 1)
    assert row.delivery_count_on[0] == DeliveryCount.DELIVER


def test_some_defaults_follow_from_other_fields():
    assert Subscription(dead_letter="dead").on_exhausted == "dead_letter"
    closed = Subscription(lease_scope="connection", delivery="push")
    assert closed.late_acknowledgement == "refused"
    called = Subscription(delivery="endpoint", redelivery="none")
    assert called.late_acknowledgement == "refused"
    assert Subscription(lease_scope="partition").fetch_max_wait == 0.5


def test_a_subscription_is_lowered_to_numbers():
    row = make_plan(with_subscription(EVERYTHING)).subscriptions
    expected = {
        "lease_scope": LeaseScope.DELIVERY,
        "fetch_max_wait_ns": 20 * ONE_SECOND,
        "poll_interval_ns": ONE_SECOND,
        "outstanding_shared": 1,
        "lease_renewal_ns": 10 * ONE_SECOND,
        "lease_renewal_limit_ns": 12 * 3600 * ONE_SECOND,
        "sweep_interval_ns": ONE_SECOND // 2,
        "delivery_count_on": DeliveryCount.NACK | DeliveryCount.REJECT,
        "reject_requeues": 1,
        "given_up": GivenUp.DEAD_LETTER,
        "dead_letter": 1,
        "dead_letter_expired": 1,
        "redrive_at_ns": NONE,
        "redrive_every_ns": 3600 * ONE_SECOND,
        "redrive_interval_ns": ONE_SECOND // 500,
        "redrive_to": 2,
        "priorities": 32,
    }
    assert {name: int(getattr(row, name)[0]) for name in expected} == expected
    assert row.nack_redelivery[0] == AT_ONCE
    assert row.redelivery[0] >= 0


PARTITION = {"lease_scope": "partition"}
PUSH = {"delivery": "push"}
CONNECTION = {"lease_scope": "connection"}
ENDPOINT = {"delivery": "endpoint", "redelivery": "fixed(base=1s)"}
GROUP = {"lease_scope": "group"}


@pytest.mark.parametrize(
    ("subscription", "field", "words"),
    [
        ({**PARTITION, "delivery": "endpoint"}, "delivery", "needs lease_scope: delivery"),
        ({**PARTITION, "priorities": 2}, "priorities", "not with lease_scope: partition"),
        ({**PARTITION, "dead_letter": "dead"}, "dead_letter", "not with lease_scope: partition"),
        ({**PARTITION, "fetch_max_wait": 0}, "fetch_max_wait", "must be above 0s"),
        ({"rebalance_protocol": "eager"}, "rebalance_protocol", "only with lease_scope: partition"),
        ({**PUSH, "poll_interval": "1s"}, "poll_interval", "only with delivery: pull"),
        ({**ENDPOINT, "max_outstanding": 3}, "max_outstanding", "which calls at once"),
        ({"outstanding_scope": "subscription"}, "outstanding_scope", "only with max_outstanding"),
        (
            {"fetch_min_messages": 2, "fetch_max_wait": "1s"},
            "fetch_min_messages",
            "must not be above fetch_max_messages",
        ),
        (
            {"fetch_min_messages": 2, "fetch_max_messages": 2},
            "fetch_min_messages",
            "needs a fetch_max_wait",
        ),
        ({"poll_interval": "1s"}, "poll_interval", "only with fetch_max_wait"),
        ({"fetch_max_wait": 0}, "fetch_max_wait", "needs a poll_interval"),
        ({"lease_backoff": ["1s"], "lease_timeout": "1s"}, "lease_backoff", "is one too many"),
        (
            {"connection_timeout": "1s", "on_disconnect": "hold", "lease_timeout": "1s"},
            "connection_timeout",
            "only with on_disconnect: release",
        ),
        ({"lease_ended_by": "client_sweep"}, "lease_ended_by", "needs a lease_timeout and"),
        ({"sweep_interval": "1s"}, "sweep_interval", "only with lease_ended_by: client_sweep"),
        ({"lease_renewal": {"interval": "1s"}}, "lease_renewal", "needs a lease_timeout"),
        (
            {"lease_renewal": {"interval": "9s"}, "lease_timeout": "9s"},
            "lease_renewal",
            "longer than its interval",
        ),
        ({**GROUP, **ENDPOINT}, "delivery", "endpoint needs lease_scope: delivery"),
        (
            {**CONNECTION, "on_disconnect": "hold", "lease_timeout": "1s"},
            "on_disconnect",
            "not with lease_scope: conn",
        ),
        (
            {**CONNECTION, "late_acknowledgement": "honoured"},
            "late_acknowledgement",
            "it cannot arrive",
        ),
        (
            {**ENDPOINT, "late_acknowledgement": "honoured"},
            "late_acknowledgement",
            "it cannot arrive",
        ),
        ({"delivery": "endpoint"}, "redelivery", "must have delays or an end"),
        ({**GROUP, "requeue_position": "tail"}, "requeue_position", "which keeps the order"),
        ({**GROUP, "priorities": 3}, "priorities", "which keeps the order"),
        ({"priorities": 3, "requeue_position": "tail"}, "requeue_position", "there is no one end"),
        ({"priorities": 257}, "priorities", "must be an integer from 1 to 256"),
        ({"delivery_count_on": ["nack", "nack"]}, "delivery_count_on", "names something twice"),
        ({"delivery_count_on": ["deliver", "nack"]}, "delivery_count_on", "it stands alone"),
        ({"on_reject": "requeue"}, "on_reject", "needs max_deliveries"),
        (
            {"on_reject": "requeue", "max_deliveries": 3, "delivery_count_on": "nack"},
            "on_reject",
            "with rejections counted",
        ),
        ({"on_exhausted": "dead_letter"}, "on_exhausted", "needs a channel"),
        ({"on_exhausted": "park", "dead_letter": "dead"}, "dead_letter", "only with on_exhausted"),
        ({"dead_letter_expired": True}, "dead_letter_expired", "only with dead_letter"),
        ({"redrive": {"at": "1s"}}, "redrive", "only with dead_letter"),
        ({"dead_letter": "dead", "redrive": {}}, "redrive", "give either at or every"),
        ({"dead_letter": "deed"}, "dead_letter", "no channel 'deed'; did you mean 'dead'?"),
        (
            {"dead_letter": "dead", "redrive": {"at": "1s", "to": "agin"}},
            "redrive.to",
            "no channel 'agin'; did you mean 'again'?",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused_in_one_line(subscription, field, words):
    with pytest.raises(ScenarioError) as refused:
        with_subscription(subscription)
    text = str(refused.value)
    assert text.startswith(f"consumers.billing.subscription.{field}: ")
    assert words in text
    assert "\n" not in text


def test_automatic_settlement_has_no_window():
    with pytest.raises(ScenarioError, match="max_outstanding would bound nothing"):
        with_subscription({**PUSH, "max_outstanding": 5}, settle="auto")


def test_a_message_that_comes_back_for_ever_at_one_moment_is_refused():
    failing = {"error_probability": 1, "on_exhausted": "release", "service": "0s"}
    with pytest.raises(ScenarioError, match="comes back without end"):
        with_subscription({}, **failing)
    with_subscription({"max_deliveries": 3}, **failing)
    with_subscription({"redelivery": "fixed(base=1s)"}, **failing)
    with_subscription({}, **{**failing, "service": "1ms"})


def test_dead_letters_may_not_go_round():
    data = with_subscription({"dead_letter": "dead"}).model_dump(mode="json", exclude_defaults=True)
    data["consumers"]["undertaker"] = {
        "reads": "dead",
        "service": "1s",
        "subscription": {"dead_letter": "orders"},
    }
    with pytest.raises(
        ScenarioError, match=r"dead_letter: a cycle that never ends: billing -> dead"
    ):
        Scenario.model_validate(data)


def test_priorities_of_producers_are_whole_numbers():
    scenario = with_subscription({"priorities": 3}).replace(
        {"producers.web.priority": "empirical(values=[0, 2])"}
    )
    assert es.load(es.dump(scenario)) == scenario
    with pytest.raises(ScenarioError, match=r"producers.web.priority"):
        scenario.replace({"producers.web.priority": "2s"})
