"""The one switch between compiled and interpreted: ``@jit``.

A function under ``@jit`` is written in the part of Python that Numba compiles, and gives the same
bits with and without Numba. Numba is an accelerator here, never a condition:

- without Numba, or with ``EDA_SIM_INTERPRETED=1`` in the environment (read once, at import), the
  decorator returns the function as it is;
- compiled code is kept on disk, beside the package or in the user's cache directory; where neither
  can be written, functions are compiled anew in every process.

Numba knows that kept code is out of date only if the *file of that function* changed, not if a
function that it calls has changed in another file. So the fingerprint of all files that hold
compiled code is made part of what Numba compares.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_ENGINE = Path(__file__).resolve().parent.parent
_ROOMS_WITH_COMPILED_CODE = ("streams", "compiled")


@contextlib.contextmanager
def _without_vector_library() -> Iterator[None]:
    """Keep Numba from Intel's SVML, whose log and exp differ from libm's in the last bit."""
    name = "NUMBA_DISABLE_INTEL_SVML"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _fingerprint() -> str:
    """Return a digest of all source that can end up in compiled code."""
    state = hashlib.blake2s(digest_size=16)
    paths = sorted(_ENGINE.glob("lineage.py"))
    for room in _ROOMS_WITH_COMPILED_CODE:
        paths += sorted((_ENGINE / room).rglob("*.py"))
    for path in paths:
        state.update(path.relative_to(_ENGINE).as_posix().encode())
        state.update(path.read_bytes())
    return state.hexdigest()


def _identity(function: Function) -> Function:
    return function


class Jit(NamedTuple):
    """What stands between Python and Numba.

    Attributes
    ----------
    jit : callable
        The decorator.
    keep_current : callable
        Lets kept code of a dispatcher or unit count as stale when any compiled source changed.
    without_literals : callable
        Lets a dispatcher take a constant for any number.
    is_compiled : bool
        Whether there is Numba at all.
    """

    jit: Callable[[Function], Function]
    keep_current: Callable[[Any], None]
    without_literals: Callable[[Any], None]
    is_compiled: bool


def _make_jit() -> Jit:
    nothing = Jit(_identity, _identity, _identity, is_compiled=False)
    if os.environ.get("EDA_SIM_INTERPRETED", "") not in ("", "0"):
        return nothing
    try:
        with _without_vector_library():
            import numba
    except ImportError:
        return nothing
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":  # Numba itself is the identity
        return nothing
    # A package without files (a zip) has no fingerprint; Numba then falls back to its own stamps.
    try:
        fingerprint = _fingerprint()
    except OSError:
        fingerprint = ""

    def keep_current(compiled: Any) -> None:
        # Numba offers no public way to widen the stamp; a test fails if this way is closed one day.
        cache_file: Any = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
        stamp = getattr(cache_file, "_source_stamp", None)
        if stamp is not None:
            cache_file._source_stamp = (stamp, fingerprint)  # noqa: SLF001 - see above

    def without_literals(compiled: Any) -> None:
        # Else a caller's every constant among the arguments would be one more compilation.
        types: Any = numba.types

        def get_call_template(arguments: Any, keywords: Any) -> Any:
            plain = tuple(types.unliteral(kind) for kind in arguments)
            return type(compiled).get_call_template(compiled, plain, keywords)

        compiled.get_call_template = get_call_template

    def compile_lazily(function: Function) -> Function:
        try:
            compiled: Any = numba.njit(cache=True, nogil=True)(function)
        except RuntimeError:  # "no locator available": there is no directory to write to
            compiled = numba.njit(nogil=True)(function)
        keep_current(compiled)
        without_literals(compiled)
        return compiled  # type: ignore[no-any-return]

    return Jit(compile_lazily, keep_current, without_literals, is_compiled=True)


jit, keep_current, without_literals, COMPILED = _make_jit()
