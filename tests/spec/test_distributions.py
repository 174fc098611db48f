"""Distributions: moments and parameters against SciPy, three spellings, one line for a mistake."""

import math
import statistics

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from eda_sim.spec import (
    Constant,
    Empirical,
    Erlang,
    Exponential,
    Hyperexponential,
    Lognormal,
    Mixture,
    Pareto,
    ScenarioError,
    Uniform,
    Weibull,
)
from eda_sim.spec.distributions import CountDistribution, DurationDistribution, SizeDistribution
from eda_sim.spec.distributions.fitted import NORMAL_QUANTILES
from eda_sim.spec.model import Model
from tests.strategies import distributions


class Field(Model):
    time: DurationDistribution = Constant(value=0)
    size: SizeDistribution = Constant(value=0)
    count: CountDistribution = Constant(value=0)


def time(value: object):
    return Field(time=value).time


def problem(**fields: object) -> str:
    with pytest.raises(ScenarioError) as caught:
        Field(**fields)
    return str(caught.value)


POSITIVE = st.floats(1e-6, 1e6)


def moments(frozen) -> tuple[float, float]:
    mean, variance = frozen.stats(moments="mv")
    return float(mean), float(variance) / float(mean) ** 2


@given(POSITIVE, POSITIVE)
def test_uniform(a, b):
    low, high = min(a, b), max(a, b) * 1.01  # SciPy knows no width of 0
    uniform = Uniform(low=low, high=high)
    expected = moments(scipy.stats.uniform(low, high - low))
    assert (uniform.mean, uniform.scv) == pytest.approx(expected, rel=1e-9)


@given(POSITIVE, st.integers(1, 1000))
def test_erlang(mean, stages):
    erlang = Erlang(mean=mean, stages=stages)
    expected = moments(scipy.stats.gamma(stages, scale=mean / stages))
    assert (erlang.mean, erlang.scv) == pytest.approx(expected, rel=1e-9)


@given(POSITIVE)
def test_exponential_by_mean_and_by_rate(mean):
    by_mean, by_rate = Exponential(mean=mean), Exponential(rate=f"{1 / mean!r}/s")
    assert by_mean.mean == mean
    assert by_rate.mean == pytest.approx(mean)
    assert by_mean.rate == pytest.approx(by_rate.rate)
    assert by_mean.scv == by_rate.scv == 1


@pytest.mark.parametrize("quantile", NORMAL_QUANTILES)
def test_the_normal_quantiles_are_right(quantile):
    probability = float(f"0.{quantile[1:]}")
    assert NORMAL_QUANTILES[quantile] == pytest.approx(scipy.stats.norm.ppf(probability), rel=1e-14)


@given(POSITIVE, st.sampled_from(("p90", "p95", "p99", "p999")), st.floats(0.001, 0.999))
def test_lognormal_by_mean_and_quantile_has_both(mean, name, share):
    largest = math.exp(NORMAL_QUANTILES[name] ** 2 / 2)
    quantile = mean * (1 + share * (largest - 1))
    lognormal = Lognormal.model_validate({"mean": mean, name: quantile})
    oracle = scipy.stats.lognorm(lognormal.sigma, scale=math.exp(lognormal.mu))
    assert oracle.mean() == pytest.approx(mean, rel=1e-9)
    assert oracle.ppf(float(f"0.{name[1:]}")) == pytest.approx(quantile, rel=1e-9)
    assert lognormal.sigma <= NORMAL_QUANTILES[name] * (1 + 1e-12)  # the less variable solution
    assert lognormal.mean == mean


@given(POSITIVE, st.sampled_from(("p90", "p95", "p99", "p999")), st.floats(1.001, 100))
def test_lognormal_by_median_and_quantile_has_both(median, name, ratio):
    lognormal = Lognormal.model_validate({"median": median, name: median * ratio})
    oracle = scipy.stats.lognorm(lognormal.sigma, scale=math.exp(lognormal.mu))
    assert oracle.median() == pytest.approx(median, rel=1e-9)
    assert oracle.ppf(float(f"0.{name[1:]}")) == pytest.approx(median * ratio, rel=1e-9)
    assert (lognormal.mean, lognormal.scv) == pytest.approx(moments(oracle), rel=1e-6)


@given(POSITIVE, st.floats(0.01, 0.999))
def test_lognormal_by_mean_and_median(mean, ratio):
    lognormal = Lognormal(mean=mean, p50=mean * ratio)
    assert math.exp(lognormal.mu) == pytest.approx(mean * ratio)
    assert math.exp(lognormal.mu + lognormal.sigma**2 / 2) == pytest.approx(mean)


@given(POSITIVE, st.floats(0.01, 10))
def test_lognormal_by_cv(mean, cv):
    lognormal = Lognormal(mean=mean, cv=cv)
    oracle = scipy.stats.lognorm(lognormal.sigma, scale=math.exp(lognormal.mu))
    assert moments(oracle) == pytest.approx((mean, cv**2), rel=1e-6)


@given(POSITIVE, st.floats(1, 100))
def test_hyperexponential_by_cv_has_balanced_means(mean, cv):
    hyper = Hyperexponential(mean=mean, cv=cv)
    (p1, p2), (m1, m2) = hyper.probabilities, hyper.means
    assert p1 + p2 == pytest.approx(1, rel=1e-12)
    assert p1 * m1 == pytest.approx(p2 * m2)
    by_parts = Hyperexponential(means=hyper.means, probabilities=hyper.probabilities)
    assert (by_parts.mean, by_parts.scv) == pytest.approx((mean, cv**2), rel=1e-6)


@given(POSITIVE, st.floats(0.01, 100))
def test_weibull_by_cv(mean, cv):
    weibull = Weibull(mean=mean, cv=cv)
    by_shape = Weibull(scale=weibull.scale, shape=min(max(weibull.shape, 0.1), 1000))
    assert (by_shape.mean, by_shape.scv) == pytest.approx((mean, cv**2), rel=1e-6)


@given(POSITIVE, st.floats(0.2, 50))
def test_weibull_by_shape(scale, shape):
    weibull = Weibull(scale=scale, shape=shape)
    expected = moments(scipy.stats.weibull_min(shape, scale=scale))
    assert (weibull.mean, weibull.scv) == pytest.approx(expected, rel=1e-6)


@given(POSITIVE, st.floats(2.1, 50))
def test_pareto_with_both_moments(minimum, shape):
    pareto = Pareto(minimum=minimum, shape=shape)
    expected = moments(scipy.stats.pareto(shape, scale=minimum))
    assert (pareto.mean, pareto.scv) == pytest.approx(expected, rel=1e-6)
    assert Pareto(mean=pareto.mean, shape=shape).minimum == pytest.approx(minimum)


def test_a_heavy_tail_has_no_moments():
    assert Pareto(minimum=1, shape=1.5).scv == math.inf
    assert Pareto(minimum=1, shape=1.5).mean == pytest.approx(3)
    assert Pareto(minimum=1, shape=0.9).mean == math.inf
    heavy = Mixture(components=["pareto(minimum=1s, shape=0.9)", "1s"], weights=[1, 1])
    assert heavy.mean == heavy.scv == math.inf
    assert Mixture(components=heavy.components, weights=[0, 1]).mean == 1


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_empirical(values):
    empirical = Empirical(values=values)
    assert empirical.values == tuple(sorted(values))
    assert empirical.mean == pytest.approx(statistics.fmean(values))
    variance = statistics.pvariance(values)
    if variance > 1e-9 * statistics.fmean(values) ** 2 > 0:
        assert empirical.scv == pytest.approx(variance / statistics.fmean(values) ** 2, rel=1e-6)


def test_a_mixture_of_exponentials_is_hyperexponential():
    mixture = Mixture(components=["exponential(10ms)", "exponential(1s)"], weights=[9, 1])
    hyper = Hyperexponential(means=["10ms", "1s"], probabilities=[0.9, 0.1])
    assert mixture.probabilities == pytest.approx(hyper.probabilities)
    assert (mixture.mean, mixture.scv) == pytest.approx((hyper.mean, hyper.scv))


def test_constants_do_not_vary():
    assert Constant(value="20ms").scv == Constant(value=0).scv == Empirical(values=[0, 0]).scv == 0
    assert Mixture(components=[3, 3], weights=[1, 2]).scv == 0


@pytest.mark.parametrize(
    ("spellings", "expected"),
    [
        (["20ms", 0.02, "0.02", "constant(20ms)", "constant(value=20ms)"], Constant(value=0.02)),
        (
            [
                "lognormal(mean=20ms, p99=90ms)",
                "lognormal(20ms, p99=0.09)",
                {"type": "lognormal", "mean": "20ms", "p99": "90ms"},
                Lognormal(mean="20ms", p99="90ms"),
            ],
            Lognormal(mean=0.02, p99=0.09),
        ),
        (["uniform(1ms, 2ms)", {"type": "uniform", "low": 0.001, "high": "2ms"}], None),
        (["exponential(rate=50/s)", {"type": "exponential", "rate": 50}], None),
        (["empirical([1ms, 2ms])", "empirical(values=[0.001, 2ms])"], None),
        (
            [
                "mixture([1ms, exponential(2ms)], [1, 3])",
                "mixture(components=[constant(1ms), exponential(2ms)], weights=[1, 3])",
                {
                    "type": "mixture",
                    "components": ["1ms", {"type": "exponential", "mean": "2ms"}],
                    "weights": [1, 3],
                },
            ],
            None,
        ),
    ],
)
def test_all_spellings_mean_the_same(spellings, expected):
    first = expected or time(spellings[0])
    for spelling in spellings:
        assert time(spelling) == first


def test_a_distribution_is_frozen_and_hashable():
    lognormal = time("lognormal(mean=20ms, p99=90ms)")
    assert hash(lognormal) == hash(Lognormal(mean=0.02, p99=0.09))
    with pytest.raises(ValueError, match="frozen"):
        lognormal.median = 3


def test_units_follow_the_field():
    assert Field(size="1KB").size == Constant(value=1000)
    assert Field(count="uniform(1, 10)").count == Uniform(low=1, high=10)
    assert Field(size="lognormal(mean=1KiB, cv=50%)").size == Lognormal(mean=1024, cv=0.5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"time": "1KB"}, "time: '1KB' is not valid: must be a duration such as 20ms"),
        ({"size": "20ms"}, "size: '20ms' is not valid: must be a size such as 1KB"),
        (
            {"time": "lognormal(mean=1KB, cv=1)"},
            "time.mean: '1KB' is not valid: must be a duration",
        ),
        ({"size": "exponential(rate=5/s)"}, "size.rate: a rate describes times only"),
        ({"time": "lognormal(mean=20ms)"}, "time: give one of cv, p50, p90, p95, p99, p999"),
        ({"time": "lognormal(p99=20ms)"}, "time: give either mean or median"),
        (
            {"time": "lognormal(mean=1ms, cv=1, p99=2ms)"},
            "time.p99: is one too many beside cv: give one of cv, p50, p90, p95, p99, p999",
        ),
        (
            {"time": "lognormal(mean=1ms, p99=1s)"},
            "time.p99: no lognormal has it above 14.97 times",
        ),
        ({"time": "lognormal(mean=9ms, p99=5ms)"}, "time.p99: must lie above the mean"),
        ({"time": "lognormal(median=9ms, p99=5ms)"}, "time.p99: must lie above the median"),
        ({"time": "lognormal(mean=9ms, p50=10ms)"}, "time.p50: must lie below the mean"),
        ({"time": "lognormal(median=9ms, p50=10ms)"}, "time: p50 is the median"),
        ({"time": "lognormal(median=1ns, p90=100d)"}, "time.p90: too far from the rest"),
        ({"time": "lognormal(mean=9ms, p98=50ms)"}, "unknown field 'p98'; did you mean 'p99'?"),
        ({"time": "lognorml(mean=9ms)"}, "no distribution 'lognorml'; did you mean 'lognormal'?"),
        ({"time": {"type": "lognorml"}}, "no distribution 'lognorml'; did you mean 'lognormal'?"),
        ({"time": {"type": 3}}, "no distribution 3"),
        ({"time": {"mean": 3}}, "time.type: is missing"),
        ({"time": "uniform(3s, 1s)"}, "time.high: must not lie below low"),
        ({"time": "uniform(1s, 2s, 3s)"}, "time: uniform takes 2 parameters without a name, not 3"),
        ({"time": "uniform(1s, low=2s)"}, "time: parameter 'low' of uniform is given twice"),
        ({"time": "erlang(1s, 2.5)"}, "time.stages: 2.5 is not valid: must be an integer from 1"),
        ({"time": "erlang(1s, 1001)"}, "must be an integer from 1 to 1000"),
        ({"time": "hyperexponential(mean=1s, cv=0.5)"}, "time.cv: 0.5 is not valid"),
        (
            {"time": "hyperexponential(mean=1s, means=[1s])"},
            "time: give mean and cv, or means and probabilities",
        ),
        (
            {"time": "hyperexponential(means=[1s], probabilities=[0.9])"},
            "time.probabilities: must add up to 1, not 0.9",
        ),
        (
            {"time": "hyperexponential(means=[1s], probabilities=[0.9, 0.1])"},
            "time: means and probabilities must be equally many",
        ),
        ({"time": "pareto(mean=1s, shape=1)"}, "time.shape: must be above 1 for a mean to exist"),
        ({"time": "weibull(mean=1s)"}, "time: give mean and cv, or scale and shape"),
        ({"time": "empirical([])"}, "must be one with an entry"),
        ({"time": "empirical()"}, "time: give values or file"),
        ({"time": "mixture([1s], [0])"}, "time.weights: one must be above 0"),
        ({"time": "mixture([1s], [1, 2])"}, "time: components and weights must be equally many"),
        ({"time": "mixture(1s, 1)"}, "time.components: '1s' is not valid: must be a list"),
        (
            {"time": "mixture([mixture([1s], [1])], [1])"},
            "time.components.0: no distribution 'mixture'",
        ),
        ({"time": "constant(200000d)"}, "from 0s to 36525d (100 years)"),
        ({"time": math.nan}, "time: nan is not valid"),
        ({"time": math.inf}, "time: inf is not valid"),
        ({"time": -1}, "time: -1 is not valid: must be a duration such as 20ms, from 0s"),
        ({"time": None}, "time: null is not valid: must be a distribution such as lognormal("),
        ({"time": True}, "time: true is not valid"),
        ({"time": []}, "time: an empty list is not valid"),
        ({"size": "2TB"}, "from 0B to 1TB"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_would_be_right(fields, message):
    line = problem(**fields)
    assert message in line
    assert len(line.splitlines()) == 1


@given(distributions(small=False) | distributions(small=True))
def test_a_distribution_of_times_is_written_and_read_exactly(spelling):
    adapter = TypeAdapter(DurationDistribution)
    distribution = adapter.validate_python(spelling)
    assert adapter.validate_python(adapter.dump_python(distribution, mode="json")) == distribution
    assert distribution.mean >= 0
    assert distribution.scv >= 0


@given(distributions(small=False, dimension="bytes"))
def test_a_distribution_of_sizes_is_written_and_read_exactly(spelling):
    adapter = TypeAdapter(SizeDistribution)
    distribution = adapter.validate_python(spelling)
    assert adapter.validate_python(adapter.dump_python(distribution, mode="json")) == distribution
