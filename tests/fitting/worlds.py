"""Worlds whose runs are fitted, and the log that an operator of each would have."""

from __future__ import annotations

import numpy as np
import pandas as pd

import eda_sim as es


def world(arrivals: str, service: str, *, instances: int = 1, link: str = "0s") -> es.Scenario:
    """A queue in front of some workers."""
    return es.Scenario(
        name="original",
        messages=300_000,
        drain=True,
        producers={"clients": {"to": "jobs", "arrivals": arrivals, "link": {"latency": link}}},
        channels={"jobs": {}},
        consumers={"workers": {"reads": "jobs", "service": service, "instances": instances}},
    )


WORLDS = {
    "exponential": world("poisson(rate=60/s)", "exponential(10ms)"),
    "lognormal": world("poisson(rate=60/s)", "lognormal(mean=10ms, p99=45ms)"),
    "bursts": world(
        "mmpp(rates=[80/s, 25/s], mean_durations=[1s, 2s])", "exponential(10ms)", instances=2
    ),
    "several instances": world(
        "poisson(rate=240/s)", "lognormal(mean=20ms, p99=90ms)", instances=8, link="3ms"
    ),
    "steady arrivals, mixed services": world(
        "renewal(interval=erlang(mean=10ms, stages=3))",
        "hyperexponential(mean=18ms, cv=2)",
        instances=3,
        link="uniform(1ms, 4ms)",
    ),
    "two kinds of messages": world(
        "poisson(rate=50/s)",
        "mixture(components=[lognormal(mean=5ms, cv=0.2), lognormal(mean=40ms, cv=0.3)], "
        "weights=[9, 1])",
    ),
}


def log_of(run: es.Run) -> pd.DataFrame:
    """Created, started and finished of every message, in seconds."""
    messages = run.messages[["message_id", "created_at"]]
    log = run.deliveries[["message_id", "started_at", "finished_at"]].merge(messages)
    return log[["created_at", "started_at", "finished_at"]]


def run_of(scenario: es.Scenario, *, seed: int) -> es.Run:
    """A run on the fast engine only: the reference engine would take minutes."""
    return es.run(scenario, seed=seed, engine="compiled")


def percentiles(scenario: es.Scenario, *, seeds: range) -> np.ndarray:
    """p50, p95 and p99 of the latency in several runs together."""
    logs = pd.concat([log_of(run_of(scenario, seed=seed)) for seed in seeds])
    return np.quantile(logs["finished_at"] - logs["created_at"], [0.5, 0.95, 0.99])
