"""Runs hand their memory on: nothing of an earlier run is seen, and nothing is taken too early."""

import threading

import numpy as np

from eda_sim.engine.compiled import memory
from eda_sim.engine.compiled.buffers import BUFFERS, Buffers
from eda_sim.engine.compiled.simulation import simulate
from eda_sim.engine.plan import make_plan
from eda_sim.engine.twins import first_difference
from eda_sim.spec import load


def all_touched(cells):
    return cells.size


def plan_of(messages, seed=1):
    return make_plan(load("checkout").replace({"messages": messages}), seed=seed)


def test_an_array_is_lent_again_only_when_no_view_of_it_is_left():
    lender = Buffers()
    first = lender.lend(100, touched=all_touched)
    address, view = first.ctypes.data, first.reshape(10, 10)[3:, 2]
    del first
    assert lender.kept == 0
    assert lender.lend(100, touched=all_touched).ctypes.data != address
    lender.forget()
    del view
    assert lender.kept == 1
    assert lender.lend(50, touched=all_touched).ctypes.data == address


def test_the_smallest_array_that_is_large_enough_is_lent():
    lender = Buffers()
    held = [lender.lend(size, touched=all_touched) for size in (40, 10, 20)]
    del held
    assert lender.kept == 3
    assert lender.lend(15, touched=all_touched).size == 20


def test_no_more_is_kept_than_allowed_and_the_oldest_goes_first():
    lender = Buffers(most_kept=100)
    old, new = (lender.lend(size, touched=all_touched) for size in (60, 50))
    del old
    assert lender.kept == 1
    del new
    assert lender.kept == 1
    assert lender.lend(1, touched=all_touched).size == 50
    large = lender.lend(101, touched=all_touched)
    del large
    assert lender.lend(1, touched=all_touched).size == 1


def test_what_was_touched_once_stays_touched():
    lender = Buffers(most_kept=100)
    array = lender.lend(1000, touched=lambda cells: 60)
    del array
    array = lender.lend(1000, touched=lambda cells: 1)
    other = lender.lend(30, touched=all_touched)
    another = lender.lend(20, touched=all_touched)
    del array, other
    assert lender.kept == 2
    del another
    assert lender.kept == 2, "20 and 30 cells leave no room for 60"


def test_threads_never_share_an_array():
    lender, wrong = Buffers(), []

    def work(number):
        for _ in range(200):
            array = lender.lend(64, touched=all_touched)
            array[:] = number
            if (array != number).any():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert 1 <= lender.kept <= 8


def test_whatever_stands_in_the_memory_a_run_is_the_same(monkeypatch):
    plan = plan_of(2_000)
    expected = simulate(plan)
    for rubbish in (0, 1, -1, 3, 0x5555555555555555, np.iinfo(np.int64).min):
        lender = Buffers()

        def lend(count, *, touched, lender=lender, rubbish=rubbish):
            array = lender.lend(count, touched=touched)
            array[:] = rubbish
            return array

        monkeypatch.setattr(memory.BUFFERS, "lend", lend)
        assert first_difference(expected, simulate(plan)) is None, rubbish


def test_a_trace_keeps_its_rows_while_others_run():
    trace = simulate(plan_of(2_000))
    BUFFERS.forget()
    for messages in (500, 2_000):
        simulate(plan_of(messages, seed=7))
    assert first_difference(trace, simulate(plan_of(2_000))) is None
