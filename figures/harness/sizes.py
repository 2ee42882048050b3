"""The settings with which a verdict was reached, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MANY = 6  # values of a setting up to which all are printed; of more the first and the last


def settings_in_words(settings: Mapping[str, Any]) -> str:
    """Names with values; of many values the first and the last.

    >>> settings_in_words({"samples": 10_000, "widths": (32, 64), "amplitudes": tuple(range(9))})
    'samples 10,000, widths 32 and 64, amplitudes 0 to 8 (9 values)'
    """
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in settings.items())


def _value(value: Any) -> str:
    if isinstance(value, tuple | list):
        if len(value) > MANY:
            return f"{_value(value[0])} to {_value(value[-1])} ({len(value)} values)"
        words = [_value(entry) for entry in value]
        return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
