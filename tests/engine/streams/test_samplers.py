"""Variates: the same bits twice, the right distribution, and nothing wild at the ends."""

import math
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eda_sim.spec.distributions import (
    Constant,
    Erlang,
    Exponential,
    Lognormal,
    Mixture,
    Pareto,
    Weibull,
)
from tests.engine.streams.zoo import DISTRIBUTIONS, NAMES, ZOO

WORDS = st.integers(0, 2**32 - 1)
ADDRESSES = st.tuples(WORDS, WORDS, WORDS, WORDS, WORDS, st.integers(0, 2**22 - 1))
SEED, REPLICATION, STREAM, ENTITY, ATTEMPT = 7, 0, 4, 99, 1
COUNT = 100_000
ENDS = (2.0**-53, 2.0**-52 + 2.0**-53, 0.5, 1.0 - 2.0**-53)


@pytest.fixture(scope="module")
def table(compiled):
    return compiled.samplers.lower(DISTRIBUTIONS)


def drawn(compiled, table, index: int, *, stream: int = STREAM, count: int = COUNT) -> np.ndarray:
    out = np.empty(count)
    compiled.samplers.fill(out, table, index, SEED, REPLICATION, stream, ENTITY, 0, ATTEMPT)
    return out


@given(st.integers(0, len(DISTRIBUTIONS) - 1), ADDRESSES)
def test_every_address_has_the_same_bits_compiled_and_interpreted(
    compiled, interpreted, table, index, address
):
    value = compiled.samplers.sample(table, index, *address)
    assert value == interpreted.samplers.sample(table, index, *address)
    nanoseconds = compiled.samplers.sample_ns(table, index, *address)
    assert nanoseconds == interpreted.samplers.sample_ns(table, index, *address)
    assert nanoseconds == interpreted.samplers.to_ns(value) == compiled.samplers.to_ns(value)
    assert 0.0 <= value <= compiled.samplers.LARGEST
    assert isinstance(value, float)
    assert isinstance(nanoseconds, int)


@pytest.mark.parametrize("name", NAMES)
def test_a_block_is_its_events_one_by_one(compiled, interpreted, table, name):
    index = NAMES.index(name)
    first = 2**32 - 40  # the event word wraps around inside the block
    key = (table, index, SEED, REPLICATION, STREAM, ENTITY)
    floats = {copy: np.empty(80) for copy in ("compiled", "interpreted")}
    whole = {copy: np.empty(80, dtype=np.int64) for copy in ("compiled", "interpreted")}
    for copy, module in (("compiled", compiled), ("interpreted", interpreted)):
        module.samplers.fill(floats[copy], *key, first, 3)
        module.samplers.fill_ns(whole[copy], *key, first, 3)
    one_by_one = [compiled.samplers.sample(*key, first + i, 3) for i in range(80)]
    assert floats["compiled"].tolist() == floats["interpreted"].tolist() == one_by_one
    one_by_one = [compiled.samplers.sample_ns(*key, first + i, 3) for i in range(80)]
    assert whole["compiled"].tolist() == whole["interpreted"].tolist() == one_by_one


@pytest.mark.parametrize("name", [name for name in NAMES if ZOO[name].cdf is not None])
def test_the_distribution_is_scipys(compiled, table, name):
    sample = drawn(compiled, table, NAMES.index(name))
    assert stats.kstest(sample, ZOO[name].cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_mean_and_variation_are_what_the_scenario_says(compiled, table, name):
    distribution = ZOO[name].distribution
    sample = drawn(compiled, table, NAMES.index(name), count=400_000)
    error = sample.std() / math.sqrt(sample.size)
    assert sample.mean() == pytest.approx(distribution.mean, abs=4.5 * error + 1e-15)
    if distribution.scv == 0.0:
        assert sample.std() == pytest.approx(0.0, abs=1e-15)
    elif name != "pareto":  # whose fourth moment is infinite, so its scv settles very slowly
        scv = sample.var() / sample.mean() ** 2
        assert scv == pytest.approx(distribution.scv, rel=0.05)


def test_values_of_an_empirical_distribution_come_equally_often(compiled, table):
    sample = drawn(compiled, table, NAMES.index("empirical"))
    values, counts = np.unique(sample, return_counts=True)
    assert values.tolist() == [0.001, 0.002, 0.010, 0.5]
    expected = COUNT / 5 * np.array([1, 2, 1, 1])
    assert stats.chisquare(counts, expected).pvalue > 1e-4


def test_components_of_a_mixture_come_by_weight(compiled):
    distribution = Mixture(
        components=[Constant(value=1.0), Constant(value=2.0), Constant(value=3.0)],
        weights=[2, 0, 6],
    )
    table = compiled.samplers.lower([Constant(value=9.0), distribution])
    values, counts = np.unique(drawn(compiled, table, 1), return_counts=True)
    assert values.tolist() == [1.0, 3.0]
    assert stats.chisquare(counts, [COUNT / 4, 3 * COUNT / 4]).pvalue > 1e-4


@pytest.mark.parametrize("change", ["stream", "entity", "replication", "seed", "attempt", "event"])
@pytest.mark.parametrize("name", ["exponential", "erlang 4", "mixture"])
def test_other_addresses_give_independent_variates(compiled, table, name, change):
    base = {"seed": 7, "replication": 0, "stream": 4, "entity": 99, "event": 0, "attempt": 1}
    samples = []
    for address in (base, base | {change: base[change] + 1}):
        out = np.empty(COUNT)
        compiled.samplers.fill(out, table, NAMES.index(name), *address.values())
        samples.append(out)
    assert abs(stats.spearmanr(*samples).statistic) < 5.0 / math.sqrt(COUNT)


def test_a_slow_message_is_slow_whatever_the_service_time(compiled):
    """Common random numbers: the variate is a growing function of one uniform."""
    table = compiled.samplers.lower(
        [Exponential(mean=1.0), Exponential(mean=2.0), DISTRIBUTIONS[5]]
    )
    one, two, other = (drawn(compiled, table, index, count=2000) for index in range(3))
    assert two.tolist() == (2.0 * one).tolist()
    assert stats.spearmanr(one, other).statistic == pytest.approx(1.0)


@pytest.mark.parametrize("u", ENDS)
@pytest.mark.parametrize(
    "distribution",
    [
        *(d for d in DISTRIBUTIONS if d.type in ("uniform", "exponential", "lognormal", "weibull")),
        Pareto(minimum=1e-9, shape=0.1),
        Pareto(minimum=1e12, shape=0.1),
        Pareto(minimum=1.0, shape=1000.0),
        Weibull(scale=1e9, shape=0.1),
        Weibull(scale=1e-9, shape=1000.0),
        Lognormal(median=1e9, cv=1e4),
        SimpleNamespace(type="lognormal", mu=2000.0, sigma=500.0),
        SimpleNamespace(type="pareto", minimum=1e300, shape=0.001),
        SimpleNamespace(type="weibull", scale=1e300, shape=0.001),
        SimpleNamespace(type="exponential", mean=1e307),
    ],
    ids=repr,
)
def test_no_uniform_gives_infinity(streams, monkeypatch, distribution, u):
    """The ends of the unit interval, which no test would meet by chance."""
    row = streams.samplers.lower([distribution]).data[:3].tolist()
    value = streams.samplers._inverse(int(row[0]), row[1], row[2], u)
    assert not math.isnan(value)
    bounded = min(value, streams.samplers.LARGEST)
    assert 0.0 <= bounded <= 1e300
    assert 0 <= streams.samplers.to_ns(bounded) <= streams.samplers.LARGEST_NS


def test_tails_end_at_the_largest_duration(streams):
    endless = SimpleNamespace(type="constant", value=1e290)
    table = streams.samplers.lower([endless, SimpleNamespace(type="constant", value=1e308)])
    assert streams.samplers.sample_ns(table, 0, *[1] * 6) == streams.samplers.LARGEST_NS == 2**61
    assert streams.samplers.sample(table, 1, *[1] * 6) == streams.samplers.LARGEST


@pytest.mark.parametrize("stages", [1, 2, 57, 1000])
def test_erlang_is_a_sum_of_exponentials_also_where_the_product_underflows(streams, stages):
    """1,000 stages are a product of about 1e-434, which no double holds."""
    mean = float(stages)
    table = streams.samplers.lower([Erlang(mean=mean, stages=stages)])
    address = (SEED, REPLICATION, STREAM, ENTITY, 5)
    value = streams.samplers.sample(table, 0, *address, ATTEMPT)
    parts = [
        -math.log(1.0 - streams.philox.uniform(*address, ATTEMPT * 1024 + stage))
        for stage in range(stages)
    ]
    assert value == pytest.approx(math.fsum(parts), rel=1e-12)


def test_erlang_inside_a_mixture_stays_within_its_attempt(compiled):
    longest = Erlang(mean=1.0, stages=1000)
    table = compiled.samplers.lower([Mixture(components=[longest], weights=[1]), longest])
    address = (SEED, REPLICATION, STREAM, ENTITY, 5)
    parts = [compiled.philox.uniform(*address, 1024 + 1 + stage) for stage in range(1000)]
    expected = -sum(math.log(1.0 - u) for u in parts) / 1000
    assert compiled.samplers.sample(table, 0, *address, 1) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="stages is 1001: must be at most 1000"):
        compiled.samplers.lower([SimpleNamespace(type="erlang", mean=1.0, stages=1001)])


@pytest.mark.parametrize("wrong", [42, "exponential", SimpleNamespace(type="cauchy")])
def test_only_distributions_can_be_lowered(compiled, wrong):
    with pytest.raises(TypeError, match="is not a distribution that can be sampled"):
        compiled.samplers.lower([wrong])


def test_an_empty_list_is_an_empty_table(compiled):
    table = compiled.samplers.lower([])
    assert table.kind.size == table.data.size == 0
    assert (table.kind.dtype, table.data.dtype) == (np.int64, np.float64)


@given(st.integers(0, 2**51 - 1))
def test_whole_nanoseconds_come_back(compiled, interpreted, nanoseconds):
    assert compiled.samplers.to_ns(nanoseconds / 1e9) == nanoseconds
    assert interpreted.samplers.to_ns(nanoseconds / 1e9) == nanoseconds


@given(st.floats(0.0, 1e10))
def test_seconds_are_rounded_to_the_nearest_nanosecond(compiled, interpreted, seconds):
    nanoseconds = compiled.samplers.to_ns(seconds)
    assert nanoseconds == interpreted.samplers.to_ns(seconds)
    # The product and the sum may each round, by less than 2**-53 of the number.
    exact = min(Fraction(seconds) * 10**9, Fraction(2**61))
    assert abs(nanoseconds - exact) <= Fraction(1, 2) + exact / 2**52


@pytest.mark.parametrize(
    ("seconds", "nanoseconds"),
    [
        (-1.0, 0),
        (0.0, 0),
        (4.9e-10, 0),
        (5e-10, 1),
        (0.02, 20_000_000),
        (1.0, 10**9),
        (2305843009.0, 2305843009 * 10**9),
        (2.0**61 / 1e9, 2**61),
        (math.inf, 2**61),
    ],
)
def test_edges_of_the_clock(streams, seconds, nanoseconds):
    assert streams.samplers.to_ns(seconds) == nanoseconds
