"""One self-contained HTML page of a recorded run: findings, every series over steps, half-way times on one axis."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np

from dnn.observing.diagnosis import diagnosed, half_way_times
from toymodels.run import files
from toymodels.trajectory import Trajectory

WIDTH, HEIGHT, MARGIN = 360, 150, 34  # of a panel, in pixels
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1180px;padding:0 1em;color:#222}
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:1.6em}
.panels{display:flex;flex-wrap:wrap;gap:12px}figure{margin:0}figcaption{font-size:13px}
svg{background:#fafafa;border:1px solid #ddd;max-width:100%;height:auto;box-sizing:border-box}
svg text{font:11px system-ui,sans-serif;fill:#555}
table{border-collapse:collapse;font-size:13px}td,th{padding:2px 10px;text-align:left;border-bottom:1px solid #ddd}
"""


def write_report(run: Trajectory, path: Path) -> Path:
    """Write the page.

    Parameters
    ----------
    run : Trajectory
        Of :meth:`dnn.Recorder.trajectory`.
    path : Path

    Returns
    -------
    Path
        The same.
    """
    files.write(path, page(run))
    return path


def page(run: Trajectory) -> str:
    """The page as text; it loads nothing.

    Parameters
    ----------
    run : Trajectory

    Returns
    -------
    str
    """
    findings = "".join(f"<li>{html.escape(line)}</li>" for line in diagnosed(run).splitlines())
    refused = {name.removeprefix("refused "): why for name, why in run.meta.items() if name.startswith("refused ")}
    parts = ["<h1>A training run, observed</h1>", f"<h2>Findings</h2><ul>{findings}</ul>"]
    parts.append(f"<h2>Half-way times</h2>{_half_way(run)}")
    for quantity, names in _by_quantity(run).items():
        panels = "".join(_panel(run, name) for name in names)
        parts.append(f'<h2>{html.escape(quantity)}</h2><div class="panels">{panels}</div>')
    if refused:
        rows = "".join(f"<tr><td>{html.escape(k)}</td><td>{html.escape(str(v))}</td></tr>" for k, v in refused.items())
        parts.append(f"<h2>Not to be had of this module</h2><table>{rows}</table>")
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>A training run, observed</title>'
        f"<style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def _by_quantity(run: Trajectory) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {"of the whole module": []}
    for name in run.data:
        layer, _, quantity = name.rpartition("/")
        groups.setdefault(f"{quantity}, by layer" if layer else "of the whole module", []).append(name)
    return {title: names for title, names in groups.items() if names}


def _across(run: Trajectory) -> np.ndarray:
    """Places of the records on a logarithmic axis of steps, 0 to 1; step 0 stands where the first step does."""
    logs = np.log10(np.maximum(run.t, min(run.t[run.t > 0], default=1.0)))
    return (logs - logs[0]) / max(logs[-1] - logs[0], 1e-9)


def _panel(run: Trajectory, name: str) -> str:
    values = run[name]
    low, high = float(values.min()), float(values.max())
    span = high - low or 1.0
    x = MARGIN + _across(run) * (WIDTH - MARGIN - 10)
    y = HEIGHT - 22 - (values - low) / span * (HEIGHT - 40)
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    dots = "".join(
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2"><title>step {t:g}: {v:.5g}</title></circle>'
        for a, b, t, v in zip(x, y, run.t, values, strict=True)
    )
    labels = (
        f'<text x="4" y="16">{high:.3g}</text><text x="4" y="{HEIGHT - 22}">{low:.3g}</text>'
        f'<text x="{MARGIN}" y="{HEIGHT - 5}">step {run.t[0]:g}</text>'
        f'<text x="{WIDTH - 6}" y="{HEIGHT - 5}" text-anchor="end">{run.t[-1]:g}</text>'
    )
    return (
        f'<figure><svg {_size(WIDTH, HEIGHT)} role="img" aria-label="{html.escape(name)}">'
        f'<polyline points="{line}" fill="none" stroke="#0072B2" stroke-width="1.5"/><g fill="#0072B2">{dots}</g>'
        f"{labels}</svg><figcaption>{html.escape(name)}</figcaption></figure>"
    )


def _half_way(run: Trajectory) -> str:
    times = half_way_times(run)
    if not times:
        return "<p>No quantity moves by more than its fluctuations.</p>"
    logs = np.log10(np.maximum(run.t, min(run.t[run.t > 0], default=1.0)))
    width, left, line = 760, 260, 18
    rows = []
    for row, (name, time) in enumerate(times.items()):
        share = (np.log10(max(time, 10 ** logs[0])) - logs[0]) / max(logs[-1] - logs[0], 1e-9)
        x, y = left + share * (width - left - 90), 14 + line * row
        colour = "#D55E00" if name == "test_accuracy" else "#0072B2"
        rows.append(
            f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{html.escape(name)}</text>'
            f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="{colour}"/><text x="{x + 8:.1f}" y="{y + 4}">{time:.3g}</text>'
        )
    height = 20 + line * len(times)
    return f'<svg {_size(width, height)} role="img" aria-label="half-way times">{"".join(rows)}</svg>'


def _size(width: int, height: int) -> str:
    """Attributes of a picture that shrinks on narrow pages."""
    return f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
