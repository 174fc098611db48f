"""A broker is a set of values: no rule of a run depends on its name."""

import re
from pathlib import Path

import eda_sim
from eda_sim.spec import brokers

ENGINE = Path(eda_sim.__file__).parent / "engine"
NAMES = re.compile(
    r"""["'](?:"""
    + "|".join(sorted(brokers()))
    + r"""|kafka|rabbitmq|redis|nats)["']|\.broker\b""",
    re.IGNORECASE,
)


def test_the_engine_reads_no_broker_s_name():
    files = sorted(ENGINE.rglob("*.py"))
    assert len(files) > 50
    found = [
        f"{path.relative_to(ENGINE)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if NAMES.search(line)
    ]
    assert not found
