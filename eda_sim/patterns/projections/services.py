"""Command side and query side as services of their own, each with its own instances.

The *command side* takes commands, decides, and writes events: they are the truth from then on. A
*query side* follows these events and keeps a view of them that is made for reading (a projection).
Each query side of :func:`scenario` is a replica of that view: it has its own subscription and is
behind in its own way.

References
----------
.. [1] G. Young, "CQRS documents" (2010): command query responsibility segregation.
.. [2] M. Kleppmann, "Designing Data-Intensive Applications" (2017), chapters 5 and 11: problems
   with replication lag; deriving several views from the same event log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eda_sim.analysis.tables import Tables
from eda_sim.spec import Scenario

CUSTOMERS, COMMANDS, COMMAND_SIDE, EVENTS = "customers", "commands", "command-side", "events"
QUERY_SIDE = "query-side"


def scenario(
    *,
    rate: float,
    command: str,
    project: str,
    replicas: int = 1,
    command_instances: int = 1,
    query_instances: int = 1,
    users: int = 1000,
    duration: str | float = "2min",
    warmup: str | float = "10s",
    subscription: Mapping[str, Any] | None = None,
    seed: int = 1,
) -> Scenario:
    """Return a command side, and query sides that follow its events.

    Parameters
    ----------
    rate : float
        Commands per second (Poisson).
    command, project : str
        The time that the command side needs for a command, and a query side to apply an event:
        distributions, such as ``"exponential(10ms)"``.
    replicas : int
        Query sides, each with all events.
    command_instances, query_instances : int
        Instances of the command side, and of each query side. The events have as many partitions as
        a query side has instances, by the user's key.
    users : int
        Different keys of the commands, all equally active.
    duration, warmup : str or float
        Of the run, and of what its statistics leave out (s without a unit).
    subscription : mapping, optional
        Further fields of the query sides' subscriptions, such as ``{"fetch_min_bytes": 50_000}``.
    seed : int
        Of all random numbers.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        If a distribution or a number is not valid.

    Examples
    --------
    >>> shop = scenario(
    ...     rate=80, command="exponential(5ms)", project="exponential(10ms)", replicas=2
    ... )
    >>> list(shop.consumers)
    ['command-side', 'query-side-0', 'query-side-1']
    """
    consumers: dict[str, Any] = {
        COMMAND_SIDE: {
            "reads": COMMANDS,
            "service": command,
            "instances": command_instances,
            "emits": EVENTS,
        }
    }
    for number in range(replicas):
        consumers[f"{QUERY_SIDE}-{number}"] = {
            "reads": EVENTS,
            "service": project,
            "instances": query_instances,
            "subscription": {"lease_scope": "partition", **(subscription or {})},
        }
    return Scenario.model_validate(
        {
            "name": "cqrs",
            "seed": seed,
            "duration": duration,
            "warmup": warmup,
            "producers": {
                CUSTOMERS: {"to": COMMANDS, "rate": rate, "key": f"uniform(n={users})"},
            },
            "channels": {COMMANDS: {}, EVENTS: {"partitions": query_instances}},
            "consumers": consumers,
        }
    )


def query_sides(tables: Tables) -> list[str]:
    """Return the names of the consumers that follow the events.

    Parameters
    ----------
    tables : Tables
        Of a run of :func:`scenario`, or of one whose events go through a channel ``events``.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If nobody reads a channel of that name.

    Examples
    --------
    >>> import eda_sim as es
    >>> law = "exponential(1ms)"
    >>> run = es.run(scenario(rate=10, command=law, project=law, duration="20s"))
    >>> query_sides(run.tables)
    ['query-side-0']
    """
    subscriptions = tables.subscriptions
    found = [str(name) for name in subscriptions["consumer"][subscriptions["channel"] == EVENTS]]
    if not found:
        message = f"nobody reads a channel {EVENTS!r}; there are {', '.join(tables.names)}"
        raise ValueError(message)
    return found
