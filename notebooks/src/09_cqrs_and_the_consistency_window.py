# ---
# jupyter:
#   parameter_sets:
#     another seed: {seed: 7, replications: 6, seconds: 60}
#     longer runs: {seed: 8, replications: 5, seconds: 90}
#     another unit of time: {seed: 11, replications: 6, seconds: 48, project_ms: 8.0}
# ---

# %% [markdown]
# # Live with the consistency window: who reads right after a write reads the past
#
# ```
#  bidders ── 80 bids a second ──>  command side ── events ──>  query side  <── pages
#                                   (takes bids)               (shows bids)
# ```
#
# **What you will do.** Split an auction into a side that takes bids and a side that shows them,
# measure how long the two differ, crash one of them, and compare six ways to hide it from bidders.
#
# **What you will learn**
#
# 1. to say, with numbers, how likely a read sees a write some time after it, and what decides that;
# 2. to name what goes wrong for one customer (read-your-writes, monotonic reads), and to choose a
#    remedy by what it costs, also on a bad day;
# 3. to carry the same question over to replicated databases and their consistency levels.
#
# **What you need.** Python, and the words *mean* and *percentile*: 99 % of the windows are at most
# p99, the 99th percentile. About 45 minutes; all cells together compute for less than one.

# %% [markdown]
# ## The pain
#
# The auction has split writing from reading: one service decides about bids, another one shows them.
# (That is *CQRS*, command query responsibility segregation.) Pages got fast, and no bid is ever lost.
# But of 80 bidders a second, eleven do not find their own bid on the page that reloads 100 ms later.
# One in ten of them bids again, against herself, and wants the difference back: at 4 € each that is
# more than 4 € a second.

# %%
import math

import ipywidgets
import pandas as pd

import eda_sim as es

projections = es.patterns.projections

# %% tags=["parameters"]
seed: int = 13  # of all random numbers; the same seed gives the same lesson
project_ms: float = 10.0  # mean time that a query side needs to apply one event, in milliseconds
seconds: int = 60  # simulated time of one run
replications: int = 10  # independent runs behind each estimate, at least 5

# %% [markdown]
# ## Predict
#
# A result that you have predicted, rightly or wrongly, stays with you; one that you have only read
# does not. Write your letter into the cell instead of `None`, and run it. Your answer stays in
# this notebook, and the result will stand beside it.

# %%
prediction = es.lessons.predict(
    "The query side needs 10 ms for an event, and 80 come each second. A page reloads 100 ms after "
    "the bid. How many bidders do not see their own bid on it?",
    [
        ("nobody: 100 ms is ten times as long as it takes", 0, 0.002),
        ("about one in a hundred", 0.002, 0.04),
        ("about one in seven", 0.04, 0.3),
        ("more than half: 80 % load is too much", 0.3, 1),
    ],
    choice=None,
)
prediction

# %% [markdown]
# ## The smallest model
#
# The **command side** takes a bid, decides whether it counts, and writes an *event*: "Ann bids 20 €".
# From then on it is true. A **query side** follows the events, one after the other, and keeps a
# *projection*: a table made for the page. The time between the two is the **consistency window** of
# that event: who reads meanwhile reads the past, and neither side is broken.

# %%
capacity = 1000 / project_ms  # events per second that one query side can apply
reload_s = 10 * project_ms / 1000  # the page reloads so long after the bid

settings = {
    "rate": 0.8 * capacity,
    "command": f"exponential({project_ms / 5}ms)",  # the time that a command takes
    "project": f"exponential({project_ms}ms)",  # the time until an event is in the projection
    "users": 2000,
    "duration": seconds,
    "warmup": seconds / 6,
    "seed": seed,
}
auction = projections.services.scenario(**settings)
one = es.run(auction)
es.lessons.show(
    one.plot.topology(),
    alt="A chain: customers send to the channel commands, which the command side reads; it sends to "
    "the channel events, which query-side-0 reads.",
)

# %% [markdown]
# That is the whole model: two services, two channels. Commands come at random moments, `exponential`
# work means that a few events need much longer than most, and the query side takes its events in
# their order, as the consumer of a Kafka partition does. The first sixth of a run is *warm-up*: the
# system starts empty, which is not how it lives, so statistics leave that out.
#
# ## One run
#
# *Staleness* at a moment: how old is the oldest event that the view does not show yet? It is 0 when
# everything is there.

# %%
moments = [seconds / 6 + step * seconds / 800 for step in range(667)]
es.lessons.show(
    es.plots.consistency.staleness(
        projections.consistency.staleness_over_time(one.tables, times=moments),
        title="Never broken, and out of date four fifths of the time",
    ),
    alt="Staleness of query-side-0 in one run: a jagged line that is mostly below 50 ms, falls to 0 "
    "again and again, and has a few peaks of 150 to 215 ms.",
)

# %%
window = projections.consistency.consistency_window(one.tables)
in_ms = window.quantile([0.5, 0.9, 0.99]).set_index("quantile")[["value", "low", "high"]] * 1000
in_ms.round(1)

# %% [markdown]
# In milliseconds: half of the events are visible after some 30, three times what applying one takes.
# `low` and `high` are the ends of the 95 % interval; at 99 % one run has seen too little for an honest
# one (`NaN`). So:
#
# ## Many runs, and the whole distribution
#
# `replication=0, 1, 2, ...` are independent runs: same scenario, other random numbers. The question
# is now that of the page: *if I read so long after the write, how likely do I see it?*

# %%
runs = [es.run(auction, replication=number).tables for number in range(replications)]
after = [reload_s * share for share in (0, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 2.5, 3)]
fresh = projections.consistency.freshness(*runs, after=after)

spare = capacity - 0.8 * capacity  # events per second that the query side could do beyond its load
theory = pd.DataFrame({"after_s": [reload_s * step / 50 for step in range(151)]})
theory["fresh"] = [1 - math.exp(-spare * time) for time in theory["after_s"]]
es.lessons.show(
    es.plots.consistency.freshness(
        fresh,
        theory=theory,
        objective=0.99,
        title="99 % of the reads are fresh only 230 ms after the write",
    ),
    alt="The share of fresh reads against the time since the write rises steeply from 0, is 63 % "
    "at 50 ms, 87 % at 100 ms, and reaches the line of the objective, 99 %, at about 230 ms. The dots "
    "of the simulation lie on the grey curve of theory, with short bars for their intervals.",
)

# %%
stale = 1 - fresh.set_index("after_s")["fresh"][reload_s]
prediction.beside(stale, says=f"{100 * stale:.1f} % do not; by theory 13.5 %: one in seven.")

# %% tags=["claim"]
held = [
    row.low <= 1 - math.exp(-spare * row.after_s) <= row.high
    for row in fresh.itertuples()
    if row.after_s > 0
]
assert sum(held) >= 0.6 * len(held)
assert abs(stale - math.exp(-2)) < 0.045
assert prediction.right(stale) == "c"
assert round(100 * math.exp(-2), 1) == 13.5
unseen = 80 * math.exp(-2)
assert round(unseen) == 11
assert 4 < unseen * 0.1 * 4 < 5, "euros a second"
assert round(math.log(100) / 20, 2) == 0.23
assert 2 < in_ms.loc[0.5, "value"] / project_ms < 5, "about three times"
if seed == 13:
    assert in_ms.loc[0.99, ["low", "high"]].isna().all()

# %% [markdown]
# ## Look closely
#
# The event that waited longest in the first run: what was expected, and what was there?

# %%
waited = window.table
worst = waited.loc[waited["seconds"].idxmax()]
applied = one.deliveries[one.deliveries["consumer"] == "query-side-0"].sort_values("started_at")

# It stood in a busy spell, which began when the query side last had nothing to do.
idle_before = applied["started_at"] > applied["finished_at"].shift(fill_value=0.0)
begins = applied.loc[idle_before, "started_at"]
begin = begins[begins <= worst["created_at"]].max()
spell = applied[applied["started_at"].between(begin, worst["created_at"])]
came = waited["created_at"].between(begin, worst["created_at"]).sum()
length = worst["created_at"] - begin

pd.DataFrame(
    {
        "expected": [0.8 * capacity, project_ms, 1000 / spare],
        "actual": [
            came / length,
            1000 * (spell["finished_at"] - spell["started_at"]).mean(),
            1000 * worst["seconds"],
        ],
    },
    index=["events per second", "mean time to apply one [ms]", "window of the event [ms]"],
).round(1)

# %%
es.lessons.show(
    one.plot.timeline(
        "query-side-0", between=(worst["created_at"] - 0.1, worst["created_at"] + worst["seconds"])
    ),
    alt="The lane of query-side-0 around the worst event: two dozen pieces of work of very different "
    "lengths, back to back without a gap, and above them thin grey lines for events that wait.",
)

# %% [markdown]
# A busy spell: for a while more events came than on average, and heavier ones. Whoever bid at its end
# did not see her bid for more than a fifth of a second. Nothing in any log says so.
#
# ## Why
#
# **The window is a queue.** What a reader waits for is not the 10 ms of her own event but all that
# stands in front of it. The query side is a server with a queue, and its *spare capacity* decides: it
# could apply $\mu = 100$ events a second, $\lambda = 80$ come, so 20 are spare. With random arrivals and
# exponential work (M/M/1) the window is exponentially distributed:
#
# $$P(\text{fresh after } t) = 1 - e^{-(\mu - \lambda)\,t}.$$
#
# Its mean is 1/20 s = 50 ms, five times the work of one event. (Events leave the command side at
# random moments like the bids themselves: Burke's theorem, if the command side is M/M/1, too.)
#
# **A window belongs to an event, staleness to a moment.** Somebody who looks at a random moment finds
# a view that is 40 ms old on average, and in one of five cases one that is up to date: that is the
# share of time in which the query side has nothing to do.

# %%
ages = [
    projections.consistency.staleness_over_time(
        tables, times=[seconds / 6 + step * seconds / 6000 for step in range(5000)]
    )["staleness_s"]
    for tables in runs
]
ages = pd.concat(ages)
pd.DataFrame(
    {
        "simulated": [1000 * ages.mean(), 100 * (ages == 0).mean()],
        "theory": [
            1000 * es.theory.age_of_oldest_mean(arrival_rate=0.8 * capacity, service_rate=capacity),
            100 * (1 - 0.8),
        ],
    },
    index=["mean staleness [ms]", "up to date [% of the time]"],
).round(1)

# %% tags=["claim"]
assert abs(ages.mean() * spare / 0.8 - 1) < 0.25, "40 ms if an event takes 10 ms"
assert abs((ages == 0).mean() - 0.2) < 0.05
assert 1000 * worst["seconds"] > 2.5 * 1000 / spare, "the worst window is far beyond the mean"
if seed == 13:
    assert worst["seconds"] > 0.2

# %% [markdown]
# ## What one customer sees
#
# Big sites have several query sides, with a load balancer in front. Each has *all* events, and each
# is behind in its own way. Now two things can go wrong for Ann:
#
# - **read-your-writes** is violated when she does not see what she has written herself;
# - **monotonic reads** is violated when she sees something older than a moment ago: her first page
#   came from a query side that is ahead, the next one from another that is behind.
#
# After each bid she reads three times, with 100 ms between two reads on average.

# %%
pair = projections.services.scenario(**settings | {"replicas": 2, "duration": seconds * 5 / 3})


def with_reads(scenario, numbers=range(5)):
    """Run a scenario some times; return the tables of each run, and its bidders' reads."""
    tables = [es.run(scenario, replication=number).tables for number in numbers]
    return [
        (each, projections.reads.sample_reads(each, think_s=reload_s, replication=number))
        for number, each in zip(numbers, tables, strict=True)
    ]


calm = with_reads(pair)
served = projections.reads.serve(*calm[0], "any")
pd.DataFrame(
    {"share of reads [%]": [100 * served["stale"].mean(), 100 * served["older"].mean()]},
    index=["read-your-writes violated", "monotonic reads violated"],
).round(1)

# %% tags=["claim"]
assert 0.09 < served["stale"].mean() < 0.24
assert 0.01 < served["older"].mean() < 0.08
if seed == 13:
    assert round(1 / served["stale"].mean()) == 7
    assert round(1 / served["older"].mean()) == 29

# %% [markdown]
# One read in seven lacks her own bid, and one in thirty shows less than she has seen before.
#
# ## Break it: one query side crashes
#
# `query-side-1` is down for ten seconds (a new version, say), and comes back. Events wait for it
# meanwhile; nothing is lost.

# %%
second = es.lessons.predict(
    "It is down for 10 s at 80 % load. For how long is its view out of date?",
    [
        ("10 s: when it is back, it is back", 0, 12),
        ("about 20 s: what took 10 s to pile up takes 10 s to clear", 12, 30),
        ("about 50 s", 30, 75),
        ("for ever: it never catches up", 75, math.inf),
    ],
    choice=None,
)
second

# %%
outage = seconds / 6
broken = pair.replace(
    {"faults": [{"crash": "query-side-1", "at": f"{seconds / 2}s", "lasts": f"{outage}s"}]}
)
hurt = es.run(broken)
moments = [seconds / 6 + step * seconds / 400 for step in range(600)]
es.lessons.show(
    es.plots.consistency.staleness(
        projections.consistency.staleness_over_time(hurt.tables, times=moments),
        faults=hurt.faults,
        title="Ten seconds down, out of date for fifty",
    ),
    alt="Staleness of two query sides. While query-side-1 is down, for ten seconds from second 30 on, "
    "its staleness climbs in a straight line to 10 s, and then falls slowly and unevenly to 0, which "
    "it reaches after second 75. query-side-0 stays near 0 all the time.",
)

# %%
behind = [
    outage + es.run(broken, replication=number).recovery()["recovery_s"].item()
    for number in range(replications)
]
times = pd.Series(behind).mean() / outage
second.beside(
    10 * times, says=f"{10 * times:.0f} s on average of {replications} runs; by theory 50 s."
)

# %% tags=["claim"]
by_theory = es.theory.outage(arrival_rate=80, capacity=100, duration=10)
assert round(10 + by_theory.drain_time) == 50
assert abs(times - 5) < 1.2
assert second.right(10 * times) == "c"

# %% [markdown]
# In ten seconds 800 events pile up, and only the spare capacity, 20 a second, works them off: 40
# seconds more. A query side that is sized for its load alone has long bad days.
#
# ## Options, compared
#
# **First: a shorter window.** Each option runs with *the same random numbers*: bid 1017 needs the same
# work in every option, so the differences are not luck. The change of p99 is computed run by run, in
# pairs, with its 95 % interval. With four partitions the events are split by bidder, and each instance
# applies its own part, in order. With `fetch.min.bytes` the broker waits until so many bytes are there
# before it answers, but no longer than `fetch.max.wait.ms`: 500 ms, if nobody says otherwise.

# %%
query = "consumers.query-side-0"
options = {
    "as it is": auction,
    "4 instances, 4 partitions": projections.services.scenario(**settings, query_instances=4),
    "up to 50 events in one transaction": auction.replace({f"{query}.batch_max_messages": 50}),
    "a tenth fewer events": auction.replace({"producers.customers.rate": 0.72 * capacity}),
    "fetch.min.bytes = 100000": auction.replace({f"{query}.subscription.fetch_min_bytes": 100_000}),
}
FOR_AND_AGAINST = {
    "as it is": ("nothing to do", "the pain above"),
    "4 instances, 4 partitions": (
        "a quarter of the load for each",
        "order is kept for a key alone",
    ),
    "up to 50 events in one transaction": (
        "no machine more: a batch costs one write",
        "a batch that fails fails for all",
    ),
    "a tenth fewer events": ("no change of the query side", "somebody must do without"),
    "fetch.min.bytes = 100000": ("fewer requests to the broker", "waits up to fetch.max.wait.ms"),
}
rows, p99_of_runs = {}, {}
for name, scenario in options.items():
    tables = [es.run(scenario, replication=number).tables for number in range(5)]
    windows = [projections.consistency.consistency_window(each) for each in tables]
    p99_of_runs[name] = [each.quantile(0.99)["value"].item() for each in windows]
    median, p99 = 1000 * windows[0].pooled(*windows[1:]).quantile([0.5, 0.99])["value"]
    times = pd.Series(p99_of_runs[name]) / p99_of_runs["as it is"]
    margin = 2.776 * times.sem()  # Student's t of 5 pairs, 95 %
    at_reload = projections.consistency.freshness(*tables, after=[reload_s])["fresh"].item()
    rows[name] = {
        "p50 [ms]": round(median),
        "p99 [ms]": round(p99),
        "p99, times": f"{times.mean():.2f} ± {margin:.2f}",
        "stale at the reload [%]": round(100 * (1 - at_reload), 1),
        "for": FOR_AND_AGAINST[name][0],
        "against": FOR_AND_AGAINST[name][1],
    }
shorter = pd.DataFrame(rows).T
shorter

# %% [markdown]
# Batches are the cheap remedy: the longer the queue, the more one transaction takes along. The last
# row is a classic: somebody saved requests, and now half of the windows are longer than 450 ms.
#
# **Second: hide the window.** Six ways to serve a read, on the pair of query sides, on a calm day and
# on the day of the crash. All of them meet the same bids and the same reads.
#
# - `any`: whichever query side the load balancer picks, at once;
# - `sticky`: always the same one for the same customer, at once;
# - `wait`: any of them, but not before 200 ms after the customer's last bid;
# - `token`: any of them, which waits until it has the customer's last bid. The command returns the
#   number of its event, a *version token*, and the page hands it in;
# - `session token`: the same, and until it has all that the customer has seen before;
# - `command side`: nobody else, since it knows everything.

# %%
wait_s = 2 * reload_s
limit_s = 2 * reload_s
crash_day = with_reads(broken)
WAYS = {
    "any": ("fast, simple", "both guarantees are broken"),
    "sticky": ("never goes back in time", "own writes are missing all the same"),
    "wait": ("no change of the query side", "most reads wait, and it is never enough"),
    "token": ("own writes are there", "waits for a query side that is down"),
    "session token": ("both guarantees hold", "waits a little more often"),
    "command side": ("both guarantees hold", "all reads hit the side that takes the bids"),
}


def compared(world, **more):
    return projections.reads.costs(*world, wait_s=wait_s, **more).set_index("option")


def readable(costs):
    return pd.DataFrame(
        {
            "own write missing [%]": (100 * costs["stale"]).round(1),
            "back in time [%]": (100 * costs["older"]).round(1),
            "wait [%]": (100 * costs["waits"]).round(1),
            "mean wait [ms]": (1000 * costs["wait_mean_s"]).round(),
            "p99 wait [ms]": (1000 * costs["wait_p99_s"]).round(),
        }
    )


good_day, bad_day = compared(calm), compared(crash_day)
readable(good_day).assign(**pd.DataFrame(WAYS, index=["for", "against"]).T)

# %%
readable(bad_day)

# %% tags=["claim"]
for day in (good_day, bad_day):
    assert (day.loc[["token", "session token", "command side"], "stale"] == 0).all()
    assert (day.loc[["sticky", "session token", "command side"], "older"] == 0).all()
    assert day.loc["any", "stale"] > 0.08
    assert day.loc["token", "older"] > 0.005
assert 0.1 < good_day.loc["any", "stale"] < 0.22
assert good_day.loc["token", "wait_mean_s"] < good_day.loc["wait", "wait_mean_s"] / 4
assert good_day.loc["wait", "stale"] < 0.05
assert bad_day.loc["wait", "stale"] > 0.15
assert good_day.loc["wait", "older"] > good_day.loc["any", "older"]
assert bad_day.loc["token", "wait_p99_s"] > 30 * good_day.loc["token", "wait_p99_s"]
assert (
    shorter.loc["up to 50 events in one transaction", "p99 [ms]"]
    < 0.6 * shorter.loc["as it is", "p99 [ms]"]
)
assert (
    shorter.loc["4 instances, 4 partitions", "p99 [ms]"] < 0.5 * shorter.loc["as it is", "p99 [ms]"]
)
assert 350 < shorter.loc["fetch.min.bytes = 100000", "p50 [ms]"] < 600
if seed == 13:
    assert shorter.loc["fetch.min.bytes = 100000", "p50 [ms]"] > 450

# %% [markdown]
# - **Sticky** reads repair only the way back in time. The own write is as often missing as before.
# - **Waiting** holds up three reads in five for the sake of a few, and on the bad day it does not help.
#   It even sends more reads back in time: what was held up is answered at one moment, by both sides.
# - **A token** waits only where it must, one read in six, and only as long as it must. But it turns
#   staleness into waiting: on the bad day one read in a hundred hangs for nearly ten seconds. Ann
#   would rather have seen an old page.
#
# So give the token a **time-out**, and let the command side answer then:

# %%
with_limit = compared(crash_day, options=["token", "session token"], timeout_s=limit_s)
readable(with_limit).assign(
    **{"command side answers [%]": (100 * with_limit["command_side"]).round(1)}
)

# %% tags=["claim"]
assert (with_limit["wait_p99_s"] <= limit_s + 1e-9).all()
assert (with_limit["stale"] == 0).all()
assert with_limit.loc["session token", "older"] == 0
assert 0.1 < with_limit.loc["session token", "command_side"] < 0.45
assert 1 / 9 < good_day.loc["token", "waits"] < 1 / 4, "one in six"
assert 0.5 < good_day.loc["wait", "waits"] < 0.7, "three in five"
if seed == 13:
    assert 9 < bad_day.loc["token", "wait_p99_s"] < 10

# %% [markdown]
# With the session token nothing is broken any more, and nobody waits longer than 200 ms. The price:
# the command side answers nearly a third of the reads on that day. Can it? That is a question of *its*
# spare capacity.
#
# ## The same question in a database
#
# A replicated database has the same window, between its replicas. In the style of Amazon's Dynamo
# (Apache Cassandra, ScyllaDB, Riak) a write goes to all N replicas, and is *committed* once W of them
# have acknowledged it; a read asks all N and takes the newest of the first R answers. In Cassandra's
# words R and W are the consistency levels: `ONE` is 1, `QUORUM` of three is 2, `ALL` is 3. If
# R + W > N, the two groups must overlap, and every read is fresh. If not, four times decide: until a
# replica has the write, until its acknowledgement is back, until a replica has the read, and until
# its answer is back. That is the model **WARS** of *probabilistically bounded staleness* (PBS) by
# Bailis and others (2012), here with the times that they fitted to LinkedIn's store on spinning disks.

# %%
quorums = projections.quorums
store = quorums.scenario(
    write=quorums.LINKEDIN_DISK_WRITE,
    acknowledge=quorums.LINKEDIN_FAST,
    read=quorums.LINKEDIN_FAST,
    respond=quorums.LINKEDIN_FAST,
    replicas=3,
    writes=20_000,
    interval_s=5.0,
    seed=seed,
)
trips = [quorums.legs(es.run(store, replication=number).tables) for number in range(5)]
levels = [(1, 1), (1, 2), (2, 1), (2, 2)]
curves = pd.concat(
    [
        quorums.freshness(
            *trips,
            reads=read,
            writes=write,
            after=[step / 1000 for step in (0, 1, 2, 4, 7, 10, 15, 20)],
        )
        for read, write in levels
    ],
    ignore_index=True,
)
es.lessons.show(
    es.plots.consistency.freshness(
        curves, title="More than N together are always fresh; less takes its time"
    ),
    alt="The share of fresh reads against the time since the commit, for four pairs of levels. R=2, "
    "W=2 is 100 % at once. R=1, W=1 begins at 44 % and is 93 % after 10 ms. R=1, W=2 begins at 71 %, "
    "and R=2, W=1 at 76 %, which is the faster one to come near 100 %.",
)

# %%
rows = {}
for read, write in levels:
    own = curves[curves["consumer"] == f"R={read}, W={write}"].set_index("after_s")["fresh"]
    slow = {
        f"{request} p99.9 [ms]": 1000
        * pd.concat([quorums.latencies(trip, request=request, needed=needed) for trip in trips])[
            "seconds"
        ].quantile(0.999)
        for request, needed in (("read", read), ("write", write))
    }
    rows[f"R={read}, W={write}"] = {
        "fresh at once [%]": 100 * own[0.0],
        "fresh after 10 ms [%]": 100 * own[0.01],
        **slow,
    }
cells = pd.DataFrame(rows).T
cells.round(1)

# %% tags=["claim"]
# Printed in the paper: 43.9 % at once, 92.5 % after 10 ms; 10.99 and 20.97 ms for W = 1 and 2.
assert abs(cells.loc["R=1, W=1", "fresh at once [%]"] - 43.9) < 1.5
assert abs(cells.loc["R=1, W=1", "fresh after 10 ms [%]"] - 92.5) < 1.5
assert abs(cells.loc["R=1, W=1", "write p99.9 [ms]"] / 10.99 - 1) < 0.12
assert abs(cells.loc["R=1, W=2", "write p99.9 [ms]"] / 20.97 - 1) < 0.12
assert cells.loc["R=2, W=2", "fresh at once [%]"] == 100
assert (
    1.7
    < cells.loc["R=2, W=2", "write p99.9 [ms]"] / cells.loc["R=1, W=1", "write p99.9 [ms]"]
    < 2.2
)

# %% [markdown]
# The paper prints 43.9 % and 92.5 % for R = W = 1, and 10.99 and 20.97 ms for the writes: our cells
# agree. `QUORUM` on both sides is always fresh, and the slowest write in a thousand (p99.9) takes twice
# as long. "Eventually" has a number, and whether 92.5 % after 10 ms is good enough is a question for
# the business, not for the database.
#
# ## The same for real: a store whose queries cannot write
#
# Two sides are two sides only if nobody can go around. Here is a small real store in SQLite. Each
# side has a connection of its own, with its own permissions: the command side appends events, the
# projection writes the read model, and the connection of the query side is read-only.

# %%
small = projections.store.Store.temporary(
    read_model="CREATE TABLE IF NOT EXISTS best (lot TEXT PRIMARY KEY, euros REAL, bidder TEXT)"
)


def bid(model, event):
    model.execute(
        "REPLACE INTO best VALUES (?, ?, ?)", [event["lot"], event["euros"], event["bidder"]]
    )


commands, queries = small.command_side(), small.query_side("best")
follower = small.projection("best", {"bid": bid})
token = commands.append("lot-7", ("bid", {"lot": "clock", "euros": 20, "bidder": "Ann"}))
print("token:", token, "| the query side shows position", queries.position)

try:
    queries.query("SELECT * FROM best", at_least=token, timeout_s=0.05)
except projections.store.NotYetVisibleError as error:
    print("too early:", error)

follower.catch_up()
print("caught up:", queries.query("SELECT * FROM best", at_least=token))

try:
    queries.query("UPDATE best SET euros = 1 WHERE lot = 'clock'")
except projections.store.NotAllowedError as error:
    print("refused:", error)

# %% tags=["claim"]
assert queries.query("SELECT euros FROM best") == [(20.0,)]
assert (token, queries.position) == (1, 1)
small.close()

# %% [markdown]
# ## Turn the knobs yourself
#
# Move a slider and let go. Try: what does a batch of two do at 95 % load? At which load is the page
# right for 99 % of the bidders?


# %%
def explore(load, reload_ms, instances, batch):
    """Simulate a minute after warm-up, and draw how likely a read is fresh."""
    scenario = projections.services.scenario(
        rate=load,
        command="exponential(2ms)",
        project="exponential(10ms)",
        query_instances=instances,
        users=2000,
        duration="70s",
        warmup="10s",
        seed=seed,
    ).replace({"consumers.query-side-0.batch_max_messages": batch})
    tables = es.run(scenario).tables
    times = [reload_ms * step / 5000 for step in range(11)]
    found = projections.consistency.freshness(tables, after=times)
    missing = 100 * (1 - found["fresh"].iloc[5])
    title = f"{missing:.1f} % of the bidders miss their own bid after {reload_ms} ms"
    axes = es.plots.consistency.freshness(found, objective=0.99, title=title)
    return es.lessons.show(axes, alt=f"The share of fresh reads over time. {title}.")


# %% tags=["nbval-ignore-output"]
slider = {"continuous_update": False}
ipywidgets.interact(
    explore,
    load=ipywidgets.IntSlider(value=80, min=10, max=200, step=5, description="bids/s", **slider),
    reload_ms=ipywidgets.IntSlider(
        value=100, min=10, max=1000, step=10, description="reload [ms]", **slider
    ),
    instances=ipywidgets.IntSlider(value=1, min=1, max=8, description="instances", **slider),
    batch=ipywidgets.IntSlider(value=1, min=1, max=50, description="batch", **slider),
)

# %% [markdown]
# Without a kernel there are no sliders. This is what one setting shows:

# %%
explore(load=95, reload_ms=100, instances=1, batch=2)

# %% [markdown]
# ## Exercises
#
# The checks measure what your answer *does*; there are other right answers than ours.
#
# ### 1. How long must the page wait?
#
# The query side is the one of the smallest model: 80 bids a second, 10 ms for an event. After how many
# *seconds* are 99 % of the reads fresh? To within 10 %. Use the curve, the sliders, or the formula.
#
# <details><summary>Hint</summary>When is $e^{-(\mu - \lambda)\,t}$ one in a hundred?</details>

# %% tags=["exercise"]
patience_s = ...  # seconds

# %% tags=["solution"]
patience_s = math.log(100) / (100 - 80)  # 0.23 s


# %% tags=["check"]
def judge_patience(answer):
    if answer >= 10:
        return es.lessons.hint("that is in milliseconds; the question is for seconds.")
    share = math.exp(-20 * answer)  # M/M/1, which the runs above agree with
    said = f"after {1000 * answer:.0f} ms {100 * share:.2g} % of the reads are stale."
    if share > 0.02 or answer > 0.4:
        return es.lessons.keep_working(said)
    if not 0.9 < answer / (math.log(100) / 20) < 1.1:
        return es.lessons.almost(f"{said} To within 10 %, please.")
    return es.lessons.correct(f"{said} That is 23 times the work of one event.")


es.lessons.check(patience_s, judge_patience, name="patience_s")

# %% [markdown]
# ### 2. Repair it
#
# "The broker gets too many requests", said a colleague, and turned a knob. Since then *every* page is
# old. Repair it with `slow.replace({...})`: 99 % of the windows within 300 ms, with the same bids and
# the same work per event.

# %%
slow = projections.services.scenario(
    rate=80,
    command="exponential(2ms)",
    project="exponential(10ms)",
    duration="60s",
    warmup="10s",
    subscription={"fetch_min_bytes": 200_000, "fetch_max_wait": "2s"},
)


def p99_of(scenario):
    """Return the 99th percentile of the consistency window, in seconds."""
    windows = [
        projections.consistency.consistency_window(es.run(scenario, replication=number).tables)
        for number in range(3)
    ]
    return windows[0].pooled(*windows[1:]).quantile(0.99)["value"].max()


print(f"99 % of the windows are within {p99_of(slow):.1f} s")

# %% [markdown]
# <details><summary>Hint</summary>An event has 1000 bytes. How long does it take until 200,000 are
# there? Both knobs have defaults that were better.</details>

# %% tags=["exercise"]
repaired = ...  # slow.replace({...})

# %% tags=["solution"]
# Answer as soon as there is anything; the path of a knob is that in the file.
repaired = slow.replace({"consumers.query-side-0.subscription.fetch_min_bytes": 1})


# %% tags=["check"]
def judge_repair(scenario):
    if not isinstance(scenario, es.Scenario):
        return es.lessons.keep_working("`repaired` is to be an `es.Scenario`.")
    if scenario.producers != slow.producers:
        return es.lessons.hint("the bids are no longer the same; fewer bids are another repair.")
    if any(
        scenario.consumers[name].service != consumer.service
        for name, consumer in slow.consumers.items()
    ):
        return es.lessons.hint("the work is no longer the same; faster work is another repair.")
    found = p99_of(scenario)
    said = f"99 % of the windows are within {1000 * found:.0f} ms."
    if found > 1.0:
        return es.lessons.keep_working(said)
    if found > 0.3:
        return es.lessons.almost(said)
    return es.lessons.correct(f"{said} A long poll costs nothing while nothing is there.")


es.lessons.check(repaired, judge_repair, name="repaired")

# %% [markdown]
# ### 3. Size the query side
#
# A larger auction: 150 bids a second, exponential 2 ms on the command side, exponential 10 ms for a
# query side to apply an event. Make a scenario with `projections.services.scenario(...)` in which at
# most 1.5 % of the reads are stale 100 ms after the write, with as few instances of the query side as
# possible. Give it `duration="60s"` and `warmup="10s"`.
#
# <details><summary>Hint</summary>Each instance has partitions of its own, so each is a queue of its
# own, with its share of the events. What spare capacity does <em>one</em> of them need?</details>

# %% tags=["exercise"]
larger = ...  # projections.services.scenario(...)


# %% tags=["solution"]
def larger_with(instances):
    return projections.services.scenario(
        rate=150,
        command="exponential(2ms)",
        project="exponential(10ms)",
        query_instances=instances,
        duration="60s",
        warmup="10s",
    )


# ln(1 / 0.015) / 0.1 s = 42 events a second must be spare in each: 150 / n below 58, so n is 3.
larger = larger_with(3)


# %% tags=["check"]
def stale_after_100_ms(scenario):
    tables = [es.run(scenario, replication=number).tables for number in range(5)]
    return 1 - projections.consistency.freshness(*tables, after=[0.1])["fresh"].min()


def judge_larger(scenario):
    if not isinstance(scenario, es.Scenario):
        return es.lessons.keep_working("`larger` is to be an `es.Scenario`.")
    sides = [name for name in scenario.consumers if name.startswith("query-side")]
    if len(sides) != 1:
        return es.lessons.hint(
            "one query side with several instances, not several query sides: each of those would "
            "have to apply all events."
        )
    one_run = es.run(scenario)
    came = (one_run.messages["channel"] == "events").sum() / one_run.ended_at
    took = one_run.service(sides[0]).table["seconds"].mean()
    if not 143 < came < 157:
        return es.lessons.keep_working(f"{came:.0f} events a second come, not 150.")
    if not 0.0095 < took < 0.0105:
        return es.lessons.keep_working("applying an event does not take 10 ms on average.")
    instances = scenario.consumers[sides[0]].instances
    if instances < 2:
        return es.lessons.hint("150 events of 10 ms are 1.5 s of work a second: one cannot do it.")
    found = stale_after_100_ms(scenario)
    said = f"with {instances} instances {100 * found:.2g} % of the reads are stale after 100 ms."
    if found > 0.015:
        return es.lessons.keep_working(said)
    if instances > 3:
        return es.lessons.almost(f"{said} Fewer would do.")
    return es.lessons.correct(f"{said} One less would not do.")


es.lessons.check(larger, judge_larger, name="larger")

# %% [markdown]
# ## How true is this model?
#
# **Left out here:** the reads themselves (they cost the query side nothing here, and in truth they
# compete with the projection); caches and content networks, which have windows of their own; network
# and disk of the broker; clocks that differ between machines; failed events that block a partition;
# rebuilding a projection from all events. Several query sides apply an event in independent times,
# where a heavy event is heavy for all of them in truth. In the quorums no message is ever lost or
# queued, no read repairs what it found to be old, and replicas do not exchange writes behind the
# scenes; real stores do all of that, so they are fresher than here when they are well, and worse when
# they are overloaded. And Cassandra asks only as many replicas as it needs, not all of them.
#
# **Where the knobs are in real life.** Rate and time per event are no settings; measure them.
#
# | here | Kafka | RabbitMQ | SQS | JetStream | Redis Streams |
# |---|---|---|---|---|---|
# | watch the window | `records-lag-max` | messages ready | `ApproximateAgeOfOldestMessage` | `num_pending` | `lag` of `XINFO GROUPS` |
# | `fetch_max_messages` | `max.poll.records` (500) | `basic.qos` prefetch (no limit) | `MaxNumberOfMessages` (1, at most 10) | batch of the fetch | `COUNT` (no limit) |
# | `fetch_min_bytes` | `fetch.min.bytes` (1) | none: pushed | none | none | none |
# | `fetch_max_wait` | `fetch.max.wait.ms` (500) | none: pushed | `ReceiveMessageWaitTimeSeconds` (0) | `expires` | `BLOCK` |
# | `query_instances` | members of one `group.id`, with a partition each | a queue per shard | `MessageGroupId` | a subject per shard | a key per shard |
# | version token | offset of the record | none | `SequenceNumber` (FIFO) | `seq` of the acknowledgement | id that `XADD` returns |
#
# | here | PostgreSQL | MySQL | MongoDB | Cassandra |
# |---|---|---|---|---|
# | window | `replay_lag` | `Seconds_Behind_Source` | replication lag | until all replicas have it |
# | version token | LSN, held against `pg_last_wal_replay_lsn()` | `WAIT_FOR_EXECUTED_GTID_SET()` | `afterClusterTime` | none |
# | wait at the write | `synchronous_commit = remote_apply` | `group_replication_consistency = AFTER` | write concern | level of the write |
# | R and W | none | none | read and write concern | `ONE`, `QUORUM`, `ALL` |
#
# In brackets: the default.
#
# ## Summary
#
# - You **said with a number** what "eventually" means: after 100 ms one read in seven was stale, after
#   230 ms one in a hundred. The window is a queue, and spare capacity decides.
# - You **named and repaired** what one customer sees: sticky reads do not go back in time, tokens show
#   the own write, session tokens do both; on a bad day a token needs a time-out.
# - You **carried it over** to quorums, and met the cells that a paper printed.
#
# ### Recall
#
# <details><summary>A view is 10 s behind after an outage. It can apply 100 events a second, and 90
# come. When is it up to date?</summary>900 events wait, and 10 a second are spare: in 90 s.</details>
#
# <details><summary>Sticky sessions are switched on. Which complaint stays?</summary>"My own change is
# missing." Only going back in time is repaired.</details>
#
# <details><summary>Why is a version token better than a fixed wait, and when is it worse?</summary>It
# waits only for those whose event is not there yet, and just so long. If the query side is down, it
# waits as long as that is down: it needs a time-out.</details>
#
# <details><summary>N = 3, and reads and writes are at <code>QUORUM</code>. Why is no read
# stale?</summary>2 + 2 > 3: the two that answer cannot both lack what two have
# acknowledged.</details>
#
# ### Further reading
#
# - G. Young, "CQRS documents" (2010).
# - D. B. Terry and others, "Session guarantees for weakly consistent replicated data", PDIS (1994).
# - W. Vogels, "Eventually consistent", *Communications of the ACM* 52 (2009), 40-44.
# - P. Bailis and others, "Probabilistically bounded staleness for practical partial quorums", *PVLDB*
#   5 (2012), 776-787.
# - M. Kleppmann, *Designing Data-Intensive Applications* (2017), chapter 5: problems with replication
#   lag.
