"""The laws of queues hold on runs of many kinds, and each can be broken."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from eda_sim.engine import execute as module
from eda_sim.engine.laws import check_laws
from eda_sim.engine.trace import NEVER, CopyState, LeaseEnd, Trace
from tests.engine.breaking import Broken, broken_by, first, runs_of
from tests.traces import tampered

BASE = {
    "name": "laws",
    "seed": 3,
    "duration": "20s",
    "sample_every": "1s",
    "producers": {"source": {"to": "queue", "rate": "30/s", "key": "uniform(n=6)"}},
    "channels": {"queue": {}, "dead": {}},
    "consumers": {
        "server": {
            "reads": "queue",
            "service": "exponential(100ms)",
            "instances": 4,
            "error_probability": 0.3,
            "on_exhausted": "release",
            "link": {"latency": "2ms"},
            "subscription": {"max_deliveries": 3, "dead_letter": "dead", "lease_timeout": "400ms"},
        },
        "undertaker": {"reads": "dead", "service": "10ms"},
    },
}
SUBSCRIPTION = "consumers.server.subscription"
KINDS = {
    "plain": {},
    "delayed": {f"{SUBSCRIPTION}.redelivery": "exponential(base=100ms, jitter=full)"},
    "rejecting": {
        "consumers.server.on_exhausted": "reject",
        f"{SUBSCRIPTION}.on_reject": "requeue",
        f"{SUBSCRIPTION}.delivery_count_on": ["reject", "timeout"],
    },
    "push": {f"{SUBSCRIPTION}.delivery": "push", f"{SUBSCRIPTION}.max_outstanding": 5},
    "window": {
        f"{SUBSCRIPTION}.max_outstanding": 3,
        f"{SUBSCRIPTION}.outstanding_scope": "subscription",
    },
    "groups": {
        f"{SUBSCRIPTION}.lease_scope": "group",
        f"{SUBSCRIPTION}.fetch_max_messages": 3,
    },
    "priorities": {
        "producers.source.priority": "empirical(values=[0, 1, 2])",
        f"{SUBSCRIPTION}.priorities": 3,
    },
    "swept": {
        f"{SUBSCRIPTION}.lease_ended_by": "client_sweep",
        f"{SUBSCRIPTION}.sweep_interval": "50ms",
        f"{SUBSCRIPTION}.late_acknowledgement": "refused",
    },
    "renewed": {f"{SUBSCRIPTION}.lease_renewal": {"interval": "100ms", "limit": "600ms"}},
    "endpoint": {
        f"{SUBSCRIPTION}.delivery": "endpoint",
        f"{SUBSCRIPTION}.redelivery": "phased(phases=[phase(2, 0s), phase(3, 100ms, 1s)])",
        "faults": [{"crash": "server", "at": "10s", "lasts": "2s"}],
    },
    "redriven": {f"{SUBSCRIPTION}.redrive": {"every": "3s", "rate": "20/s"}},
    "automatic": {
        "consumers.server.settle": "auto",
        "consumers.server.on_exhausted": "reject",
        f"{SUBSCRIPTION}.fetch_max_messages": 5,
        "faults": [{"crash": "server/1", "at": "10s", "lasts": "2s"}],
    },
}


run = runs_of(BASE, KINDS)


@pytest.mark.rule("L8")
@pytest.mark.parametrize("kind", KINDS)
def test_every_law_holds_on_a_real_run(kind):
    trace, scenario = run(kind)
    check_laws(trace, scenario)
    assert len(trace.deliveries["attempt"]) > 400
    if kind != "automatic":
        assert (trace.deliveries["attempt"] > 1).any()


def ended(t: Trace, end: LeaseEnd) -> np.ndarray:
    return (t.deliveries["lease_end"] == end) & (t.deliveries["consumer"] == 0)


def an_end_without_a_cause(t: Trace) -> Broken:
    return "deliveries", "lease_end", first(ended(t, LeaseEnd.ACKNOWLEDGED)), LeaseEnd.NONE


def a_lease_that_goes_on_after_the_settlement(t: Trace) -> Broken:
    row = first(ended(t, LeaseEnd.ACKNOWLEDGED))
    return "deliveries", "lease_ended_at", row, int(t.deliveries["lease_ended_at"][row]) + 1


def back_without_a_cause(t: Trace) -> Broken:
    row = first(ended(t, LeaseEnd.ACKNOWLEDGED))
    return "deliveries", "available_again_at", row, int(t.deliveries["lease_ended_at"][row])


def back_earlier_than_it_said(t: Trace) -> Broken:
    row = first(ended(t, LeaseEnd.RELEASED) & (t.deliveries["available_again_at"] != NEVER))
    return "deliveries", "available_again_at", row, int(t.deliveries["lease_ended_at"][row])


def another_end_than_it_counted(t: Trace) -> Broken:
    # Given up after three: if the last of them was settled otherwise, two would be enough.
    given_up = first(t.copies["state"] == CopyState.DEAD_LETTERED)
    last = (t.deliveries["copy_id"] == t.copies["copy_id"][given_up]) & (
        t.deliveries["attempt"] == t.copies["deliveries"][given_up]
    )
    return "deliveries", "lease_end", first(last), LeaseEnd.RELEASED


def a_letter_from_a_copy_that_is_still_there(t: Trace) -> Broken:
    letter = first(t.copies["source_copy"] != NEVER)
    other = first(t.copies["state"] == CopyState.ACKNOWLEDGED)
    assert t.copies["copy_id"][other] < t.copies["copy_id"][letter]
    return "copies", "source_copy", letter, int(t.copies["copy_id"][other])


def scheduled_longer_in_the_series(t: Trace) -> Broken:
    row = first((t.series["consumer"] == 0) & (t.series["scheduled"] > 0))
    return "series", "scheduled", row, int(t.series["scheduled"][row]) - 1


BREAKS: list[tuple[str, str, Callable[[Trace], Broken]]] = [
    ("leases_end_once", "plain", an_end_without_a_cause),
    ("leases_end_once", "plain", a_lease_that_goes_on_after_the_settlement),
    ("copies_come_back_when_they_may", "plain", back_without_a_cause),
    ("copies_come_back_when_they_may", "delayed", back_earlier_than_it_said),
    ("limits_respected", "rejecting", another_end_than_it_counted),
    ("moved_copies_have_a_source", "plain", a_letter_from_a_copy_that_is_still_there),
    ("series_agree_with_the_tables", "delayed", scheduled_longer_in_the_series),
]


@pytest.mark.parametrize(("law", "kind", "change"), BREAKS)
def test_a_changed_number_breaks_the_law(law, kind, change):
    trace, scenario = run(kind)
    assert broken_by(tampered(trace, *change(trace)), scenario) == law


@pytest.mark.parametrize(
    ("law", "kind", "promise"),
    [
        # What was not promised was not kept.
        ("windows_respected", "push", {f"{SUBSCRIPTION}.max_outstanding": 4}),
        ("windows_respected", "window", {f"{SUBSCRIPTION}.max_outstanding": 2}),
        (
            "windows_respected",
            "plain",
            {
                f"{SUBSCRIPTION}.max_outstanding": 3,
                f"{SUBSCRIPTION}.outstanding_scope": "subscription",
            },
        ),
        ("limits_respected", "plain", {f"{SUBSCRIPTION}.max_deliveries": 2}),
        ("limits_respected", "plain", {f"{SUBSCRIPTION}.max_deliveries": 4}),
        ("groups_in_order", "plain", {f"{SUBSCRIPTION}.lease_scope": "group"}),
        ("priorities_respected", "priorities", {f"{SUBSCRIPTION}.priorities": 1}),
    ],
)
def test_a_run_without_the_setting_breaks_its_law(law, kind, promise):
    trace, scenario = run(kind)
    if law == "priorities_respected":  # the other way round: run without, promise with
        plain = scenario.replace(promise)
        trace = module.execute(plain)
    else:
        scenario = scenario.replace(promise)
    assert broken_by(trace, scenario) == law
