"""However rows are cut into batches, the summary is the same to the byte."""

import json

import numpy as np
import pytest

import eda_sim as es
from eda_sim.engine import execute as module
from eda_sim.engine.summary import Summarizer, Summary, facts_of, summarize
from eda_sim.engine.summary.bins import BINS, width_for
from eda_sim.engine.summary.samples import MOMENTS, thinned
from tests.cutting import as_time_goes, at_random, batch_of, folded, live_of, over_at
from tests.engine.examining import SEEDS
from tests.engine.mixtures import Focus
from tests.generated import each_generated

CUTS = (1, 2, 7)


def assert_cut_does_not_matter(trace, scenario):
    facts = facts_of(scenario, trace.names)
    whole = summarize(trace, facts).digest()
    random = np.random.default_rng(scenario.seed)
    for count in CUTS:
        assert folded(trace, facts, at_random(trace, random, count)).digest() == whole
        assert folded(trace, facts, as_time_goes(trace, random, count)).digest() == whole


@pytest.mark.parametrize("name", es.scenarios())
def test_of_bundled_scenarios(name):
    scenario = es.load(name).replace({"duration": "20s", "warmup": "1s"})
    trace = module.execute.__wrapped__(scenario)
    assert_cut_does_not_matter(trace, scenario)


@pytest.mark.parametrize("seed", SEEDS)
def test_of_generated_scenarios(seed):
    def compare(scenario):
        assert_cut_does_not_matter(module.execute.__wrapped__(scenario), scenario)

    each_generated(Focus.ANYTHING, seed, compare)


@pytest.fixture(scope="module")
def overtaken():
    """A run in which messages with a key overtake each other."""
    data = {
        "name": "overtaking",
        "duration": "20s",
        "warmup": "1s",
        "producers": {"shop": {"to": "orders", "rate": "100/s", "key": "uniform(n=5)"}},
        "channels": {"orders": {}},
        "consumers": {"billing": {"reads": "orders", "service": "exponential(mean=30ms)"}},
    }
    data["consumers"]["billing"] |= {"concurrency": 4, "subscription": {"lease_scope": "delivery"}}
    scenario = es.Scenario.model_validate(data)
    return scenario, module.execute.__wrapped__(scenario)


def test_what_is_kept_of_messages_in_order_is_bounded_by_what_is_live(overtaken):
    scenario, trace = overtaken
    facts = facts_of(scenario, trace.names)
    fold, kept, count = Summarizer(facts), [], 0
    over, created = over_at(trace), trace.messages["created_at"]
    left = np.ones(created.size, dtype=bool)
    left[0] = False  # one message that nobody hands over before the end
    for moment in np.linspace(0, trace.ended_at_ns, 40).astype(np.int64):
        chosen = left & (over <= moment)
        left &= ~chosen
        live = left & (created <= moment)
        live[0] = True
        fold.absorb(*batch_of(trace, chosen), live=live_of(trace, live))
        kept.append(sum(each.kept for each in fold.overtaking))
        count += int(chosen.sum())
    assert count > 1_500
    assert max(kept) < 150
    left[0] = True
    fold.absorb(*batch_of(trace, left))
    summary = fold.finish(trace.ended_at_ns, trace.series, trace.faults)
    assert summary.digest() == summarize(trace, facts).digest()
    assert summary.counts["out_of_order"][0] > 50


def test_both_engines_count_the_same_and_a_trace_gives_it_too():
    scenario = es.load("crash").replace({"duration": "40s"})
    summaries = [
        module.execute(scenario, engine=engine, record="summary")
        for engine in ("reference", "compiled")
    ]
    trace = module.execute(scenario)
    summaries.append(summarize(trace, facts_of(scenario, trace.names)))
    assert len({each.digest() for each in summaries}) == 1
    assert summaries[0].digest() != module.execute(scenario, seed=2, record="summary").digest()


def test_a_summary_comes_back_from_its_data():
    summary = module.execute(es.load("mm1").replace({"messages": 50}), record="summary")
    again = Summary.from_data(json.loads(json.dumps(summary.to_data())))
    assert again.digest() == summary.digest()
    assert again.times["latency"][0].quantiles([0.5]) == summary.times["latency"][0].quantiles(
        [0.5]
    )


def test_an_unknown_record_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^record: 'short' is not valid: must be one of full, "):
        module.execute(es.load("mm1"), record="short")


def test_bins_are_never_too_many_and_not_much_too_few():
    for until in (1, 999, 10**6 + 1, 3_600 * 10**9, 2**62):
        width = width_for(until)
        assert width * BINS >= until
        assert width == 1 or width * BINS < 5 * until


def test_samples_may_be_thinned_at_any_time():
    every, size = 7, 5 * MOMENTS + 3
    times = np.repeat(np.arange(size) * every, 2)
    whole = thinned({"time": times}, every)["time"]
    assert np.unique(whole).size <= MOMENTS
    assert np.unique(whole).size > MOMENTS // 2
    some = thinned({"time": times[: 3 * MOMENTS]}, every)["time"]
    later = np.concatenate([some, times[3 * MOMENTS :]])
    assert thinned({"time": later}, every)["time"].tolist() == whole.tolist()
    assert thinned({"time": times[:6]}, every)["time"].tolist() == times[:6].tolist()
