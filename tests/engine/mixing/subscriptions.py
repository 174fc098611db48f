"""Strategies for subscriptions that can be run: queues of every kind, and groups."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.engine.mixing.drawing import (
    DELAY,
    SHORT,
    Data,
    Draw,
    milliseconds,
    options,
    retry_policies,
    sometimes,
)


@st.composite
def queues(draw: Draw, settle: str) -> Data:
    """A subscription with a lease on each delivery, without its dead letters."""
    scope = draw(st.sampled_from(("delivery", "delivery", "connection", "group")))
    ways = ("pull", "push", "endpoint") if scope == "delivery" else ("pull", "push")
    delivery = draw(st.sampled_from(ways))
    endpoint, closes = delivery == "endpoint", scope == "connection" or delivery == "endpoint"
    queue: Data = {"lease_scope": scope, "delivery": delivery}
    if delivery == "pull":
        queue |= draw(pulls())
    if not endpoint and settle != "auto" and sometimes(draw):
        shared = delivery == "pull" or sometimes(draw)
        queue["max_outstanding"] = draw(st.integers(1, 5))
        queue["outstanding_scope"] = "subscription" if shared else "instance"
    queue |= draw(clocks(closes))
    if not endpoint and queue.get("on_disconnect") != "hold":
        queue |= options(draw, {"connection_timeout": DELAY}, one_in=4)
    if not closes:
        late = st.sampled_from(("honoured", "refused"))
        queue |= options(draw, {"late_acknowledgement": late}, one_in=2)
    if endpoint or sometimes(draw):
        queue["redelivery"] = draw(retry_policies())
    queue |= options(draw, {"nack_redelivery": retry_policies()}, one_in=4)
    if scope != "group" and not endpoint:
        queue |= options(draw, {"priorities": st.integers(2, 3)}, one_in=4)
        positions = ["original", "head"] + ["tail"] * ("priorities" not in queue)
        queue |= options(draw, {"requeue_position": st.sampled_from(positions)})
    return queue | draw(limits())


@st.composite
def pulls(draw: Draw) -> Data:
    pull = options(draw, {"fetch_max_messages": st.integers(1, 5)}, one_in=2)
    wait = draw(st.sampled_from((None, "0s", "5ms", "20ms")))
    if wait is not None:
        pull["fetch_max_wait"] = wait
        if wait == "0s" or sometimes(draw):
            pull["poll_interval"] = draw(SHORT)
        if wait != "0s" and sometimes(draw):
            pull["fetch_min_messages"] = draw(st.integers(1, pull.get("fetch_max_messages", 1)))
    return pull


@st.composite
def clocks(draw: Draw, closes: bool) -> Data:
    """How the leases of a queue run out."""
    kinds = ("none", "timeout") if closes else ("none", "timeout", "timeout", "backoff")
    kind = draw(st.sampled_from(kinds))
    if kind == "none":
        return {}
    if kind == "backoff":
        clock: Data = {"lease_backoff": draw(st.lists(DELAY, min_size=1, max_size=3))}
    else:
        clock = {"lease_timeout": draw(milliseconds(5, 8, 10, 20, 50))}
    if closes:
        return clock
    if kind == "timeout":
        renewal = st.fixed_dictionaries({"interval": milliseconds(2, 4)}, optional={"limit": DELAY})
        clock |= options(draw, {"lease_renewal": renewal})
        if sometimes(draw, 3):
            clock |= {"lease_ended_by": "client_sweep", "sweep_interval": draw(DELAY)}
    return clock | options(draw, {"on_disconnect": st.just("hold")})


@st.composite
def limits(draw: Draw) -> Data:
    """How often a copy comes back."""
    causes = st.lists(
        st.sampled_from(("timeout", "nack", "reject", "disconnect")),
        min_size=1,
        max_size=3,
        unique=True,
    )
    limit = options(draw, {"delivery_count_on": st.just("deliver") | causes})
    if sometimes(draw):
        limit["max_deliveries"] = draw(st.integers(1, 4))
        counts = limit.get("delivery_count_on", "deliver")
        if counts == "deliver" or "reject" in counts:
            limit |= options(draw, {"on_reject": st.just("requeue")})
    return limit


@st.composite
def dead_letters(draw: Draw) -> Data:
    """What becomes of what a queue gives up."""
    end = draw(st.sampled_from((None, "drop", "park", "dead_letter", "dead_letter")))
    if end != "dead_letter":
        return {} if end is None else {"on_exhausted": end}
    where: Data = {"dead_letter": "letters"}
    where |= options(draw, {"dead_letter_expired": st.just(True)})
    if sometimes(draw, 3):
        when = draw(st.sampled_from(({"at": "50ms"}, {"at": "150ms"}, {"every": "40ms"})))
        ways = {"rate": st.just("200/s"), "to": st.sampled_from(("events", "letters"))}
        where["redrive"] = when | options(draw, ways)
    return where


@st.composite
def groups(draw: Draw) -> Data:
    """A subscription with a lease on each partition."""
    settings = {
        "rebalance_protocol": st.sampled_from(("eager", "cooperative", "incremental")),
        "assignor": st.sampled_from(("round_robin", "sticky", "uniform")),
        "static_membership": st.just(False),
        "fetch_max_messages": st.integers(1, 5),
        "fetch_max_wait": SHORT,
        "fetch_min_bytes": st.sampled_from((1, 1500, 5000)),
        "rebalance_timeout": DELAY,
        "initial_rebalance_delay": SHORT,
        "assignment_interval": DELAY,
        "max_poll_interval": DELAY,
        "auto_commit_interval": DELAY,
        "auto_commit_of": st.just("delivered"),
        "start_position": st.just("latest"),
    }
    return {
        "lease_scope": "partition",
        "heartbeat_interval": draw(milliseconds(2, 3, 5)),
        "lease_timeout": draw(milliseconds(10, 20, 50)),
        **options(draw, settings),
    }
