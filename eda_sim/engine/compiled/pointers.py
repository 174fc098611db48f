"""Pointers: how compiled code gets at the memory of a run, and calls a function by its number.

A kernel gets two pointers, to integers and to reals, and whole numbers. Nothing else crosses its
border, so Numba has no types to infer, no reference to count and little code to make: a kernel of
several thousand lines compiles in seconds, as it would in C.

Interpreted (see :mod:`eda_sim.engine.streams._jit`), the same code runs on two lists.

Functions that are called by number (an event says which) are *actions*. Each is compiled with what
it calls into a unit of its own, and its address stands in the memory of the run.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypeVar

import numpy as np

from eda_sim.engine.compiled.cells import FUNCTIONS
from eda_sim.engine.streams._jit import COMPILED, keep_current, without_literals
from eda_sim.engine.streams._jit import jit as whole

__all__ = [
    "COMPILED",
    "action",
    "addresses",
    "compile_some",
    "enter",
    "invoke",
    "is_kept",
    "is_loaded",
    "jit",
    "rows_of",
    "stretch",
]

Ints: TypeAlias = list[int]
"""The integers of a run: a pointer, or interpreted a list."""
Reals: TypeAlias = list[float]
"""The reals of a run."""
Action = Callable[[Ints, Reals, int, int, int], int]
Function = TypeVar("Function", bound=Callable[..., Any])

_ACTIONS: dict[int, Action] = {}
_ADDRESSES: dict[int, int] = {}


def action(number: int) -> Callable[[Action], Action]:
    """Register a function under a number, so that an event or another unit can call it.

    Parameters
    ----------
    number : int
        One of :mod:`eda_sim.engine.compiled.actions`.

    Returns
    -------
    decorator
        For a function of (ints, reals, a, b, c), which returns an integer.

    Raises
    ------
    ValueError
        If the number is taken.
    """

    def register(function: Action) -> Action:
        if number in _ACTIONS:
            message = f"action {number} is {_ACTIONS[number]}"
            raise ValueError(message)
        _ACTIONS[number] = function
        return jit(function)

    return register


if COMPILED:
    import numba
    from llvmlite import ir
    from numba import types
    from numba.core.ccallback import CFunc
    from numba.extending import intrinsic as _intrinsic

    # Numba has types for some of this, and not for what is done with it here.
    _numba: Any = numba
    _types: Any = types
    intrinsic: Any = _intrinsic

    def jit(function: Function) -> Function:
        """Let Numba compile a function as a part of the units that call it.

        It gets no machine code of its own and no way in from Python, which halves the time.
        """
        inner: Any = _numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)

        def without_code(flags: Any) -> Any:
            flags.no_compile = True
            return flags

        def add_overload(result: Any) -> None:
            # Callers know what they call by its entry point, which this has not: anything does.
            result = result._replace(entry_point=[].append)
            inner.targetctx.insert_user_function(
                result.entry_point, result.fndesc, [result.library]
            )
            type(inner).add_overload(inner, result)

        inner._compiler._customize_flags = without_code  # noqa: SLF001 - Numba has no option for it
        inner.add_overload = add_overload
        without_literals(inner)
        return inner  # type: ignore[no-any-return]

    _INTS = _types.CPointer(types.int64)
    _REALS = _types.CPointer(types.float64)
    _SIGNATURE = types.int64(_INTS, _REALS, types.int64, types.int64, types.int64)

    def _cast(kind: Any) -> tuple[Any, Callable[..., Any]]:
        def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(kind))

        return kind(types.int64), codegen

    @intrinsic
    def _as_ints(_context, _address):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        """Return the pointer to integers at an address."""
        return _cast(_INTS)

    @intrinsic
    def _as_reals(_context, _address):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        """Return the pointer to reals at an address."""
        return _cast(_REALS)

    @intrinsic
    def _call(_context, _address, _m, _f, _a, _b, _c):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        """Call the unit at an address."""

        def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            word = ir.IntType(64)
            pointers = [ir.IntType(64).as_pointer(), ir.DoubleType().as_pointer()]
            kind = ir.FunctionType(word, [*pointers, word, word, word])
            function = builder.inttoptr(arguments[0], kind.as_pointer())
            return builder.call(function, arguments[1:])

        words = (types.int64,) * 3
        return types.int64(types.int64, _INTS, _REALS, *words), codegen

    @intrinsic
    def _shift(_context, pointer, _offset):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        """Return a pointer so many numbers further on."""

        def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.gep(arguments[0], [arguments[1]])

        return pointer(pointer, types.int64), codegen

    @jit
    def rows_of(numbers: Any, start: int, rows: int, width: int) -> Any:
        """Return a stretch of memory as an array of rows."""
        return _numba.carray(_shift(numbers, start), (rows, width))

    @jit
    def stretch(numbers: Any, start: int, length: int) -> Any:
        """Return a stretch of memory as an array."""
        return _numba.carray(_shift(numbers, start), (length,))

    @jit
    def invoke(m: Ints, f: Reals, number: int, a: int, b: int, c: int) -> int:
        """Call an action by its number."""
        answer: int = _call(m[m[FUNCTIONS] + number], m, f, a, b, c)
        return answer

    @whole
    def _enter(ints: int, reals: int, number: int, a: int) -> int:
        return invoke(_as_ints(ints), _as_reals(reals), number, a, 0, 0)

    def enter(ints: Any, reals: Any, number: int, a: int) -> int:
        """Call an action of a run whose memory is two arrays."""
        return _enter(ints.ctypes.data, reals.ctypes.data, number, a)

    def _unit(function: Action) -> Any:
        unit: Any = CFunc(function, (_SIGNATURE.args, _SIGNATURE.return_type), {}, {"nogil": True})
        try:
            unit.enable_caching()
        except RuntimeError:  # there is no directory to write to
            pass
        else:
            keep_current(unit)
        return unit

    def is_kept(number: int) -> bool:
        """Return whether the unit of an action is on disk, compiled from the present source."""
        unit = _unit(_ACTIONS[number])
        context = unit._targetdescr.target_context  # noqa: SLF001 - Numba has no question for it
        return unit._cache.load_overload(unit._sig, context) is not None  # noqa: SLF001

    def _compile(function: Action) -> int:
        unit = _unit(function)
        unit.compile()
        _UNITS.append(unit)
        address: int = unit.address
        return address

    _UNITS: list[Any] = []
else:

    def jit(function: Function) -> Function:
        """Leave a function as it is."""
        return function

    def rows_of(numbers: Any, start: int, rows: int, width: int) -> Any:
        """Return a stretch of memory as an array of rows."""
        return np.array(numbers[start : start + rows * width]).reshape(rows, width)

    def stretch(numbers: Any, start: int, length: int) -> Any:
        """Return a stretch of memory as an array."""
        return np.array(numbers[start : start + length])

    def invoke(m: Ints, f: Reals, number: int, a: int, b: int, c: int) -> int:
        """Call an action by its number."""
        return _ACTIONS[number](m, f, a, b, c)

    def enter(ints: Any, reals: Any, number: int, a: int) -> int:
        """Call an action of a run whose memory is two lists."""
        return invoke(ints, reals, number, a, 0, 0)

    def is_kept(number: int) -> bool:
        """Return whether the unit of an action is on disk."""
        return False

    def _compile(function: Action) -> int:
        return id(function)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def _signals_later() -> Iterator[None]:
    """Let signals wait: one that comes while Numba loads a unit would be lost.

    LLVM calls back into Python then, and has nobody to pass an exception on to.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread gets signals
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        signal.signal(number, lambda one, _frame: came.append(one))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        for caught in came:
            signal.raise_signal(caught)


def is_loaded() -> bool:
    """Return whether this process has the kernel."""
    return bool(_ADDRESSES)


def compile_some(part: int, parts: int) -> int:
    """Compile one share of the units, so that several processes can do it together.

    Parameters
    ----------
    part, parts : int
        Which share, from 0, of how many.

    Returns
    -------
    int
        How many units this was.
    """
    # Neighbours share what they call, so a share is a stretch of them, not every other one.
    numbers = sorted(_ACTIONS)
    share = numbers[part * len(numbers) // parts : (part + 1) * len(numbers) // parts]
    for number in share:
        with _signals_later():
            _ADDRESSES[number] = _compile(_ACTIONS[number])
    return len(share)


def addresses(count: int) -> list[int]:
    """Return the address of each action, 0 where there is none; compile what is not yet."""
    for number, function in _ACTIONS.items():
        if number not in _ADDRESSES:
            with _signals_later():
                _ADDRESSES[number] = _compile(function)
    return [_ADDRESSES.get(number, 0) for number in range(count)]
