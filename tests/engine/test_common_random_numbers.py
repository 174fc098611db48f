"""Two variants of a scenario differ by what was changed and by nothing else.

Every draw has an address, so the same message meets the same luck in every variant: its time of
creation, key, size, service and latencies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import Outcome, Trace
from eda_sim.spec import Scenario

pytestmark = pytest.mark.rule("R1", "R2")

BASE = Scenario.model_validate(
    {
        "name": "shop",
        "seed": 99,
        "duration": "40s",
        "drain": True,
        "producers": {
            "web": {
                "to": "orders",
                "rate": "30/s",
                "key": "zipf(s=1, n=100)",
                "size": "lognormal(mean=1KB, cv=1)",
                "link": {"latency": "exponential(2ms)"},
            },
            "shops": {
                "to": "orders",
                "arrivals": {"type": "renewal", "interval": "erlang(mean=100ms, stages=3)"},
                "key": "uniform(n=20)",
            },
        },
        "channels": {"orders": {"partitions": 4}, "invoices": {}},
        "consumers": {
            "billing": {
                "reads": "orders",
                "instances": 2,
                "service": "lognormal(mean=30ms, cv=1)",
                "link": {"latency": "exponential(1ms)"},
                "emits": [{"to": "invoices", "size": "uniform(100B, 200B)"}],
            },
            "mailing": {"reads": "invoices", "instances": 2, "service": "exponential(20ms)"},
        },
    }
)
CREATION = ["created_at", "key", "size_bytes", "partition"]


def by_origin(trace: Trace) -> pd.DataFrame:
    """Return the first handling of each message, by where it came from and not by its number.

    The index is the source, the consumer, and the producer and sequence that began the chain.
    """
    messages = pd.DataFrame(trace.messages)
    sources = np.array(trace.names.sources)
    table = pd.DataFrame(trace.deliveries)
    table = table[(table["attempt"] == 1) & (table["outcome"] == Outcome.OK)]
    root = messages.loc[messages["correlation_id"]].reset_index(drop=True)
    rows = pd.DataFrame(
        {
            "consumer": np.array(trace.names.consumers)[table["consumer"]],
            "producer": sources[root["source"].to_numpy()[table["message_id"]]],
            "sequence": root["sequence"].to_numpy()[table["message_id"]],
            "service": (table["finished_at"] - table["started_at"]).to_numpy(),
            "size": messages["size_bytes"].to_numpy()[table["message_id"]],
        }
    )
    return rows.set_index(["consumer", "producer", "sequence"]).sort_index()


def created(trace: Trace, producer: str) -> pd.DataFrame:
    messages = pd.DataFrame(trace.messages)
    own = messages["source"] == trace.names.sources.index(producer)
    return messages.loc[own, CREATION].reset_index(drop=True)


VARIANTS: dict[str, dict[str, Any]] = {
    "more instances": {"consumers.billing.instances": 8},
    "more workers": {"consumers.billing.concurrency": 3},
    "push": {"consumers.billing.subscription": {"delivery": "push", "max_outstanding": 3}},
    "partition leases": {"consumers.billing.subscription": {"lease_scope": "partition"}},
    "a crash": {"faults": [{"crash": "billing/0", "at": "10s", "lasts": "5s"}]},
    "settled before": {"consumers.billing.settle": "before"},
    "a deduplicator": {"consumers.billing.dedup": {"window": "1min"}},
    "another link": {"consumers.billing.link": {"latency": "50ms"}},
    "another producer": {"producers.returns": {"to": "orders", "rate": "5/s"}},
    "another consumer": {"consumers.audit": {"reads": "orders", "service": "5ms"}},
    "another channel": {"channels.archive": {}, "consumers.billing.emits": ["invoices", "archive"]},
    "no other producer": {"producers.shops.messages": 1},
}


@pytest.fixture(scope="module")
def base():
    return execute(BASE)


def variant(name: str) -> Trace:
    changes = VARIANTS[name]
    data = BASE.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    for path, value in changes.items():
        *above, last = path.split(".")
        part = data
        for step in above:
            part = part[step]
        part[last] = value
    return execute(Scenario.model_validate(data))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_keeps_arrivals_keys_and_sizes(base, name):
    trace = variant(name)
    for producer in ("web", "shops"):
        expected, found = created(base, producer), created(trace, producer)
        if name == "no other producer" and producer == "shops":
            expected = expected.head(1)
        pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_keeps_the_service_of_every_message(base, name):
    ours, theirs = by_origin(base), by_origin(variant(name))
    both = ours.index.intersection(theirs.index)
    assert len(both) > 0.9 * min(len(ours), len(theirs))
    if name == "another channel":  # a second emission: invoices keep their place as the first
        both = both[both.get_level_values("consumer") != "audit"]
    pd.testing.assert_series_equal(ours.loc[both, "service"], theirs.loc[both, "service"])
    if name != "another channel":  # there the sizes of invoices are no longer given
        pd.testing.assert_series_equal(ours.loc[both, "size"], theirs.loc[both, "size"])


def test_a_change_reaches_no_service_downstream(base):
    # An invoice needs the same time however its order was handled, and however often.
    slow = execute(BASE.replace({"consumers.billing.service": "60ms"}))
    ours, theirs = by_origin(base).loc["mailing"], by_origin(slow).loc["mailing"]
    assert ours.index.equals(theirs.index)
    assert (ours["service"] == theirs["service"]).all()
    assert ours["service"].nunique() > 1000


def test_the_name_decides_and_not_the_place():
    # The same parts in another order: the same run, but for the numbers of the parts.
    data = BASE.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    for group in ("producers", "channels", "consumers"):
        data[group] = dict(reversed(data[group].items()))
    turned = execute(Scenario.model_validate(data))
    pd.testing.assert_frame_equal(by_origin(execute(BASE)), by_origin(turned))


def test_a_second_attempt_is_another_draw():
    scenario = BASE.replace({"faults": [{"crash": "billing", "at": "10s", "lasts": "1s"}]})
    rows = pd.DataFrame(execute(scenario).deliveries)
    again = rows[rows["attempt"] == 2].set_index("copy_id")
    quiet = pd.DataFrame(execute(BASE).deliveries)
    first = quiet[quiet["attempt"] == 1].set_index("copy_id").loc[again.index]
    ours, theirs = (table["finished_at"] - table["started_at"] for table in (again, first))
    assert len(again) >= 2
    assert (ours != theirs).all()


def test_parts_draw_from_streams_of_their_own():
    # Three equal producers and consumers: no two of them have a draw in common.
    part = {"to": "queue", "rate": "10/s"}
    consumer = {"reads": "queue", "service": "exponential(1s)"}
    scenario = Scenario.model_validate(
        {
            "name": "alike",
            "messages": 600,
            "producers": dict.fromkeys("abc", part),
            "channels": {"queue": {}},
            "consumers": {name: {**consumer, "concurrency": 50} for name in "xyz"},
        }
    )
    trace = execute(scenario)
    messages, rows = pd.DataFrame(trace.messages), pd.DataFrame(trace.deliveries)
    gaps = messages.groupby("source")["created_at"].apply(lambda times: times.diff().iloc[1:])
    assert gaps.is_unique
    rows = rows[rows["finished_at"] >= 0]
    service = rows["finished_at"] - rows["started_at"]
    assert len(service) > 1000
    assert service.is_unique
    by_consumer = [
        service[rows["consumer"] == number].set_axis(
            rows.loc[rows["consumer"] == number, "message_id"]
        )
        for number in range(3)
    ]
    alike = pd.concat(by_consumer, axis=1).dropna().corr().to_numpy()
    assert np.abs(alike[np.triu_indices(3, 1)]).max() < 0.15
