"""How time and memory grow: with messages, with instances and partitions, with services."""

from __future__ import annotations

from typing import Any, NamedTuple

from benchmarks.measuring import fastest, free_mib, has_summary, in_new_process
from eda_sim.engine import execute
from eda_sim.spec import Scenario


class Size(NamedTuple):
    """How far each goes."""

    full_messages: tuple[int, ...]
    summary_messages: tuple[int, ...]
    instances: tuple[int, ...]
    services: tuple[int, ...]
    messages: int
    repeats: int


FULL = Size(
    full_messages=(10**4, 10**5, 10**6, 10**7),
    summary_messages=(10**4, 10**5, 10**6, 10**7, 10**8),
    instances=(1, 3, 10, 30, 100, 300, 1000),
    services=(1, 3, 10, 30, 100),
    messages=100_000,
    repeats=3,
)
FAST = Size(
    full_messages=(10**4, 10**5),
    summary_messages=(10**4, 10**5, 10**6),
    instances=(1, 10, 100),
    services=(1, 10),
    messages=20_000,
    repeats=2,
)


def measure(size: Size) -> dict[str, Any]:
    """Return rows for each kind of growth."""
    with_instances = [
        measure_scenario(instances(count, size.messages), size) for count in size.instances
    ]
    with_services = [
        measure_scenario(services(count, size.messages), size) for count in size.services
    ]
    return {
        "messages": measure_messages(size),
        "instances": [
            {"instances": count, **row}
            for count, row in zip(size.instances, with_instances, strict=True)
        ],
        "services": [
            {"services": count, **row}
            for count, row in zip(size.services, with_services, strict=True)
        ],
        "has_summary": has_summary(),
    }


def measure_messages(size: Size) -> list[dict[str, Any]]:
    """Return time and peak memory of runs of the pipeline, each in a process of its own."""
    rows = measure_record("full", size.full_messages, size)
    if has_summary():
        rows += measure_record("summary", size.summary_messages, size)
    return rows


def measure_record(record: str, sizes: tuple[int, ...], size: Size) -> list[dict[str, Any]]:
    """Measure ever longer runs; one that would not fit into memory, by the last, is left out."""
    rows: list[dict[str, Any]] = []
    bytes_each = 0.0
    for messages in sizes:
        needed = messages * bytes_each / 2**20
        if needed > free_mib():
            why = f"would need {needed / 1024:,.0f} GiB"
            rows.append({"record": record, "messages": messages, "missing": why})
            continue
        row = measure_run(record, messages, size)
        bytes_each = max(0.0, row["peak_mib"] - row["peak_before_mib"]) * 2**20 / messages
        rows.append(row)
    return rows


def measure_run(record: str, messages: int, size: Size) -> dict[str, Any]:
    """Measure one run; a long one needs no repetition, a short one several."""
    repeats = size.repeats if messages <= 10**6 else 1
    row: dict[str, Any] = in_new_process(
        "run_pipeline", messages=messages, record=record, repeats=repeats
    )
    return row


def measure_scenario(scenario: Scenario, size: Size) -> dict[str, Any]:
    """Measure the compiled engine per handled message, at a constant number of them."""
    assert scenario.messages is not None
    trace, seconds = fastest(lambda: execute.execute(scenario, engine="compiled"), size.repeats)
    handled = int((trace.deliveries["effect"] > 0).sum())
    expected = scenario.messages * len(scenario.consumers)
    assert handled == expected, f"{scenario.name}: {handled:,} of {expected:,} messages handled"
    return {
        "messages": handled,
        "cpu_s": seconds.cpu_s,
        "ns_per_message": seconds.cpu_s / handled * 1e9,
    }


def instances(count: int, messages: int) -> Scenario:
    """Return a log with so many partitions and instances, each as busy as in the pipeline."""
    return Scenario.model_validate(
        {
            "name": "instances",
            "messages": messages,
            "drain": True,
            "producers": {"clients": {"to": "jobs", "rate": 25.0 * count}},
            "channels": {"jobs": {"partitions": count}},
            "consumers": {
                "worker": {
                    "reads": "jobs",
                    "instances": count,
                    "service": "exponential(30ms)",
                    "subscription": {"lease_scope": "partition"},
                }
            },
        }
    )


def services(count: int, handled: int) -> Scenario:
    """Return so many services in a chain, each of which sends on what it has handled."""
    names = [f"service_{number}" for number in range(1, count + 1)]
    consumers: dict[str, dict[str, object]] = {}
    for number, name in enumerate(names, start=1):
        consumers[name] = {"reads": f"channel_{number}", "service": "exponential(30ms)"}
        if number < count:
            consumers[name]["emits"] = f"channel_{number + 1}"
    return Scenario.model_validate(
        {
            "name": "services",
            "messages": handled // count,
            "drain": True,
            "producers": {"clients": {"to": "channel_1", "rate": 25.0}},
            "channels": {f"channel_{number}": {} for number in range(1, count + 1)},
            "consumers": consumers,
        }
    )
