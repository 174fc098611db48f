"""A line through loads of up to 10^5 events, held against a load of 10^6.

``python -m benchmarks.replay``, on a store of SQLite in memory without snapshots; a minute or two.
"""

from __future__ import annotations

from eda_sim.patterns.sourcing import replay_cost

FITTED = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
HELD_OUT = 1_000_000


def main() -> None:
    """Measure, fit, foretell, and say by how much the prediction was off."""
    cost = replay_cost.fit(replay_cost.measure(FITTED, repeats=9))
    foretold = cost.predict([HELD_OUT]).iloc[0]
    measured = replay_cost.measure([HELD_OUT], repeats=3)["seconds"].median()
    for name, row in cost.interval().iterrows():
        print(f"{name}: {row['value']:.3g} s ({row['low']:.3g} to {row['high']:.3g})")
    print(
        f"{HELD_OUT:,} events: foretold {foretold['value']:.2f} s "
        f"({foretold['low']:.2f} to {foretold['high']:.2f}), measured {measured:.2f} s, "
        f"off by {foretold['value'] / measured - 1:+.1%}"
    )


if __name__ == "__main__":
    main()
