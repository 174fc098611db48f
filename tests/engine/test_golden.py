"""The bundled scenarios, to the last bit: a change of behaviour is meant, or it is a mistake.

If it is meant, say so in the commit and write the digests anew, from the root of the project:
``python -m tests.engine.test_golden``.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from pathlib import Path

import pytest

from eda_sim.engine.execute import execute
from eda_sim.spec import load, scenarios

FILE = Path(__file__).with_name("golden.json")
MOST_MESSAGES = 30_000


def digest(name: str) -> str:
    """Return the digest of a bundled scenario, cut short where it is long."""
    return execute(load(name).replace({"messages": MOST_MESSAGES})).digest()


def mathematics() -> str:
    """Return a digest of what this platform thinks of logarithms, powers and the like.

    IEEE 754 leaves their last bit open, so another C library may give another run.
    """
    points = [number / 997 for number in range(1, 2000)]
    functions = (math.log, math.exp, math.sqrt, math.sin, lambda x: math.pow(x, 0.37))
    values = [function(point) for point in points for function in functions]
    return hashlib.sha256(struct.pack(f"<{len(values)}d", *values)).hexdigest()[:16]


@pytest.mark.rule("L7")
@pytest.mark.parametrize("name", scenarios())
def test_a_bundled_scenario_runs_as_it_always_did(name):
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    if golden["mathematics"] != mathematics():
        pytest.skip("this platform's mathematics differ in the last bit")
    message = "if this is meant, run: python -m tests.engine.test_golden"
    assert golden["digests"].get(name) == digest(name), message


def main() -> None:
    """Write the digests of today."""
    golden = {
        "mathematics": mathematics(),
        "digests": {name: digest(name) for name in scenarios()},
    }
    FILE.write_text(json.dumps(golden, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
