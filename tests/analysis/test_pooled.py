"""Independent runs, pooled: the statistics are those of all values together."""

import numpy as np
import pytest

import eda_sim as es

MM1 = es.load("mm1").replace({"duration": "2min", "warmup": "10s"})
RUNS = [es.run(MM1, replication=number) for number in range(3)]
TANDEM = MM1.replace(
    {"consumers.second": {"reads": "jobs", "service": "constant(10ms)"}, "duration": "20s"}
)


def test_pooled_statistics_are_those_of_all_values():
    first, *others = [run.latency("worker") for run in RUNS]
    pooled = first.pooled(*others)
    values = np.concatenate([first.values, *(other.values for other in others)])
    assert np.array_equal(pooled.values, values)
    assert np.array_equal(pooled.of("worker"), values)
    assert pooled.consumers == ["worker"]
    assert pooled.mean()["value"].item() == pytest.approx(values.mean())
    rank = int(np.ceil(0.9 * values.size)) - 1
    assert pooled.quantile(0.9)["value"].item() == np.sort(values)[rank]


def test_consumers_stay_apart():
    first, second = (es.run(TANDEM, replication=number).latency() for number in (0, 1))
    pooled = first.pooled(second)
    for name in ("worker", "second"):
        assert np.array_equal(pooled.of(name), np.concatenate([first.of(name), second.of(name)]))


def test_more_runs_give_a_narrower_interval():
    def width(latency):
        row = latency.mean().iloc[0]
        return row["high"] - row["low"]

    first, *others = [run.latency("worker") for run in RUNS]
    assert width(first.pooled(*others)) < width(first)


@pytest.mark.parametrize("other", ["another consumer", "another time"])
def test_what_does_not_belong_together_is_not_pooled(other):
    first = RUNS[0].latency("worker")
    second = es.run(TANDEM).latency() if other == "another consumer" else RUNS[1].waiting("worker")
    with pytest.raises(ValueError, match="cannot pool latency of worker with"):
        first.pooled(second)
