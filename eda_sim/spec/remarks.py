"""Remarks: what is allowed in a scenario and yet probably not meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eda_sim.spec.errors import Path, Problem

if TYPE_CHECKING:
    from eda_sim.spec.scenario import Scenario


def remarks(scenario: Scenario) -> tuple[Problem, ...]:
    """Point out what a scenario may contain without effect.

    These are no errors: that a thirteenth member of a group gets none of twelve partitions is
    something to see in a run.

    Parameters
    ----------
    scenario : Scenario
        A valid scenario.

    Returns
    -------
    tuple of Problem
        Where and what; empty for most scenarios.

    Examples
    --------
    >>> from eda_sim.spec import load
    >>> wide = load("checkout").replace({"consumers.billing.instances": 13})
    >>> str(remarks(wide)[0])
    'consumers.billing: 13 members share the 12 partitions of orders, so 1 get none'
    """
    return (*_idle_members(scenario), *_unread_channels(scenario), *_late_faults(scenario))


def _idle_members(scenario: Scenario) -> Iterator[Problem]:
    for name, consumer in scenario.consumers.items():
        if consumer.subscription.lease_scope != "partition":
            continue
        members = consumer.instances * consumer.concurrency
        for channel in consumer.reads:
            partitions = scenario.channels[channel].partitions
            if members > partitions:
                message = (
                    f"{members} members share the {partitions} partitions of {channel}, "
                    f"so {members - partitions} get none"
                )
                yield Problem(path=("consumers", name), message=message)


def _unread_channels(scenario: Scenario) -> Iterator[Problem]:
    read = {channel for consumer in scenario.consumers.values() for channel in consumer.reads}
    letters = {consumer.subscription.dead_letter for consumer in scenario.consumers.values()}
    for name in scenario.channels:
        if name not in read and name not in letters:
            yield Problem(path=("channels", name), message="no consumer reads it")


def _late_faults(scenario: Scenario) -> Iterator[Problem]:
    for number, fault in enumerate(scenario.faults):
        if scenario.duration is None or scenario.drain or fault.at is None:
            continue
        if fault.at >= scenario.duration:
            path: Path = ("faults", number, "at")
            yield Problem(path=path, message="comes after the end of the run")
