"""Parties: what a fault can hit, and how it is written.

``billing`` is all of a consumer, ``billing/0`` its first instance; ``checkout`` is a producer;
``orders`` is a channel, ``orders/1`` its second node. Where a consumer, a producer or a channel
share a name, the section stands before it: ``channels.orders/1``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import AfterValidator, Strict, WithJsonSchema

from eda_sim.spec.errors import nearest, shown
from eda_sim.spec.names import NAME, check_name

if TYPE_CHECKING:
    from eda_sim.spec.scenario import Scenario

SECTIONS = ("consumers", "producers", "channels")
"""Sections of a scenario whose parts have faults, in the order in which a name is looked up."""


class Party(NamedTuple):
    """A target taken apart.

    Attributes
    ----------
    section : str
        Section that was written before the name; empty for none.
    name : str
        Name of a consumer, producer or channel.
    number : int or None
        Number of an instance or a node, None for all of them.
    """

    section: str
    name: str
    number: int | None


def _check_target(target: str) -> str:
    head, slash, number = target.partition("/")
    section, dot, name = head.rpartition(".")
    if dot and section not in SECTIONS:
        message = f"{shown(target)} is not valid: before the dot stands one of {_words(SECTIONS)}"
        raise ValueError(message)
    check_name(name)
    if slash and not (number.isascii() and number.isdigit() and len(number) <= 9):
        message = f"{shown(target)} is not valid: must be a name, or name/number from 0"
        raise ValueError(message)
    return target


_PATTERN = rf"^(({'|'.join(SECTIONS)})\.)?{NAME.pattern}(/[0-9]{{1,9}})?$"

Target = Annotated[
    str,
    Strict(),
    AfterValidator(_check_target),
    WithJsonSchema({"type": "string", "pattern": _PATTERN}),
]
"""A party as it is written."""


def _check_pair(targets: tuple[str, ...]) -> tuple[str, ...]:
    if len(targets) != 2:
        message = f"has {len(targets)} entries: must be two parties such as [billing/0, orders]"
        raise ValueError(message)
    return targets


Pair = Annotated[
    tuple[Target, ...],
    AfterValidator(_check_pair),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "string", "pattern": _PATTERN},
            "minItems": 2,
            "maxItems": 2,
        }
    ),
]
"""Two parties."""


def party_of(target: str) -> Party:
    """Take a target apart.

    Parameters
    ----------
    target : str
        A valid target.

    Returns
    -------
    Party
        Section, name and number.

    Examples
    --------
    >>> party_of("channels.orders/1")
    Party(section='channels', name='orders', number=1)
    """
    head, _, number = target.partition("/")
    section, _, name = head.rpartition(".")
    return Party(section, name, int(number) if number else None)


def resolve(scenario: Scenario, target: str, sections: Sequence[str] = SECTIONS) -> Party:
    """Find the part of a scenario that a target names.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    target : str
        A valid target.
    sections : sequence of str
        Sections in which it may stand.

    Returns
    -------
    Party
        With its section.

    Raises
    ------
    ValueError
        If nothing, or more than one thing, has that name, or its number is too high.
    """
    party = party_of(target)
    allowed = [section for section in SECTIONS if section in sections]
    if party.section:
        if party.section not in allowed:
            message = f"{shown(target)} is not valid: must be one of the {_words(allowed)}"
            raise ValueError(message)
        allowed = [party.section]
    parts: dict[str, Mapping[str, object]] = {
        section: getattr(scenario, section) for section in allowed
    }
    found = [section for section in allowed if party.name in parts[section]]
    if not found:
        hint = nearest(party.name, [name for section in allowed for name in parts[section]])
        message = f"no {_words([section[:-1] for section in allowed])} {party.name!r}{hint}"
        raise ValueError(message)
    if len(found) > 1:
        choice = " or ".join(f"{section}.{party.name}" for section in found)
        message = f"{shown(party.name)} is the name of several parts: write {choice}"
        raise ValueError(message)
    _check_number(scenario, found[0], party)
    return Party(found[0], party.name, party.number)


def _check_number(scenario: Scenario, section: str, party: Party) -> None:
    if party.number is None:
        return
    word, count = "instance", 0
    if section == "consumers":
        count = scenario.consumers[party.name].instances
    elif section == "channels":
        word, count = "node", nodes(scenario, party.name)
    if count == 0:
        message = f"{party.name} is one thing; leave /{party.number} away"
        raise ValueError(message)
    if party.number >= count:
        message = f"no {word} {party.number}: {party.name} has 0 to {count - 1}"
        raise ValueError(message)


def no_way_between(scenario: Scenario, first: Party, second: Party) -> str:
    """Say why no network lies between two parties.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    first, second : Party
        Resolved parties, in any order.

    Returns
    -------
    str
        Empty if there is one: between a channel and a service that publishes to it or reads it.
    """
    channels = [party for party in (first, second) if party.section == "channels"]
    if len(channels) != 1:
        return "must be a service and a channel"
    (channel,) = channels
    client = second if channel is first else first
    if channel.number is not None:
        return f"is between a service and all of {channel.name}; leave /{channel.number} away"
    if client.section == "producers":
        used = [scenario.producers[client.name].to]
    else:
        consumer = scenario.consumers[client.name]
        used = [*consumer.reads, *(emission.to for emission in consumer.emits)]
    if channel.name not in used:
        return f"{client.name} and {channel.name} have nothing to say to each other"
    return ""


def nodes(scenario: Scenario, channel: str) -> int:
    """Return how many nodes store a channel.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    channel : str
        Name of a channel.

    Returns
    -------
    int
        Its replication factor, 1 without replication.
    """
    replication = getattr(scenario.channels[channel], "replication", None)
    return 1 if replication is None else int(replication.factor)


def _words(words: Sequence[str]) -> str:
    """Join words as in a sentence.

    >>> _words(["consumer", "producer", "channel"])
    'consumer, producer or channel'
    """
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
