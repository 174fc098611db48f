"""Sizing finds what theory says is enough, and says when nothing is."""

import pytest

import eda_sim as es
from eda_sim.experiments.designs import Range
from eda_sim.experiments.sizing import _search
from eda_sim.spec.quantities import parse_quantity
from eda_sim.theory import mm1, mmc

QUICK = es.load("mm1").replace({"duration": "60s", "warmup": "5s"})
OPTIONS = {"replications": 5, "executor": 1}


@pytest.mark.parametrize("limit", range(1, 66))
def test_search_finds_any_limit_of_a_whole_range(limit):
    tried = []

    def holds(number):
        tried.append(number)
        return number >= limit

    below, found = _search(Range(1, 64, whole=True), holds, 0.01)
    assert found == (limit if limit <= 64 else None)
    assert below == (limit - 1 if limit > 1 else None)
    assert len(tried) == len(set(tried)) <= 12


@pytest.mark.parametrize("low", [0.0, 0.01])
def test_search_comes_close_in_a_continuous_range(low):
    below, found = _search(Range(low, 5.0, "time"), lambda number: number >= 0.7654321, 0.01)
    assert below < 0.7654321 <= found <= below * 1.0102


def test_smallest_number_of_servers_is_that_of_erlang_c():
    scenario = QUICK.replace({"producers.clients.rate": "40/s", "duration": "30s"})
    truth = {c: mmc(arrival_rate=40, service_rate=10, servers=c).mean_wait for c in range(5, 9)}
    # 5: 55 ms, 6: 14 ms, 7: 4.5 ms
    assert min(truth[5], 0.05) == 0.05
    assert truth[6] < 0.015
    result = es.size(
        scenario, "waiting.mean < 25ms", vary="consumers.worker.instances", low=4, **OPTIONS
    )
    assert result.value == 6
    assert result.scenario.consumers["worker"].instances == 6
    assert result.table["value"].tolist() == sorted(result.table["value"])
    assert repr(result).startswith(
        "consumers.worker.instances = 6 is the smallest that meets waiting.mean@worker < 25ms: "
    )
    assert "; 5 does not: " in repr(result)


def test_largest_rate_is_below_the_one_of_theory_and_near_it():
    result = es.size(
        QUICK,
        "waiting.mean < 100ms",
        vary="producers.clients.rate",
        low="1/s",
        high="9/s",
        find="largest",
        tolerance=0.2,
        **OPTIONS,
    )
    assert mm1(arrival_rate=5, service_rate=10).mean_wait == pytest.approx(0.1)
    assert 3 < parse_quantity(result.value).value < 5.5


def test_it_says_when_no_value_is_enough():
    result = es.size(
        QUICK, "latency.mean < 1ms", vary="consumers.worker.instances", high=2, **OPTIONS
    )
    assert result.value is None
    assert result.scenario is None
    assert result.table["meets"].tolist() == [False, False]
    assert repr(result).startswith(
        "no value of consumers.worker.instances from 1 to 2 meets latency.mean@worker < 1ms: at 2 "
    )


def test_equality_wants_every_run():
    result = es.size(QUICK, "guarantee.lost == 0", vary="consumers.worker.instances", **OPTIONS)
    assert result.value == 1
    assert "guarantee.lost@worker is 0 in the worst of 5 runs" in repr(result)
    assert "it is the end of the range" in repr(result)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"vary": "consumers.worker.instnces"}, "did you mean 'instances'"),
        ({"low": 2, "high": 1}, "low must not be above high"),
        ({"low": "1ms", "high": "2/s"}, "must have the same kind of unit"),
        ({"find": "best"}, "find: 'best' is not valid: must be 'smallest' or 'largest'"),
        ({"tolerance": 0}, "tolerance: 0 is not valid: must be between 0 and 1"),
        ({"replications": 1}, "replications: 1 is not valid: must be an integer of at least 2"),
        ({"objective": "latency.p99 < 2/s"}, "'2/s' is not valid: must be a time such as 200ms"),
    ],
)
def test_wrong_argument_is_one_line(options, line):
    given = {"objective": "latency.p99 < 1s", "vary": "consumers.worker.instances", **options}
    with pytest.raises(ValueError, match=r".") as caught:
        es.size(QUICK, given.pop("objective"), **given)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
