"""Scenarios that generated tests found, made small: each broke a law, or its end, before.

The description of each says which rule, and what went wrong.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import eda_sim as es
from tests.engine.examining import examine

FOUND = sorted((Path(__file__).parent / "found").glob("*.yaml"))


def test_there_are_some():
    assert FOUND


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_what_was_found_once_stays_mended(path):
    scenario = es.load(path)
    assert scenario.description, "says what went wrong"
    trace = examine(scenario)
    assert trace.messages["created_at"].size, "something happened"
