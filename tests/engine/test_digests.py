"""One seed, one run: bit for bit, in any process, compiled or interpreted."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.plan import make_plan
from eda_sim.engine.trace import TABLES
from eda_sim.spec import Scenario, dump

pytestmark = pytest.mark.rule("L7")

SCENARIO = Scenario.model_validate(
    {
        "name": "mixed",
        "seed": 17,
        "duration": "4s",
        "drain": True,
        "producers": {
            "web": {
                "to": "orders",
                "rate": "60/s",
                "key": "zipf(s=0.9, n=500)",
                "size": "lognormal(mean=1KB, cv=1)",
                "link": {"latency": "lognormal(mean=2ms, cv=1)"},
            },
            "batch": {"to": "orders", "arrivals": "constant(interval=50ms)"},
        },
        "channels": {
            "orders": {"partitions": 5, "append": {"per_message": "1ms", "per_byte": "100ns"}},
            "done": {"partitioner": "sticky", "partitions": 3},
        },
        "consumers": {
            "billing": {
                "reads": "orders",
                "instances": 3,
                "service": "hyperexponential(mean=40ms, cv=2)",
                "link": {"latency": "1ms"},
                "dedup": {"window": "1min"},
                "emits": "done",
                "subscription": {
                    "lease_scope": "partition",
                    "lease_timeout": "500ms",
                    "heartbeat_interval": "100ms",
                },
            },
            "mailing": {
                "reads": ["done"],
                "instances": 2,
                "service": (
                    "mixture(components=[erlang(20ms, 3), pareto(5ms, 2.5)], weights=[3, 1])"
                ),
                "subscription": {
                    "delivery": "push",
                    "max_outstanding": 4,
                    "lease_timeout": "500ms",
                },
            },
        },
        "faults": [
            {"crash": "billing/1", "at": "1s", "lasts": "2s"},
            {"crash": "mailing", "at": "2s", "lasts": "300ms"},
        ],
    }
)


@pytest.fixture(scope="module")
def digest():
    return execute(SCENARIO).digest()


def digest_elsewhere(**environment: str) -> str:
    """Return the digest that a new process finds."""
    code = (
        "import sys\n"
        "from eda_sim.engine.execute import execute\n"
        "from eda_sim.spec.files import _read\n"
        "print(execute(_read(sys.stdin.read(), None, None)).digest())\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        input=dump(SCENARIO),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return result.stdout.strip()


def test_the_same_seed_gives_the_same_run(digest):
    assert execute(SCENARIO).digest() == digest
    assert execute(SCENARIO, seed=17).digest() == digest
    assert execute(SCENARIO.replace({"seed": 4}), seed=17).digest() == digest


def test_a_run_leaves_nothing_behind(digest):
    # Neither the runs before it nor the state of Python's and NumPy's own generators matters.
    execute(SCENARIO.replace({"producers.web.rate": "90/s"}))
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002 - the old global state is the one that libraries disturb
    assert execute(SCENARIO).digest() == digest


def test_every_seed_and_every_replication_is_another_run(digest):
    digests = [
        execute(SCENARIO, seed=seed, replication=replication).digest()
        for seed, replication in itertools.product([17, 18], [0, 1, 2])
    ]
    assert digests[0] == digest
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONHASHSEED": "1"}, {"PYTHONOPTIMIZE": "1"}],
    ids=lambda environment: "=".join(*environment.items()),
)
def test_another_process_finds_the_same_run(digest, environment):
    assert digest_elsewhere(**environment) == digest


def test_interpreted_and_compiled_agree(digest):
    assert digest_elsewhere(EDA_SIM_INTERPRETED="1") == digest


def test_the_plan_is_a_pure_function_of_the_scenario():
    def arrays(part: object) -> list[bytes]:
        if isinstance(part, np.ndarray):
            return [part.tobytes()]
        if isinstance(part, tuple):
            return [found for item in part for found in arrays(item)]
        return [repr(part).encode()]

    assert arrays(make_plan(SCENARIO)) == arrays(make_plan(SCENARIO))


def test_the_digest_covers_every_bit(digest):
    trace = execute(SCENARIO)
    for table, columns in TABLES.items():
        for column in columns:
            values = getattr(trace, table)[column.name]
            assert values.size > 0, f"{table} is empty: nothing is tested"
            values[-1] += 1
            assert trace.digest() != digest, f"{table}.{column.name}"
            values[-1] -= 1
    assert trace.digest() == digest


@pytest.mark.rule("R3")
@pytest.mark.parametrize("name", ["seed", "replication"])
@pytest.mark.parametrize("number", [-1, 2**32])
def test_a_number_that_would_repeat_another_run_is_refused(name, number):
    with pytest.raises(ValueError, match=f"{name}: {number} is not valid"):
        execute(SCENARIO, **{name: number})


def test_the_largest_numbers_are_accepted():
    trace = execute(SCENARIO, seed=2**32 - 1, replication=2**32 - 1)
    assert len(trace.messages["key"]) > 100
