"""Makes a call with a spoiled argument, and says whether what came of it is to be had from a library one can trust."""

import dis
import signal
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from toymodels.trajectory import SimulationError, Trajectory

ROOT = Path(__file__).parents[2]
OURS = tuple(str(ROOT / layer) for layer in ("toymodels", "dnn", "comparisons", "figures"))
SECONDS = 10
FINE = ("own message", "answer", "too large")


class TooLong(BaseException):
    """A call took longer than anybody waits."""


@contextmanager
def at_most(seconds):
    """Raise `TooLong` after that long of the processor's time, or six times as long on a busy machine's clock."""

    def ring(signum, frame):
        raise TooLong

    clocks = {signal.SIGPROF: signal.ITIMER_PROF, signal.SIGALRM: signal.ITIMER_REAL}
    before = {number: signal.signal(number, ring) for number in clocks}
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 6 * seconds)
    try:
        yield
    finally:
        for number, clock in clocks.items():
            signal.setitimer(clock, 0)
            signal.signal(number, before[number])


def raised_by_us(error):
    """Whether the last frame is a `raise` of this suite, not a slip of Python's or another library's error."""
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return code.co_filename.startswith(OURS) and dis.opname[code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"


def numbers_in(value):
    """All float arrays inside a result."""
    if isinstance(value, Trajectory):
        value = value.data
    if isinstance(value, Mapping):
        return [array for entry in value.values() for array in numbers_in(entry)]
    if isinstance(value, list | tuple):
        return [array for entry in value for array in numbers_in(entry)]
    if hasattr(value, "detach"):
        value = value.detach().numpy()
    if isinstance(value, float | np.ndarray | np.floating | complex):
        array = np.asarray(value)
        return [array] if array.dtype.kind in "fc" else []
    return []


def has_nan(value):
    return any(np.isnan(array).any() for array in numbers_in(value))


def outcome(good, name, mutation, value, *, nan_before=False):
    """One of: own message, answer, too large, foreign error, other exception, warning, silent NaN, accepted, hang.

    Too large is a count that nobody has the memory for, where numpy says how much that would be, or the time.
    """
    try:
        with at_most(SECONDS), warnings.catch_warnings(), np.errstate(divide="warn", over="warn", invalid="warn"):
            warnings.simplefilter("error")
            result = good.call(**{name: value})
            nan_after = has_nan(result)
    except TooLong:
        asked_for = mutation == "1e9" and isinstance(value, int)
        return "too large" if asked_for else "hang", f"longer than {SECONDS} s"
    except SystemExit as ended:  # a command line says how it is used
        return "own message" if ended.code else "answer", ""
    except Warning as warning:
        return "warning", f"{type(warning).__name__}: {warning}"
    except (ValueError, TypeError, SimulationError, FileNotFoundError) as error:
        return "own message" if raised_by_us(error) else "foreign error", f"{type(error).__name__}: {error}"
    except MemoryError as error:
        return "too large" if isinstance(value, int) else "other exception", f"MemoryError: {error}"
    except Exception as error:
        return "other exception", f"{type(error).__name__}: {error}"
    if nan_after and not nan_before and "NaN" not in (good.function.__doc__ or ""):
        return "silent NaN", repr(result)[:80]
    if mutation in ("complex", "string", "strings") and not _is_free(good.arguments[name]):
        return "accepted", repr(result)[:80]
    return "answer", ""


def _is_free(value):
    """Whether a word, or an array of complex numbers, may stand there."""
    return isinstance(value, str | Mapping) or np.iscomplexobj(value)
