"""Scenarios: what can be simulated, as values that are checked and written to files.

A :class:`Scenario` holds producers, channels, consumers and faults by name. It is made in Python or
read from YAML (:func:`load`), and a variant of it is made with :meth:`Scenario.replace`. Whatever
is wrong with it is a :class:`ScenarioError` of one line. Nothing here simulates.
"""

from eda_sim.spec.arrivals import (
    ConstantArrivals,
    ModulatedArrivals,
    PiecewiseArrivals,
    PoissonArrivals,
    RenewalArrivals,
    TraceArrivals,
)
from eda_sim.spec.channels import Append, Channel, PublishDeduplication
from eda_sim.spec.consumers import Consumer, Deduplication, Emission
from eda_sim.spec.distributions import (
    Constant,
    Empirical,
    Erlang,
    Exponential,
    Hyperexponential,
    Lognormal,
    Mixture,
    Pareto,
    Uniform,
    Weibull,
)
from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.faults import (
    AckLoss,
    Bug,
    Crash,
    Delay,
    Duplication,
    Hang,
    Loss,
    Partition,
    Pause,
    PowerLoss,
    Slow,
    Stop,
)
from eda_sim.spec.files import bundled_text, dump, load, parse_value, scenarios
from eda_sim.spec.links import Link
from eda_sim.spec.presets.base import Broker, Default
from eda_sim.spec.presets.catalogue import brokers, check_broker
from eda_sim.spec.producers import (
    NoKeys,
    Producer,
    TraceKeys,
    UniformKeys,
    ZipfKeys,
)
from eda_sim.spec.publishing import Publishing
from eda_sim.spec.remarks import remarks
from eda_sim.spec.replication import Replication
from eda_sim.spec.scenario import Scenario
from eda_sim.spec.schema import json_schema
from eda_sim.spec.subscriptions import Subscription

__all__ = [
    "AckLoss",
    "Append",
    "Broker",
    "Bug",
    "Channel",
    "Constant",
    "ConstantArrivals",
    "Consumer",
    "Crash",
    "Deduplication",
    "Default",
    "Delay",
    "Duplication",
    "Emission",
    "Empirical",
    "Erlang",
    "Exponential",
    "Hang",
    "Hyperexponential",
    "Link",
    "Lognormal",
    "Loss",
    "Mixture",
    "ModulatedArrivals",
    "NoKeys",
    "Pareto",
    "Partition",
    "Pause",
    "PiecewiseArrivals",
    "PoissonArrivals",
    "PowerLoss",
    "Problem",
    "Producer",
    "PublishDeduplication",
    "Publishing",
    "RenewalArrivals",
    "Replication",
    "Scenario",
    "ScenarioError",
    "Slow",
    "Stop",
    "Subscription",
    "TraceArrivals",
    "TraceKeys",
    "Uniform",
    "UniformKeys",
    "Weibull",
    "ZipfKeys",
    "brokers",
    "bundled_text",
    "check_broker",
    "dump",
    "json_schema",
    "load",
    "parse_value",
    "remarks",
    "scenarios",
]
