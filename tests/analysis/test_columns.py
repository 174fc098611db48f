"""Who is in a hurry asks for the columns that are needed, and gets the same answers."""

import numpy as np
import pandas as pd
import pytest

import eda_sim as es
from eda_sim.analysis.effects import FATES, effects_of, fates_of
from eda_sim.analysis.guarantee import counts_of, fates_counted
from eda_sim.analysis.lag import LAG, QUEUE_LENGTH, lag, queue_length
from eda_sim.analysis.tables import to_frame, to_tables


@pytest.fixture(scope="module", params=["crash", "poison", "fan_out", "redrive"])
def run(request):
    return es.run(es.load(request.param).replace({"messages": 3000, "warmup": "0s"}))


def some(run, only):
    return to_tables(run.trace, run.scenario, only=only)


def test_tables_hold_what_was_asked_for_and_nothing_else(run):
    tables = some(run, FATES)
    for name in ("messages", "copies", "deliveries", "series", "faults"):
        wanted = FATES.get(name, ())
        columns = [column for column in getattr(tables, name).columns if column != "message_id"]
        assert set(columns) <= set(wanted)
        assert set(wanted) <= set(getattr(tables, name).columns)
    whole = to_frame(run.trace, "copies")
    pd.testing.assert_frame_equal(to_frame(run.trace, "copies", ["state"]), whole[["state"]])


def test_fates_are_those_of_the_table_of_effects(run):
    seen = 0
    for consumer in run.scenario.consumers:
        fates, table = fates_of(some(run, FATES), consumer), effects_of(run.tables, consumer)
        seen += len(table)
        np.testing.assert_array_equal(
            run.messages["message_id"].to_numpy()[fates.rows], table["message_id"]
        )
        for name in ("created_at", "started_at", "effect_at", "effects", "final"):
            np.testing.assert_array_equal(getattr(fates, name), table[name])
        counted = fates_counted(fates.effects, fates.final)
        assert counted.items() <= counts_of(table).items()
    assert seen > 0


def test_lag_and_queue_need_no_more_than_their_columns(run):
    times = np.linspace(0, run.ended_at, 50)
    pd.testing.assert_frame_equal(lag(some(run, LAG), times=times), run.lag(times))
    whole = run.queue_length(times)
    pd.testing.assert_frame_equal(queue_length(some(run, QUEUE_LENGTH), times=times), whole)
    name = list(run.scenario.consumers)[-1]
    own = queue_length(some(run, QUEUE_LENGTH), times=times, consumer=name)
    wanted = whole[whole["consumer"] == name].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, wanted)
