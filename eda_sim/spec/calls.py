"""Calls: ``lognormal(mean=20ms, p99=90ms)``, a compact way to write a choice and its parameters.

A call looks like Python and is not: nothing in it is ever evaluated. It is a name and, in
parentheses, parameters by position or by name. A parameter is

- a plain number or a quantity: ``3``, ``20ms``, ``200/s``, ``5%``;
- a word: ``none``, ``murmur2``;
- a text in quotes, without escapes: ``"arrivals.csv"``;
- a list in square brackets: ``[10ms, 20ms]``;
- another call: ``mixture(components=[constant(1ms), exponential(20ms)], weights=[0.9, 0.1])``.

A name alone is a call without parameters: ``none``. Length, nesting and number of parameters are
bounded, because a scenario file may come from anyone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from eda_sim.spec.errors import shown
from eda_sim.spec.quantities import LONGEST_QUANTITY, Quantity, parse_quantity

LONGEST_CALL = 10_000
"""Characters."""
DEEPEST_NESTING = 8
"""Calls and lists inside one another."""
MOST_ITEMS = 1_000
"""Parameters of a call, or entries of a list."""

TOKEN = re.compile(
    r"""\s*(?:
      (?P<quantity>[+-]?\.?\d[\w.]*(?:(?<=[eE])[+-]\d+\w*)?(?:/[A-Za-z]+|%)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
    | "(?P<double>[^"]*)" | '(?P<single>[^']*)'
    | (?P<mark>[(),=\[\]])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True)
class Call:
    """A name with parameters.

    Attributes
    ----------
    name : str
        What is called.
    positional : tuple
        Parameters without a name, in order.
    named : dict
        Parameters by name, in order.
    """

    name: str
    positional: tuple[Literal, ...] = ()
    named: dict[str, Literal] = field(default_factory=dict)


Literal = Quantity | str | Call | list["Literal"]
"""What a parameter can be. A plain number is a Quantity of the dimension "number"."""


def parse_call(text: str) -> Call:
    """Read a call.

    Parameters
    ----------
    text : str
        For instance ``"lognormal(mean=20ms, p99=90ms)"`` or ``"none"``.

    Returns
    -------
    Call
        The name and its parameters; nothing in them was evaluated.

    Raises
    ------
    ValueError
        If the text is not one call; the message says where and why.

    Examples
    --------
    >>> parse_call("zipf(s=1.1, n=10000)").named["n"].value
    10000.0
    """
    if len(text) > LONGEST_CALL:
        message = f"{shown(text)} is not valid: longer than {LONGEST_CALL} characters"
        raise ValueError(message)
    return _Reader(text).read()


class _Reader:
    """Reads one call by recursive descent; every step consumes text, so it always ends."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.kind = ""
        self.value = ""
        self.advance()

    def read(self) -> Call:
        if self.kind != "name":
            self.refuse("must begin with a name, as in constant(20ms)")
        call = self.call(self.take(), depth=1)
        if self.kind != "end":
            self.refuse("something is left over")
        return call

    def call(self, name: str, depth: int) -> Call:
        if not self.skip("("):
            return Call(name)
        positional: list[Literal] = []
        named: dict[str, Literal] = {}
        while not self.skip(")"):
            if len(positional) + len(named) >= MOST_ITEMS:
                self.refuse(f"more than {MOST_ITEMS} parameters")
            value = self.literal(depth)
            if isinstance(value, Call) and self.skip("="):
                if value.positional or value.named:
                    self.refuse("a parameter's name must be one word")
                if value.name in named:
                    self.refuse(f"parameter {value.name!r} is given twice")
                named[value.name] = self.word(self.literal(depth))
            elif named:
                self.refuse("a parameter without a name follows one with a name")
            else:
                positional.append(self.word(value))
            self.separate(")")
        return Call(name, tuple(positional), named)

    def literal(self, depth: int) -> Literal:
        """Read one literal; a bare word comes back as a Call, until :meth:`word` decides."""
        if depth > DEEPEST_NESTING:
            self.refuse(f"nested deeper than {DEEPEST_NESTING}")
        if self.kind == "quantity":
            if len(self.value) > LONGEST_QUANTITY:
                self.refuse("a number is too long")
            return parse_quantity(self.take())
        if self.kind in ("double", "single"):
            return self.take()
        if self.kind == "name":
            return self.call(self.take(), depth + 1)
        if not self.skip("["):
            if self.kind == "end":
                self.refuse("it does not end; inside { } a call must stand in quotes")
            self.refuse("a number, name, text, list or call is missing")
        items: list[Literal] = []
        while not self.skip("]"):
            if len(items) >= MOST_ITEMS:
                self.refuse(f"more than {MOST_ITEMS} entries in a list")
            items.append(self.word(self.literal(depth + 1)))
            self.separate("]")
        return items

    @staticmethod
    def word(value: Literal) -> Literal:
        """Turn a call that was only a word into the word."""
        if isinstance(value, Call) and not value.positional and not value.named:
            return value.name
        return value

    def separate(self, closing: str) -> None:
        """Step over a comma; before the closing mark there may be none."""
        if self.skip(",") or (self.kind == "mark" and self.value == closing):
            return
        if self.kind == "end":
            self.refuse("it does not end; inside { } a call must stand in quotes")
        self.refuse(f"',' or {closing!r} is missing")

    def skip(self, mark: str) -> bool:
        if self.kind == "mark" and self.value == mark:
            self.advance()
            return True
        return False

    def take(self) -> str:
        value = self.value
        self.advance()
        return value

    def advance(self) -> None:
        match = TOKEN.match(self.text, self.at)
        if match is None:
            self.refuse("this character has no meaning here")
        self.kind = match.lastgroup or ""
        self.value = match[self.kind]
        self.at = match.end()

    def refuse(self, why: str) -> NoReturn:
        message = f"{shown(self.text)} is not valid: {why} (at character {self.at + 1})"
        raise ValueError(message)
