"""Guards on the deliveries of simulated runs, and windows against their closed form."""

import numpy as np
import pytest
from scipy.stats import poisson

import eda_sim as es
from eda_sim.patterns.idempotency import windows
from eda_sim.patterns.idempotency.effects import effects
from eda_sim.patterns.idempotency.guards import DedupCache, SetState, Unguarded, VersionCheck
from eda_sim.patterns.idempotency.inbox import Inbox
from eda_sim.patterns.idempotency.messages import Message, in_order, payments
from eda_sim.patterns.idempotency.payments import scenario
from eda_sim.theory import exponential_law, late_share, remembered_share


@pytest.fixture(scope="module")
def run():
    return es.run(scenario(rate=10, lost_acknowledgements=0.1, duration="60s", accounts=5))


def test_without_a_guard_it_is_what_the_run_itself_counts(run):
    found, counted = effects(run.tables, Unguarded()), run.guarantee().iloc[0]
    assert found.guarantee["duplicated"] == counted["duplicated"] > 20
    assert found.guarantee["exactly_once"] == counted["exactly_once"]
    assert found.actual - found.expected == 20 * counted["extra_effects"]
    assert found.expected == 20 * counted["messages"]


@pytest.mark.parametrize("make", [Inbox, lambda: DedupCache(size=10**6), VersionCheck])
def test_a_guard_makes_the_books_balance(run, make):
    found = effects(run.tables, make())
    assert found.guarantee["exactly_once"] == found.guarantee["messages"]
    assert found.actual == found.expected
    assert found.wrong_accounts == 0


def test_a_state_that_is_set_back_lacks_messages(run):
    found = effects(run.tables, SetState())
    assert found.guarantee["lost"] > 0
    assert found.wrong_accounts > 0
    assert found.actual == found.expected - 20 * found.guarantee["lost"]
    assert found.guarantee["duplicated"] == 0
    assert found.stored == 0


def test_a_window_shorter_than_the_visibility_timeout_finds_nothing(run):
    without = effects(run.tables, Unguarded())
    assert effects(run.tables, DedupCache(window_s=20)).guarantee == without.guarantee
    assert effects(run.tables, DedupCache(window_s=600)).guarantee["duplicated"] == 0


def test_at_most_once_loses_what_a_crash_interrupts():
    crashes = [{"crash": "payments", "at": f"{at}s", "lasts": "1s"} for at in (10, 20, 30)]
    before, after = (
        effects(
            es.run(scenario(rate=10, duration="40s", settle=settle, crashes=crashes)).tables,
            Unguarded(),
        )
        for settle in ("before", "after")
    )
    assert before.guarantee["lost"] > 5
    assert before.actual == before.expected - 20 * before.guarantee["lost"]
    assert after.guarantee["lost"] == 0


def test_a_guard_that_has_been_used_is_refused(run):
    guard = Unguarded()
    effects(run.tables, guard)
    with pytest.raises(ValueError, match="must start with empty balances"):
        effects(run.tables, guard)


def test_a_consumer_must_be_named_if_there_are_several():
    late = es.run(windows.scenario(messages=10, rate=10, gap="exponential(1s)"))
    with pytest.raises(ValueError, match="must be one of service, detour-1"):
        effects(late.tables, Unguarded())


@pytest.mark.parametrize("copies", [2, 5])
def test_what_slips_is_what_the_closed_form_says(copies):
    world = windows.scenario(messages=4000, rate=100, gap="exponential(5s)", copies=copies)
    tables = es.run(world).tables
    assert len(tables.deliveries_of("service")) == 4000 * copies
    for refreshed in (False, True):
        found = windows.slipped(
            tables, window_s=[2.0, 5.0, 10.0], refreshed=refreshed, confidence=0.999
        )
        for row in found.itertuples():
            true = windows.slipped_share(
                gap=exponential_law(mean=5), window=row.window_s, copies=copies, refreshed=refreshed
            )
            assert row.low <= true <= row.high
    # The deduplicator inside the simulation and the real one agree, copy by copy.
    inside = es.run(world.replace({"consumers.service.dedup": {"window": "5s"}})).tables
    real = windows.slipped(tables, window_s=[5.0])["value"].item()
    assert windows.slipped_inside(inside).value == real


def test_other_laws_than_the_exponential():
    gap = "lognormal(mean=5s, cv=2)"
    tables = es.run(windows.scenario(messages=4000, rate=100, gap=gap, copies=4)).tables
    law = es.theory.lognormal_law(mean=5, scv=4)
    for refreshed in (False, True):
        row = windows.slipped(tables, window_s=[10.0], refreshed=refreshed, confidence=0.999).iloc[
            0
        ]
        true = windows.slipped_share(gap=law, window=10, copies=4, refreshed=refreshed)
        assert row["low"] <= true <= row["high"]


@pytest.mark.parametrize("copies", [3, 5, 9])
@pytest.mark.parametrize("window", [0.5, 5.0, 40.0])
def test_exponential_gaps_make_a_poisson_process(copies, window):
    # After a copy was let through, as many come within the window as such a process has events.
    through = [1.0]
    for number in range(1, copies):
        came = poisson.pmf(np.arange(number), window / 5)
        through.append(float(np.dot(through, came[::-1])))
    found = windows.slipped_share(gap=exponential_law(mean=5), window=window, copies=copies)
    assert found == pytest.approx(np.mean(through[1:]), abs=1e-6)


@pytest.mark.parametrize("refreshed", [False, True])
def test_ids_that_come_at_random_moments(refreshed):
    world = scenario(rate=50, service="0s", accounts=100, duration="400s")
    cache = DedupCache(window_s=3.0, refreshed=refreshed)
    arrived = in_order(payments(es.run(world).tables))
    known = [not cache.apply(each._replace(message_id=each.account)) for each in arrived]
    true = remembered_share(rates=[0.5], memory=3.0, refreshed=refreshed)
    assert sum(known) / len(known) == pytest.approx(true, abs=0.02)


def test_the_closed_form_of_two_copies_is_the_share_that_is_late():
    law = exponential_law(mean=5)
    late = late_share(law=law, limit=10)
    assert windows.slipped_share(gap=law, window=10) == pytest.approx(late)
    assert windows.slipped_share(gap=law, window=10, copies=9, refreshed=True) == late
    assert windows.slipped_share(gap=law, window=10, copies=9) > 2 * late


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"window": -1}, "limit is -1|must be positive"),
        ({"window": 1, "copies": 1}, "copies is 1"),
    ],
)
def test_bad_numbers_are_named(bad, why):
    with pytest.raises(ValueError, match=why):
        windows.slipped_share(gap=exponential_law(mean=5), **bad)


@pytest.mark.parametrize("window_s", [7, 12, 30])
def test_the_window_of_a_channel_counts_from_the_copy_that_it_stored(window_s):
    """As SQS FIFO and JetStream do: what is sent again is held against a cache, not refreshed."""
    world = scenario(rate=5, service="0s", duration="100s").replace(
        {
            "producers.shop.link": {"acknowledgement_loss_probability": 0.5},
            "producers.shop.publishing": {
                "request_timeout": "5s",
                "retry": "immediate(max_attempts=5)",
            },
            "channels.charges.deduplication": {"by": "message_id", "window": f"{window_s}s"},
        }
    )
    sent = es.run(world).messages
    assert sent["attempts"].max() == 5
    one = Message(message_id=1, account=1, version=1, amount=20, total=20, at=0.0)
    for attempts, copies in zip(sent["attempts"], sent["copies"], strict=True):
        cache = DedupCache(window_s=window_s)
        stored = sum(cache.apply(one._replace(at=5.0 * number)) for number in range(attempts))
        assert copies == stored
