"""Distributions: known parameters are found again, in any unit, and wrong families are refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import eda_sim as es
from eda_sim.fitting.durations import fit_durations, thinned
from eda_sim.fitting.families import FAMILIES, most_likely_stages
from eda_sim.fitting.goodness import goodness_of_fit
from eda_sim.fitting.hyperexponential import hyperexponential, most_likely_phases
from eda_sim.fitting.uncertainty import intervals
from eda_sim.spec import Empirical, parse_value

TRUE = {
    "exponential": {"mean": 0.02},
    "uniform": {"low": 0.01, "high": 0.03},
    "lognormal": {"median": 0.02, "cv": 1.2},
    "erlang": {"mean": 0.02, "stages": 4.0},
    "weibull": {"scale": 0.02, "shape": 1.7},
    "pareto": {"minimum": 0.01, "shape": 2.5},
    "hyperexponential": {"mean_1": 0.01, "mean_2": 0.1, "probability_1": 0.8},
}


def drawn(name, size, seed):
    return FAMILIES[name].frozen(TRUE[name]).rvs(size=size, random_state=seed)


def test_every_family_of_the_spec_with_a_density_is_tried():
    from eda_sim.spec.distributions.composed import SIMPLE

    names = {str(family.model_fields["type"].default) for family in SIMPLE}
    assert names - set(FAMILIES) == {"constant", "empirical"}
    assert set(TRUE) == set(FAMILIES)


@pytest.mark.parametrize("name", TRUE)
def test_known_parameters_lie_in_their_99_percent_intervals(name):
    sample = drawn(name, 5_000, 11)
    family = FAMILIES[name]
    found = family.estimate(sample)
    for parameter, (low, high) in intervals(family, found, sample, confidence=0.99).items():
        assert low <= found[parameter] <= high
        assert low <= TRUE[name][parameter] <= high, parameter
        # An interval that holds everything would prove nothing.
        assert high - low < 0.25 * TRUE[name][parameter] or parameter == "stages"


@pytest.mark.parametrize("name", TRUE)
def test_intervals_hold_the_truth_as_often_as_they_say(name):
    family, held = FAMILIES[name], []
    for seed in range(200):
        sample = drawn(name, 400, seed)
        found = intervals(family, family.estimate(sample), sample, confidence=0.9)
        held.append([low <= TRUE[name][key] <= high for key, (low, high) in found.items()])
    shares = np.mean(held, axis=0)
    # Four standard errors; the number of stages is whole, so its interval holds it more often.
    assert (shares > 0.9 - 4 * math.sqrt(0.09 / 200)).all()
    if name != "erlang":
        assert (shares < 0.99).all()


@pytest.mark.parametrize("name", TRUE)
def test_the_family_that_it_was_is_the_one_that_is_chosen(name):
    fit = es.fit(drawn(name, 5_000, 3))
    assert fit.chosen == name
    assert fit.distribution.type == name
    assert fit.distribution.mean == pytest.approx(FAMILIES[name].frozen(TRUE[name]).mean(), rel=0.1)
    assert fit.table["family"].tolist().count(name) == 1
    assert "does not speak against it" in fit.explanation


@pytest.mark.parametrize("name", TRUE)
def test_the_object_of_the_spec_has_the_moments_of_the_law(name):
    family = FAMILIES[name]
    law, distribution = family.frozen(TRUE[name]), family.distribution(TRUE[name])
    assert distribution.mean == pytest.approx(law.mean(), rel=1e-6)
    assert distribution.scv == pytest.approx(law.var() / law.mean() ** 2, rel=1e-5)


@pytest.mark.parametrize("name", ["lognormal", "erlang", "weibull", "exponential"])
def test_likelihood_is_greatest_where_scipy_finds_it(name):
    sample = drawn(name, 500, 5)
    scipys = {"weibull": stats.weibull_min, "erlang": stats.gamma}.get(name, FAMILIES[name].law)
    greatest = scipys.logpdf(sample, *scipys.fit(sample, floc=0)).sum()
    family = FAMILIES[name]
    own = family.log_likelihood(family.estimate(sample), sample)
    if name == "erlang":  # whole stages are never better than any shape, and here hardly worse
        assert greatest - 1 < own <= greatest
    else:
        assert own == pytest.approx(greatest, abs=1e-3)
        assert own >= greatest - 1e-6


def test_stages_are_those_of_greatest_likelihood_by_trying_all():
    sample = drawn("erlang", 300, 2)
    mean = float(sample.mean())
    likelihoods = [
        FAMILIES["erlang"].log_likelihood({"mean": mean, "stages": float(k)}, sample)
        for k in range(1, 40)
    ]
    assert most_likely_stages(sample, least=1)["stages"] == 1 + int(np.argmax(likelihoods))


def test_the_law_that_scipy_lacks_agrees_with_its_parts():
    law = hyperexponential(0.8, 10.0, 0.0, 0.01)
    times = np.array([0.0, 0.001, 0.02, 0.3])
    share = 0.8 * stats.expon.cdf(times, scale=0.01) + 0.2 * stats.expon.cdf(times, scale=0.1)
    density = 0.8 * stats.expon.pdf(times, scale=0.01) + 0.2 * stats.expon.pdf(times, scale=0.1)
    assert law.cdf(times) == pytest.approx(share)
    assert law.pdf(times) == pytest.approx(density)
    assert law.logsf(times) == pytest.approx(np.log(1 - share))
    assert law.logcdf(times[1:]) == pytest.approx(np.log(share[1:]))
    assert stats.kstest(law.rvs(size=2_000, random_state=1), law.cdf).pvalue > 0.01


def test_no_step_of_em_makes_the_phases_more_likely():
    sample = drawn("hyperexponential", 3_000, 9)
    probability, first, second = most_likely_phases(sample)
    one = probability * stats.expon.pdf(sample, scale=first)
    two = (1 - probability) * stats.expon.pdf(sample, scale=second)
    share = one / (one + two)
    assert share.mean() == pytest.approx(probability, rel=1e-4)
    assert np.average(sample, weights=share) == pytest.approx(first, rel=1e-4)
    assert np.average(sample, weights=1 - share) == pytest.approx(second, rel=1e-4)


@settings(max_examples=30)
@given(
    scale=st.floats(1e-6, 1e4),
    name=st.sampled_from(sorted(TRUE)),
    seed=st.integers(0, 2**16),
)
def test_in_another_unit_the_fit_is_the_same_in_that_unit(scale, name, seed):
    sample = drawn(name, 200, seed)
    one = fit_durations(sample, resamples=0)
    other = fit_durations(sample * scale, resamples=0)
    assert [c.family for c in one.candidates] == [c.family for c in other.candidates]
    for a, b in zip(one.candidates, other.candidates, strict=True):
        for parameter, value in a.parameters.items():
            has_unit = not parameter.startswith(("shape", "stages", "cv", "probability"))
            expected = value * scale if has_unit else value
            assert b.parameters[parameter] == pytest.approx(expected, rel=2e-3)
        shift = sample.size * math.log(scale)
        assert b.log_likelihood == pytest.approx(a.log_likelihood - shift, rel=1e-4, abs=0.01)
        assert b.goodness.ks == pytest.approx(a.goodness.ks, abs=1e-3)


@settings(max_examples=10)
@given(st.permutations(list(np.linspace(0.01, 0.5, 30))))
def test_the_order_of_the_sample_does_not_matter(order):
    one = fit_durations(sorted(order), resamples=0)
    other = fit_durations(order, resamples=0)
    assert one.table.equals(other.table)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=40))
def test_whatever_the_sample_there_is_a_distribution_that_a_scenario_takes(sample):
    fit = fit_durations(sample, resamples=0)
    scenario = es.load("mm1").replace({"consumers.worker.service": fit.distribution})
    assert es.load(es.dump(scenario)) == scenario
    assert parse_value(f"'{fit.text}'") == fit.text
    again = scenario.replace({"consumers.worker.service": fit.text})
    assert again.consumers["worker"].service == fit.distribution


def test_p_values_of_the_true_family_are_spread_and_those_of_a_wrong_one_are_small():
    rights, wrongs = [], []
    for seed in range(40):
        sample = stats.weibull_min(1.7, scale=0.02).rvs(size=150, random_state=seed)
        rights.append(goodness_of_fit(FAMILIES["weibull"], sample, resamples=99).ad_p)
        wrongs.append(goodness_of_fit(FAMILIES["exponential"], sample, resamples=99).ad_p)
    assert stats.kstest(rights, "uniform").pvalue > 0.01
    assert np.mean(np.array(wrongs) <= 0.01) > 0.9


def test_a_sample_of_no_family_is_taken_as_it_is():
    rng = np.random.default_rng(4)
    two = np.concatenate([rng.lognormal(-5, 0.2, 9_000), rng.lognormal(-3, 0.2, 1_000)])
    fit = es.fit(two)
    assert fit.chosen == "as_is"
    assert isinstance(fit.distribution, Empirical)
    assert len(fit.distribution.values) == 5_000
    assert fit.distribution.mean == pytest.approx(two.mean(), rel=1e-6)
    assert fit.distribution.scv == pytest.approx(two.var() / two.mean() ** 2, rel=1e-3)
    assert "taken as is" in fit.explanation
    assert not fit.table["chosen"].any()


def test_a_family_of_fewer_parameters_wins_without_evidence_against_it():
    fit = fit_durations(np.random.default_rng(3).exponential(0.02, 300), resamples=0)
    near = fit.table[fit.table["aic_difference"] < 2]
    assert len(near) > 1
    assert near.iloc[0]["family"] != "exponential"
    assert fit.best.family == "exponential"
    assert "fewer parameters" in fit.explanation


def test_equal_values_are_a_constant():
    fit = es.fit([0.02] * 5)
    assert (fit.chosen, fit.text, len(fit.table)) == ("constant", "20ms", 0)
    assert fit.explanation == "5 values, all the same: a constant."
    with pytest.raises(es.FitError, match="none: a constant"):
        fit.quantiles()


def test_a_duration_of_zero_leaves_out_what_cannot_be_zero():
    fit = fit_durations([0.0, 0.5, 1.0, 2.0], resamples=0)
    assert {each.family for each in fit.candidates} == {"exponential", "uniform"}
    assert fit.left_out["lognormal"] == "it cannot be 0, and the sample is"


def test_the_same_sample_gets_the_same_answer():
    sample = drawn("weibull", 3_000, 8)
    assert es.fit(sample).table.equals(es.fit(sample).table)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ([], "sample: 0 values are too few; at least 2 are needed"),
        ([1.0], "sample: 1 values are too few"),
        ([1.0, -2.0], "sample: value 2 is -2; seconds must be 0 or more"),
        ([1.0, math.nan], "sample: value 2 is nan; seconds must be finite"),
        ([1.0, math.inf], "sample: value 2 is inf; seconds must be finite"),
        (["a", "b"], "sample: must be numbers"),
        (np.ones((2, 2)), "sample: must be one row of numbers, not an array of 2 dimensions"),
        (7, "sample: must be numbers"),
    ],
)
def test_what_is_no_sample_is_one_clear_error(sample, message):
    with pytest.raises(es.FitError) as caught:
        es.fit(sample)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"what": "sizes"}, "what 'sizes': must be durations or arrivals"),
        ({"confidence": 1.0}, "confidence 1.0: must lie between 0 and 1"),
        ({"resamples": 5}, "resamples 5: must be 0"),
        ({"resamples": -1}, "resamples -1: must be 0"),
    ],
)
def test_wrong_options_say_what_would_be_right(options, message):
    with pytest.raises(es.FitError) as caught:
        es.fit([1.0, 2.0], **options)
    assert str(caught.value).startswith(message)


def test_thinning_keeps_the_mean_also_where_shares_cut_through_values():
    sample = np.sort(np.random.default_rng(1).pareto(2.5, size=1_234))
    few = thinned(sample, most=100)
    assert few.size == 100
    assert few.mean() == pytest.approx(sample.mean(), rel=1e-12)
    assert (np.diff(few) >= 0).all()
    assert thinned(sample, most=5_000) is sample


def test_qq_table_lies_on_the_diagonal_for_the_true_family_and_leaves_it_for_another():
    fit = fit_durations(drawn("lognormal", 20_000, 6), resamples=0)
    inside = {}
    for family in ("lognormal", "exponential"):
        table = fit.quantiles(family)
        assert table["model_s"].is_monotonic_increasing
        assert ((table["low_s"] <= table["model_s"]) & (table["model_s"] <= table["high_s"])).all()
        assert table["sample_s"].iloc[[0, -1]].tolist() == [fit.sample[0], fit.sample[-1]]
        inside[family] = table["sample_s"].between(table["low_s"], table["high_s"]).mean()
    assert inside["lognormal"] > 0.9
    assert inside["exponential"] < 0.3
    with pytest.raises(es.FitError, match="no candidate; must be one of lognormal, "):
        fit.quantiles("cauchy")
