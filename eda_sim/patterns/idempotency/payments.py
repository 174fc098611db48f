"""A payment service whose acknowledgements get lost, as a scenario.

A shop sends charges to a queue, workers take them, charge, and acknowledge. The queue hands a
charge out again when it has not heard within the *visibility timeout*: because the acknowledgement
got lost, because the worker crashed, or because the work took longer than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from eda_sim.spec import Scenario

SHOP, CHARGES, PAYMENTS = "shop", "charges", "payments"


def scenario(
    *,
    rate: float,
    service: str = "exponential(1s)",
    lost_acknowledgements: float = 0.0,
    visibility_timeout: str | float = "30s",
    settle: Literal["before", "after"] = "after",
    accounts: int = 50,
    workers: int = 50,
    dedup: Mapping[str, Any] | None = None,
    crashes: Sequence[Mapping[str, Any]] = (),
    duration: str | float = "10min",
    seed: int = 1,
) -> Scenario:
    """Return a shop, a queue of charges, and workers who charge.

    Parameters
    ----------
    rate : float
        Charges per second (Poisson).
    service : str
        Time that a charge takes: a distribution.
    lost_acknowledgements : float
        Share of the acknowledgements that never reach the queue.
    visibility_timeout : str or float
        How long the queue waits for an acknowledgement (s without a unit).
    settle : {"after", "before"}
        Acknowledge after the work (*at least once*) or before it (*at most once*).
    accounts : int
        Accounts that are charged, all equally often.
    workers : int
        Who charge at the same time, each a process of its own.
    dedup : mapping, optional
        A memory of the service inside the simulation, such as ``{"window": "5min"}``.
    crashes : sequence of mapping
        Faults, such as ``{"crash": "payments/3", "at": "10s", "lasts": "5s"}``.
    duration : str or float
        For how long the shop sells (s without a unit); the run goes on until all is handled.
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
    >>> scenario(rate=5).consumers["payments"].subscription.lease_timeout
    30.0
    """
    # What a worker sends to the queue is its acknowledgement.
    lossy = {"loss": PAYMENTS, "at": "0s", "probability": lost_acknowledgements}
    return Scenario.model_validate(
        {
            "name": "payments",
            "seed": seed,
            "duration": duration,
            "drain": True,
            "drain_timeout": "1h",
            "producers": {SHOP: {"to": CHARGES, "rate": rate, "key": f"uniform(n={accounts})"}},
            "channels": {CHARGES: {}},
            "consumers": {
                PAYMENTS: {
                    "reads": CHARGES,
                    "service": service,
                    "instances": workers,
                    "settle": settle,
                    "dedup": dedup,
                    "subscription": {
                        "lease_timeout": visibility_timeout,
                        "lease_ended_by": "server_timer",
                        "on_disconnect": "hold",
                    },
                }
            },
            "faults": [*([lossy] if lost_acknowledgements else []), *crashes],
        }
    )
