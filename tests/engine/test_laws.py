"""Every law holds on real runs of many kinds, and every law can be broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import eda_sim as es
from eda_sim.engine import execute as module
from eda_sim.engine.laws import LAWS, LawViolation, check_laws
from eda_sim.engine.trace import NEVER, CopyState, MessageStatus, Outcome, Trace
from tests.engine.breaking import Broken, first, runs_of
from tests.traces import tampered, without_rows

Table = dict[str, np.ndarray]

QUEUE = {
    "name": "queue",
    "duration": "5s",
    "sample_every": "500ms",
    "producers": {"clients": {"to": "jobs", "rate": "80/s", "key": "uniform(n=5)"}},
    "channels": {"jobs": {"partitions": 3}},
    "consumers": {
        "workers": {
            "reads": "jobs",
            "instances": 2,
            "concurrency": 2,
            "service": "exponential(30ms)",
            "link": {"latency": "1ms"},
        }
    },
    "faults": [{"crash": "workers/0", "at": "2s", "lasts": "500ms"}],
}
KINDS = {
    "queue": {},
    "saturated": {"producers.clients.rate": "300/s"},
    "at_most_once": {"consumers.workers.settle": "before"},
    "dedup": {"consumers.workers.dedup": {"window": "1min"}},
    "hold": {
        "consumers.workers.subscription": {"lease_timeout": "700ms", "on_disconnect": "hold"},
    },
    "impatient": {
        "consumers.workers.subscription": {"lease_timeout": "40ms"},
        "consumers.workers.dedup": {"window": "1min", "lookup": "1ms", "scope": "instance"},
    },
    "refused": {
        "consumers.workers.subscription": {
            "lease_timeout": "40ms",
            "late_acknowledgement": "refused",
        }
    },
    "push": {
        "producers.clients.rate": "150/s",
        "consumers.workers.subscription": {"delivery": "push", "max_outstanding": 4},
    },
    "log": {
        "consumers.workers.subscription": {
            "lease_scope": "partition",
            "lease_timeout": "600ms",
            "heartbeat_interval": "100ms",
        }
    },
    "log_at_most_once": {
        "consumers.workers.settle": "before",
        "consumers.workers.subscription": {
            "lease_scope": "partition",
            "lease_timeout": "600ms",
            "heartbeat_interval": "100ms",
        },
    },
    "quiet_log": {
        "faults": [],
        "consumers.workers.subscription": {"lease_scope": "partition", "fetch_max_messages": 7},
    },
    "drained": {"drain": True, "faults.0.lasts": "1s"},
}


run = runs_of(QUEUE, KINDS)


@pytest.mark.rule("L1", "L2", "L3", "L4")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_every_law_holds_on_a_real_run(kind, seed):
    _, scenario = run(kind)
    trace = module.execute(scenario, seed=seed)
    check_laws(trace, scenario)
    assert len(trace.deliveries["attempt"]) > 100


def last(mask: np.ndarray) -> int:
    return int(np.flatnonzero(mask)[-1])


def done(t: Trace) -> np.ndarray:
    return (t.deliveries["outcome"] == Outcome.OK) & (t.deliveries["settled_at"] != NEVER)


def no_such_worker(t: Trace) -> Broken:
    return "deliveries", "worker", first(done(t)), 2


def no_such_status(t: Trace) -> Broken:
    return "messages", "status", 0, len(MessageStatus)


def after_the_end(t: Trace) -> Broken:
    return "copies", "settled_at", 0, t.ended_at_ns + 1


def handed_over_too_early_in_the_table(t: Trace) -> Broken:
    return "deliveries", "acquired_at", 50, int(t.deliveries["acquired_at"][49]) - 1


def copies_out_of_order(t: Trace) -> Broken:
    return "copies", "copy_id", 5, 3


def effect_before_the_start(t: Trace) -> Broken:
    row = first(done(t))
    return "deliveries", "finished_at", row, int(t.deliveries["started_at"][row]) - 1


def effect_without_a_handler(t: Trace) -> Broken:
    crashed = t.deliveries["outcome"] == Outcome.CRASHED
    unstarted = crashed & (t.deliveries["started_at"] == NEVER)
    row = first(unstarted if unstarted.any() else crashed)
    return "deliveries", "effect", row, 1


def stored_before_created(t: Trace) -> Broken:
    return "messages", "created_at", 0, int(t.messages["stored_at"][0]) + 1


def available_before_committed(t: Trace) -> Broken:
    return "deliveries", "available_at", 0, int(t.deliveries["available_at"][0]) - 1


def a_copy_too_many(t: Trace) -> Broken:
    return "messages", "copies", 3, 2


def final_and_not_settled(t: Trace) -> Broken:
    return "copies", "settled_at", first(t.copies["state"] == CopyState.ACKNOWLEDGED), NEVER


def open_and_settled(t: Trace) -> Broken:
    row = first(t.copies["state"] == CopyState.ACKNOWLEDGED)
    return "copies", "state", row, CopyState.AVAILABLE


def a_gap_in_the_offsets(t: Trace) -> Broken:
    row = len(t.copies["offset"]) - 1
    return "copies", "offset", row, int(t.copies["offset"][row]) + 1


def a_delivery_not_counted(t: Trace) -> Broken:
    return "copies", "deliveries", first(t.copies["deliveries"] == 1), 2


def a_delivery_of_another_message(t: Trace) -> Broken:
    return "deliveries", "message_id", 3, int(t.deliveries["message_id"][3]) - 1


def settled_at_another_time(t: Trace) -> Broken:
    row = first(t.copies["state"] == CopyState.ACKNOWLEDGED)
    return "copies", "settled_at", row, int(t.copies["settled_at"][row]) + 1


def a_first_attempt_numbered_two(t: Trace) -> Broken:
    return "deliveries", "attempt", first(done(t)), 2


def available_again_too_early(t: Trace) -> Broken:
    row = first(t.deliveries["attempt"] == 2)
    copy = t.deliveries["copy_id"][row]
    before = first((t.deliveries["copy_id"] == copy) & (t.deliveries["attempt"] == 1))
    return "deliveries", "available_at", row, int(t.deliveries["acquired_at"][before]) - 1


def two_at_once(t: Trace) -> Broken:
    d = t.deliveries
    # Any other worker's delivery that began while worker 0 of instance 1 was busy.
    own = (d["instance"] == 1) & (d["worker"] == 0) & done(t)
    for row in np.flatnonzero(own):
        other = (d["instance"] == 1) & (d["worker"] == 1) & done(t)
        overlaps = (d["started_at"] > d["started_at"][row]) & (
            d["started_at"] < d["finished_at"][row]
        )
        if (other & overlaps).any():
            return "deliveries", "worker", first(other & overlaps), 0
    raise AssertionError("no two workers overlap")


def ran_while_down(t: Trace) -> Broken:
    begin, over = t.faults["started_at"][0], t.faults["ended_at"][0]
    d = t.deliveries
    inside = (d["started_at"] > begin) & (d["finished_at"] < over) & (d["worker"] == 0) & done(t)
    return "deliveries", "instance", first(inside), 0


def crashed_without_a_crash(t: Trace) -> Broken:
    return "deliveries", "outcome", first(t.deliveries["outcome"] == Outcome.SKIPPED), 3


def an_effect_less(t: Trace) -> Broken:
    return "deliveries", "effect", first(done(t)), 0


def skipped_without_dedup(t: Trace) -> Broken:
    return "deliveries", "outcome", first(done(t)), Outcome.SKIPPED


def one_more_in_the_series(t: Trace) -> Broken:
    return "series", "acquired", 3, int(t.series["acquired"][3]) + 1


def one_more_busy(t: Trace) -> Broken:
    return "series", "busy", 3, int(t.series["busy"][3]) + 1


def one_less_up(t: Trace) -> Broken:
    return "series", "up", 0, 1


BREAKS: list[tuple[str, str, Callable[[Trace], Broken]]] = [
    ("codes_and_times_exist", "queue", no_such_worker),
    ("codes_and_times_exist", "queue", no_such_status),
    ("codes_and_times_exist", "queue", after_the_end),
    ("rows_in_order", "queue", handed_over_too_early_in_the_table),
    ("rows_in_order", "queue", copies_out_of_order),
    ("times_in_order", "queue", effect_before_the_start),
    ("times_in_order", "push", effect_without_a_handler),
    ("times_in_order", "queue", stored_before_created),
    ("times_in_order", "queue", available_before_committed),
    ("copies_conserved", "queue", a_copy_too_many),
    ("copies_conserved", "log", final_and_not_settled),
    ("copies_conserved", "queue", open_and_settled),
    ("copies_conserved", "quiet_log", a_gap_in_the_offsets),
    ("deliveries_match_copies", "queue", a_delivery_not_counted),
    ("deliveries_match_copies", "drained", a_delivery_of_another_message),
    ("deliveries_match_copies", "queue", settled_at_another_time),
    ("attempts_in_order", "queue", a_first_attempt_numbered_two),
    ("attempts_in_order", "saturated", available_again_too_early),
    ("one_handler_per_worker", "queue", two_at_once),
    ("nothing_while_down", "saturated", ran_while_down),
    ("crashes_have_a_cause", "impatient", crashed_without_a_crash),
    ("settle_after_never_loses", "queue", an_effect_less),
    ("dedup_skips_and_nothing_else_does", "at_most_once", skipped_without_dedup),
    ("series_agree_with_the_tables", "queue", one_more_in_the_series),
    ("series_agree_with_the_tables", "log", one_more_busy),
    ("series_agree_with_the_tables", "push", one_less_up),
]


@pytest.mark.rule("L1", "L2", "L3", "L4")
@pytest.mark.parametrize(("law", "kind", "change"), BREAKS)
def test_a_changed_number_breaks_the_law(law, kind, change):
    trace, scenario = run(kind)
    with pytest.raises(LawViolation) as caught:
        check_laws(tampered(trace, *change(trace)), scenario)
    assert caught.value.law == law
    assert f"row {caught.value.rows[0]}:" in str(caught.value)


def with_columns(trace: Trace, table: str, **columns: np.ndarray) -> Trace:
    for column, values in columns.items():
        for row in np.flatnonzero(values != getattr(trace, table)[column]):
            trace = tampered(trace, table, column, int(row), int(values[row]))
    return trace


def test_a_partition_out_of_order_is_caught():
    trace, scenario = run("quiet_log")
    d = {name: values.copy() for name, values in trace.deliveries.items()}
    one = np.flatnonzero((d["instance"] == 0) & (d["worker"] == 0) & done(trace))
    # Two neighbours that came with the same fetch trade their time with the worker.
    place = first(d["received_at"][one][1:] == d["received_at"][one][:-1])
    rows = one[[place, place + 1]]
    for column in ("started_at", "finished_at"):
        d[column][rows] = d[column][rows[::-1]]
    changed = with_columns(trace, "deliveries", **d)
    with pytest.raises(LawViolation, match="partitions_in_order"):
        check_laws(changed, scenario)
    # With a fault, or with leases on deliveries, that order is not promised.
    relaxed = scenario.replace({"consumers.workers.subscription": {}})
    check_laws(changed, relaxed)


def test_a_producer_that_overtakes_itself_is_caught():
    trace, scenario = run("quiet_log")
    sent = trace.messages
    same = (sent["partition"] == sent["partition"][10]) & (np.arange(sent["key"].size) > 10)
    later = first(same)
    created = sent["created_at"].copy()
    # The two copies trade messages: everything else stays consistent.
    copies = trace.copies["message_id"].copy()
    deliveries = trace.deliveries["message_id"].copy()
    for ids in (copies, deliveries):
        one, two = ids == 10, ids == later
        ids[one], ids[two] = later, 10
    times = {}
    for column in ("stored_at", "committed_at", "confirmed_at"):
        values = sent[column].copy()
        values[[10, later]] = values[[later, 10]]
        times[column] = values
    created[later] = created[10]
    created[10:later] = created[10]
    changed = with_columns(trace, "messages", created_at=created, **times)
    changed = with_columns(changed, "copies", message_id=copies)
    changed = with_columns(changed, "deliveries", message_id=deliveries)
    with pytest.raises(LawViolation, match="producers_keep_their_order"):
        check_laws(changed, scenario)


def test_more_than_the_prefetch_is_caught():
    trace, scenario = run("push")
    check_laws(trace, scenario)
    tighter = scenario.replace({"consumers.workers.subscription.max_outstanding": 3})
    with pytest.raises(LawViolation, match=r"windows_respected.*\nmore than 3 outstanding"):
        check_laws(trace, tighter)


def test_a_duplicate_by_a_crash_is_caught_if_work_was_settled_before():
    _, scenario = run("log")
    for seed in range(50):
        trace = module.execute(scenario, seed=seed)
        effects = np.bincount(trace.deliveries["copy_id"], weights=trace.deliveries["effect"])
        if (effects > 1).any():
            break
    with pytest.raises(LawViolation, match="settle_before_never_duplicates"):
        check_laws(trace, scenario.replace({"consumers.workers.settle": "before"}))


def test_a_loss_by_a_crash_is_caught_if_work_was_settled_after():
    trace, scenario = run("at_most_once")
    with pytest.raises(LawViolation, match="settle_after_never_loses"):
        check_laws(trace, scenario.replace({"consumers.workers.settle": "after"}))


def test_little_catches_a_copy_that_was_available_later_than_stored():
    trace, scenario = run("saturated")
    d = trace.deliveries
    waited = (d["attempt"] == 1) & (d["acquired_at"] > d["available_at"])
    row = first(waited)
    changed = tampered(trace, "deliveries", "available_at", row, int(d["acquired_at"][row]))
    with pytest.raises(LawViolation, match="littles_law"):
        check_laws(changed, scenario)


def test_a_missing_delivery_is_caught():
    trace, scenario = run("queue")
    row = last(done(trace))
    with pytest.raises(LawViolation, match="deliveries_match_copies"):
        check_laws(without_rows(trace, "deliveries", [row]), scenario)


def test_every_law_is_broken_by_some_test():
    files = Path(__file__).parent.rglob("test_*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    assert [law.__name__ for law in LAWS if f'"{law.__name__}' not in text] == []


def test_every_run_of_a_test_is_checked(monkeypatch):
    from eda_sim.engine.reference import simulation

    honest = simulation.simulate

    def lies(plan, **options):
        trace = honest(plan, **options)
        return tampered(trace, "deliveries", "effect", first(done(trace)), 0)

    monkeypatch.setattr(simulation, "simulate", lies)
    scenario = es.Scenario.model_validate(QUEUE)
    with pytest.raises(LawViolation, match="settle_after_never_loses"):
        es.run(scenario)
    with pytest.raises(LawViolation):
        module.execute(scenario)
