"""Every statistic agrees with its naive loop version on generated traces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_sim.analysis.guarantee import guarantee
from eda_sim.analysis.lag import lag, lag_steps, queue_length
from eda_sim.analysis.latency import latency
from eda_sim.analysis.little import littles_law
from eda_sim.analysis.recovery import recovery
from eda_sim.analysis.staleness import staleness
from eda_sim.analysis.summary import publishing, summary
from eda_sim.analysis.throughput import throughput
from eda_sim.analysis.utilization import utilization
from tests import naive
from tests.traces import HORIZON_TICKS, READS, TICK_NS, tables_of, traces

WARMUPS = st.sampled_from([0.0, 1.0, 2.05])
SOME_TIMES = np.arange(0, HORIZON_TICKS, 5) * TICK_NS / 1e9
quick = settings(max_examples=40, deadline=None)


@pytest.mark.rule("R9")
@quick
@given(traces(), WARMUPS)
def test_latency_and_waiting(trace, warmup):
    tables = tables_of(trace, warmup=warmup)
    took, waited = latency(tables), latency(tables, what="waiting")
    service = latency(tables, what="service")
    for consumer in READS:
        assert took.of(consumer).tolist() == pytest.approx(naive.latencies(trace, consumer, warmup))
        assert waited.of(consumer).tolist() == pytest.approx(
            naive.waitings(trace, consumer, warmup)
        )
        assert waited.of(consumer) + service.of(consumer) == pytest.approx(took.of(consumer))


@quick
@given(traces(), st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_quantiles_and_ecdf(trace, probabilities):
    took = latency(tables_of(trace))
    table = took.quantile(probabilities)
    curve = took.ecdf()
    for consumer in READS:
        values = took.of(consumer).tolist()
        got = table.loc[table["consumer"] == consumer, "value"].tolist()
        want = [naive.quantile(values, p) for p in probabilities]
        assert got == pytest.approx(want, nan_ok=True)
        own = curve[curve["consumer"] == consumer]
        assert len(own) == len(values)
        last_of_ties = own.drop_duplicates("seconds", keep="last")
        for seconds, share in zip(last_of_ties["seconds"], last_of_ties["share"], strict=True):
            assert share == pytest.approx(naive.share_at_or_below(values, seconds))


@quick
@given(traces(), WARMUPS)
def test_guarantee(trace, warmup):
    table = guarantee(tables_of(trace, warmup=warmup)).set_index("consumer")
    for consumer in READS:
        want = naive.guarantee(trace, consumer, warmup)
        assert table.loc[consumer, list(want)].to_dict() == want
        parts = ["exactly_once", "duplicated", "lost", "pending"]
        assert table.loc[consumer, parts].sum() == table.loc[consumer, "messages"]


@quick
@given(traces())
def test_lag_at_any_time_and_as_steps(trace):
    tables = tables_of(trace)
    exact = lag(tables, times=SOME_TIMES)
    steps = lag_steps(tables)
    for row in exact.itertuples():
        count, age = naive.lag_at(trace, row.consumer, row.channel, row.time)
        assert (row.messages, row.seconds) == (count, pytest.approx(age))
    for row in steps.itertuples():
        assert row.messages == naive.lag_at(trace, row.consumer, row.channel, row.time)[0]


@quick
@given(traces())
def test_queue_length(trace):
    for row in queue_length(tables_of(trace), times=SOME_TIMES).itertuples():
        assert row.waiting == naive.waiting_at(trace, row.consumer, row.time)
        assert row.in_service == naive.in_service_at(trace, row.consumer, row.time)


@quick
@given(traces(), st.booleans())
def test_staleness(trace, forget_lost):
    table = staleness(tables_of(trace), times=SOME_TIMES, forget_lost=forget_lost)
    for row in table.itertuples():
        want = naive.staleness_at(trace, row.consumer, row.time, forget_lost=forget_lost)
        assert row.staleness_s == pytest.approx(want)


@quick
@given(traces(), st.sampled_from([0.5, 0.7, 6.0, 100.0]))
def test_throughput(trace, window):
    tables = tables_of(trace)
    for row in throughput(tables, window=window).itertuples():
        bounds = (row.start, row.end)
        last = row.end == tables.ended_at
        own = naive.own_rows(trace, "deliveries", row.consumer)
        created = [m["created_at"] for _, m in naive.expected(trace, row.consumer)]
        effects = [r["finished_at"] for r in own if r["effect"]]
        first = [
            naive.effects_of(trace, row.consumer, i)[:1]
            for i, _ in naive.expected(trace, row.consumer)
        ]
        goodput = [r["finished_at"] for found in first for r in found]
        assert row.created_per_s == pytest.approx(naive.rate(created, *bounds, last=last))
        assert row.effects_per_s == pytest.approx(naive.rate(effects, *bounds, last=last))
        assert row.goodput_per_s == pytest.approx(naive.rate(goodput, *bounds, last=last))
        handed = [r["acquired_at"] for r in own]
        assert row.delivered_per_s == pytest.approx(naive.rate(handed, *bounds, last=last))


@quick
@given(traces(), WARMUPS)
def test_utilization_by_instance_and_by_consumer(trace, warmup):
    tables = tables_of(trace, warmup=warmup)
    per_instance = utilization(tables, by="instance")
    tick = TICK_NS / 1e9
    middles = (np.arange(HORIZON_TICKS * 2) + 0.5) * tick / 2  # half ticks: 2.05 s is on one
    for row in per_instance.itertuples():
        busy = naive.busy_s(trace, row.consumer, row.instance, warmup, tables.ended_at)
        up = sum(
            not naive.is_down(trace, row.consumer, row.instance, t) for t in middles if t > warmup
        )
        assert row.busy_s == pytest.approx(busy)
        assert row.up_s == pytest.approx(row.workers * up * tick / 2)
    whole = utilization(tables).set_index("consumer")
    sums = per_instance.groupby("consumer")[["busy_s", "up_s"]].sum()
    for consumer in READS:
        assert whole.loc[consumer, "busy_s"] == pytest.approx(sums.loc[consumer, "busy_s"])
        share = sums.loc[consumer, "busy_s"] / sums.loc[consumer, "up_s"]
        if sums.loc[consumer, "up_s"] > 0:
            assert whole.loc[consumer, "utilization"] == pytest.approx(share)


@quick
@given(traces(), WARMUPS)
def test_littles_law_holds_for_every_station(trace, warmup):
    tables = tables_of(trace, warmup=warmup)
    table = littles_law(tables)
    assert table["rate_times_time"].to_numpy() == pytest.approx(table["number"].to_numpy())
    service = table[table["station"] == "service"].set_index("consumer")
    for consumer in READS:
        total = sum(naive.busy_s(trace, consumer, i, warmup, tables.ended_at) for i in (0, 1))
        mean = total / (tables.ended_at - warmup)
        assert service.loc[consumer, "number"] == pytest.approx(mean)


@quick
@given(traces())
def test_recovery(trace):
    table = recovery(tables_of(trace))
    faults = {row["fault"]: row for row in naive.rows_of(trace, "faults")}
    for row in table.to_dict("records"):
        want = naive.recovery(trace, faults[row["fault"]], row["target"], row["channel"])
        assert {name: row[name] for name in want} == pytest.approx(want, nan_ok=True)
    channels = [
        (n, channel)
        for n, fault in faults.items()
        for channel in READS[trace.names.targets[fault["target"]]]
    ]
    assert sorted(zip(table["fault"], table["channel"], strict=True)) == sorted(channels)


@quick
@given(traces(), WARMUPS)
def test_summary_and_publishing_count_what_is_there(trace, warmup):
    tables = tables_of(trace, warmup=warmup)
    table = summary(tables).set_index("consumer")
    for consumer in READS:
        own = naive.own_rows(trace, "deliveries", consumer)
        values = naive.latencies(trace, consumer, warmup)
        seen = {i for i, _ in naive.expected(trace, consumer, warmup)}
        own = [row for row in own if row["message_id"] in seen]
        assert table.loc[consumer, "deliveries"] == len(own)
        assert table.loc[consumer, "redeliveries"] == sum(r["attempt"] > 1 for r in own)
        for name, probability in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            want = naive.quantile(values, probability)
            assert table.loc[consumer, f"latency_{name}_s"] == pytest.approx(want, nan_ok=True)
        if values:
            assert table.loc[consumer, "latency_max_s"] == pytest.approx(max(values))
    messages = naive.rows_of(trace, "messages")
    after = [m for m in messages if m["created_at"] / naive.SECOND >= warmup]
    out = publishing(tables)
    if after:
        assert out["messages"].sum() == len(after)
        assert out["extra_copies"].sum() == sum(max(m["copies"] - 1, 0) for m in after)
        assert out["rejected"].sum() == sum(
            m["status"] == naive.MessageStatus.REJECTED for m in after
        )
