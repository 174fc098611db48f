"""Event sourcing: aggregates, snapshots, replay and rebuilds, on a real event store."""
