"""What is measured in a process of its own: ``python -m benchmarks.tasks NAME ARGUMENTS``.

The arguments are a JSON object, and so is the last line that is printed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.measuring import fastest, peak_mib
from benchmarks.worlds import PIPELINE

WARM_UP_MESSAGES = 50


def run_pipeline(*, messages: int, record: str, repeats: int) -> dict[str, Any]:
    """Simulate the pipeline on the compiled engine; time and memory."""
    import eda_sim as es

    recording: dict[str, Any] = {} if record == "full" else {"record": record}

    def run(count: int) -> es.Run:
        return es.run(PIPELINE.scenario(count), engine="compiled", **recording)

    run(WARM_UP_MESSAGES)
    before = peak_mib()
    made, seconds = fastest(lambda: run(messages), repeats)
    peak = peak_mib()
    if record == "full":
        done = int((made.trace.deliveries["effect"] > 0).sum())
    else:
        done = int(made.guarantee()["exactly_once"].sum())
    assert done == messages, f"{done:,} of {messages:,} messages took effect"
    return {
        "record": record,
        "messages": messages,
        **seconds._asdict(),
        "ns_per_message": seconds.cpu_s / messages * 1e9,
        "peak_before_mib": before,
        "peak_mib": peak,
    }


TASKS: dict[str, Callable[..., dict[str, Any]]] = {"run_pipeline": run_pipeline}


if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](**json.loads(sys.argv[2]))))
