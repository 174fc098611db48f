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
from typing import Any, TypeVar

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


def _make_jit() -> tuple[Callable[[Function], Function], Callable[[Any], None], bool]:
    nothing = (_identity, _identity, False)
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

    def compile_lazily(function: Function) -> Function:
        try:
            compiled: Any = numba.njit(cache=True, nogil=True)(function)
        except RuntimeError:  # "no locator available": there is no directory to write to
            compiled = numba.njit(nogil=True)(function)
        keep_current(compiled)
        return compiled  # type: ignore[no-any-return]

    return compile_lazily, keep_current, True


jit, keep_current, COMPILED = _make_jit()
