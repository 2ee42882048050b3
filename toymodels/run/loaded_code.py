"""Whether workers run the code that is loaded here: a file may be edited between two imports of it.

A worker that was started before an edit has the old code, one that is started after it the new; a module that is
loaded again (`importlib.reload`) is in its new state here alone.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path

from toymodels.run.source_files import PROGRAM, compiled_head, is_installed, was_edited_since_import

_LOOKED_AT: dict[str, tuple[ModuleSpec, str]] = {}


class OtherCodeError(ValueError):
    """Workers have loaded other code than this process."""


def loaded_code() -> dict[str, str]:
    """Digest by module of every file of one's own, and of the suite, that is loaded here, as it was when it was.

    A file that was edited before anybody looked has no digest that another equals; where not even that is sure, since
    Python keeps nothing compiled, it is left out, and so is the program.

    Examples
    --------
    >>> loaded_code()["toymodels.run.loaded_code"] == loaded_code()["toymodels.run.loaded_code"]
    True
    """
    for name, file in _own_modules(len(sys.modules)):
        spec = getattr(sys.modules.get(name), "__spec__", None)
        known = _LOOKED_AT.get(name)
        if spec is None or (known is not None and known[0] is spec):
            continue
        # of a module that was loaded again the state is that of now; every loading makes a new spec
        edited = known is None and os.path.exists(file) and was_edited_since_import(file, os.stat(file))
        _LOOKED_AT[name] = spec, _state(file, edited)
    return {name: digest for name, (_, digest) in _LOOKED_AT.items() if digest and name in sys.modules}


def _state(file: str, edited: bool) -> str:
    """Digest of a file; a word that equals none if it was edited after it was loaded, nothing if it may have been."""
    if not os.path.exists(file) or (edited and compiled_head(file) is None):
        return ""
    return "edited" if edited else hashlib.sha256(Path(file).read_bytes()).hexdigest()[:12]


def require_code(asked: Mapping[str, str]) -> None:
    """Refuse to work for a process whose modules are in another state than those that are loaded here.

    Parameters
    ----------
    asked : mapping of str to str
        :func:`loaded_code` of that process.

    Raises
    ------
    OtherCodeError
        Names the modules.
    """
    other = sorted(name for name, digest in loaded_code().items() if asked.get(name, digest) != digest)
    if other:
        raise OtherCodeError(
            f"workers must run the code that is loaded where they are asked, but have another state of "
            f"{', '.join(other)}: load what was edited again, and restart workers that were started by hand"
        )


@lru_cache(maxsize=1)
def _own_modules(n_modules: int) -> list[tuple[str, str]]:
    """Names and files of the modules that are neither Python's nor installed, looked up again when there are more."""
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    return [
        (name, file)
        for name, file in files.items()
        if file and file.endswith(".py") and name not in PROGRAM and not is_installed(Path(file))
    ]
