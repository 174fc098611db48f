"""What a preset is made of: defaults, each with the broker's own word for it and a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Literal

Part = Literal["channel", "producer", "consumer"]
"""What a default goes to: a channel, a producer that publishes to it, a consumer."""

Steps = tuple[str, ...]
"""Fields from a part of a scenario down to one of its settings, as a file names them."""

SECTIONS: Mapping[str, tuple[Part, ...]] = {
    "publishing": ("producer", "consumer"),
    "subscription": ("consumer",),
    "consumer": ("consumer",),
    "channel": ("channel",),
}
"""First word of a default's field -> the parts that it goes to."""

ANYTHING = "anything but null"
"""In ``when``: the field must be given."""


@dataclass(frozen=True, kw_only=True)
class Default:
    """One default of a broker or of its client.

    Attributes
    ----------
    field : str
        Where it goes: ``channel.``, ``publishing.``, ``subscription.`` or ``consumer.`` and the
        field there.
    value : object
        As it would be spelled in a file.
    setting : str
        The broker's own name for it; empty if it has none.
    source : str
        Where the value stands, or why it was chosen.
    chosen : bool
        The broker has no such default, or none that fits: the preset chose.
    when : mapping
        Fields, named in the same way, and what they must be for the default to hold: a value, a
        tuple of values, or :data:`ANYTHING`.
        What stands here must come before the default in its preset, or be left to the file.
    """

    field: str
    value: Any
    setting: str
    source: str
    chosen: bool = False
    when: Mapping[str, Any] = dataclass_field(default_factory=dict)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of a scenario that it goes to."""
        return SECTIONS[self.field.partition(".")[0]]

    @property
    def steps(self) -> Steps:
        """The fields from such a part down to it."""
        return steps(self.field)


@dataclass(frozen=True, kw_only=True)
class Broker:
    """A broker as a set of defaults.

    Attributes
    ----------
    name : str
        As in ``broker: kafka``.
    what : str
        What it is, in one line.
    version : str
        Of the broker and of the client whose defaults these are.
    defaults : tuple of Default
        What it sets. Of several for one field the first that holds counts.
    """

    name: str
    what: str
    version: str
    defaults: tuple[Default, ...]


def steps(field: str) -> Steps:
    """Return the steps from a part of a scenario to a field of a preset.

    Parameters
    ----------
    field : str
        As in :attr:`Default.field`.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> steps("subscription.lease_timeout"), steps("channel.replication.factor")
    (('subscription', 'lease_timeout'), ('replication', 'factor'))
    """
    section, *inside = field.split(".")
    return tuple(inside) if section in ("channel", "consumer") else (section, *inside)


def default(
    field: str, value: Any, setting: str, source: str, *, when: Mapping[str, Any] | None = None
) -> Default:
    """Return a default that the broker or its client has.

    Parameters
    ----------
    field, value, setting, source, when
        As in :class:`Default`.

    Returns
    -------
    Default
    """
    return Default(field=field, value=value, setting=setting, source=source, when=when or {})


def choice(
    field: str, value: Any, setting: str, why: str, *, when: Mapping[str, Any] | None = None
) -> Default:
    """Return a default that the preset had to choose.

    Parameters
    ----------
    field, value, setting, when
        As in :class:`Default`.
    why : str
        The reason for this value.

    Returns
    -------
    Default
    """
    return Default(
        field=field, value=value, setting=setting, source=why, chosen=True, when=when or {}
    )


def changed(defaults: tuple[Default, ...], *changes: Default) -> tuple[Default, ...]:
    """Return the defaults of a broker that differs from another one in a few.

    Parameters
    ----------
    defaults : tuple of Default
        Those of the other broker.
    *changes : Default
        Each takes the place of those of the same field, or comes last.

    Returns
    -------
    tuple of Default
    """
    new: dict[str, list[Default]] = {}
    for change in changes:
        new.setdefault(change.field, []).append(change)
    kept: list[Default] = []
    for old in defaults:
        if old.field not in new:
            kept.append(old)
        else:
            kept.extend(new[old.field])
            new[old.field] = []
    kept.extend(item for items in new.values() for item in items)
    return tuple(kept)


def without(defaults: tuple[Default, ...], *fields: str) -> tuple[Default, ...]:
    """Return defaults without those of some fields, or of all fields that begin so.

    Parameters
    ----------
    defaults : tuple of Default
        Those of another broker.
    *fields : str
        Names of fields, or their beginnings up to a dot.

    Returns
    -------
    tuple of Default
    """
    return tuple(
        item
        for item in defaults
        if not any(item.field == name or item.field.startswith(f"{name}.") for name in fields)
    )
