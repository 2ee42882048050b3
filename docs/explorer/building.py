"""Pages put together: words, controls, printed formulas, scripts and data in one file that loads nothing."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from docs.explorer.flows import flows
from docs.explorer.formulas import formulas
from toymodels.run import files

ASSETS = Path(__file__).with_name("assets")
FOLDER = Path(__file__).parent  # where the built pages lie
LARGEST = 150_000  # bytes of a page


class Page(NamedTuple):
    """One page of the explorer.

    Parameters
    ----------
    name : str
        Of the file and of its script.
    title, lead : str
        What it shows, and what to try; plain text.
    controls : str
        Of :func:`slider` and :func:`choice`.
    charts : mapping of str to str
        Identifier -> caption, in the order shown.
    readouts : mapping of str to str
        Name of a number -> its words.
    uses : tuple of str
        Names of formulas and flows, printed into the page.
    notes : str
        HTML: sources and limits.
    data : Any
        What JSON holds.
    scripts : tuple of str
        Further scripts of `assets/`, before its own.
    """

    name: str
    title: str
    lead: str
    controls: str
    charts: Mapping[str, str]
    readouts: Mapping[str, str]
    uses: tuple[str, ...]
    notes: str
    data: Any = None
    scripts: tuple[str, ...] = ()


def slider(name: str, label: str, low: float, high: float, value: float, step: float, *, log: bool = False) -> str:
    """A labelled range; a logarithmic one holds the exponent to the base 10.

    Parameters
    ----------
    name, label : str
    low, high, value, step : float
        As in the input element: exponents, if `log`.
    log : bool
    """
    kind = ' data-log="10"' if log else ""
    words = html.escape(label)
    return (
        f'<div class="control"><label for="{name}">{words}</label>'
        f'<input type="range" id="{name}" min="{low:g}" max="{high:g}" step="{step:g}" value="{value:g}"{kind}>'
        f'<output for="{name}"></output></div>'
    )


def playable(name: str, label: str, low: float, high: float, value: float, step: float, *, log: bool = False) -> str:
    """A range with a button that moves it.

    Parameters
    ----------
    name, label, low, high, value, step, log
        As in :func:`slider`.
    """
    button = f'<button type="button" data-play="{name}" aria-pressed="false">Play</button>'
    return slider(name, label, low, high, value, step, log=log).replace("</div>", f"{button}</div>")


def choice(name: str, label: str, options: Sequence[str]) -> str:
    """A labelled list of options; its value is the place of the option.

    Parameters
    ----------
    name, label : str
    options : sequence of str
    """
    items = "".join(f'<option value="{k}">{html.escape(option)}</option>' for k, option in enumerate(options))
    words = html.escape(label)
    return f'<div class="control"><label for="{name}">{words}</label><select id="{name}">{items}</select></div>'


@cache
def asset(name: str) -> str:
    """Text of a file of `assets/`.

    Parameters
    ----------
    name : str
    """
    return (ASSETS / name).read_text()


def printed(uses: Sequence[str]) -> str:
    """JavaScript of these formulas and flows.

    Parameters
    ----------
    uses : sequence of str
    """
    known = formulas() | flows()
    return "\n".join(known[name].javascript() for name in uses)


def script(page: Page) -> str:
    """All that a page computes with, without what draws: it runs where there is no document.

    Parameters
    ----------
    page : Page
    """
    parts = ["numbers.js", "flow.js", *page.scripts, f"{page.name}.js"]
    data = json.dumps(page.data, separators=(",", ":"))
    return "\n".join([f'"use strict";\nconst DATA = {data};', printed(page.uses), *map(asset, parts)])


def document(page: Page, pages: Sequence[Page]) -> str:
    """The page as one HTML file.

    Parameters
    ----------
    page : Page
    pages : sequence of Page
        All of them, for the links.
    """
    charts = "".join(
        f'<figure class="{"wide" if caption.startswith("|") else ""}"><div class="chart" id="chart-{name}"></div>'
        f"<figcaption>{caption.lstrip('|')}</figcaption></figure>"
        for name, caption in page.charts.items()
    )
    readouts = "".join(
        f'<div><dt>{html.escape(words)}</dt><dd data-read="{name}"></dd></div>' for name, words in page.readouts.items()
    )
    known = formulas() | flows()
    equations = "".join(
        f"<h3>{html.escape(known[name].words)}</h3>{known[name].mathml()}<pre>{html.escape(known[name].javascript())}</pre>"
        for name in page.uses
    )
    body = (
        f"<h1>{html.escape(page.title)}</h1><p class=lead>{html.escape(page.lead)}</p>"
        f'<form class="controls" autocomplete="off">{page.controls}</form>'
        f'<div class="charts">{charts}</div><dl class="readouts" aria-live="polite">{readouts}</dl>'
        f'<section class="notes">{page.notes}</section>'
    )
    if equations:
        body += f"<details><summary>The formulas of this page, as it computes them</summary>{equations}</details>"
    scripts = script(page) + "\n" + asset("charts.js") + asset("main.js")
    return framed(page.title, body, pages, page.name, f"<script>\n{scripts}</script>")


def framed(title: str, body: str, pages: Sequence[Page], name: str, scripts: str = "") -> str:
    """HTML around a page's body: head, links, style.

    Parameters
    ----------
    title, body : str
    pages : sequence of Page
    name : str
        Of the page that this is.
    scripts : str
    """
    current = " aria-current=page"
    links = "".join(
        f'<a href="{other.name}.html"{current if other.name == name else ""}>{html.escape(other.title)}</a>'
        for other in pages
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{html.escape(title)}</title><style>\n{asset('explorer.css')}</style></head><body>"
        f'<nav aria-label="Pages"><a href="index.html">Explorer</a>{links}</nav>'
        f"<main>{body}</main>{scripts}</body></html>\n"
    )


def index(pages: Sequence[Page]) -> str:
    """The page that lists the others.

    Parameters
    ----------
    pages : sequence of Page
    """
    items = "".join(
        f'<li><a href="{page.name}.html">{html.escape(page.title)}</a><p>{html.escape(page.lead)}</p></li>'
        for page in pages
    )
    body = (
        "<h1>Minimal models of deep learning, to move by hand</h1>"
        '<p class="lead">Every curve here is an exact solution, or a recorded run. Nothing is loaded from anywhere. '
        "Sliders take the arrow keys, and so does every large dot once it has the focus.</p>"
        f'<ol class="index">{items}</ol>'
    )
    return framed("Explorer", body, pages, "index")


def built(pages: Sequence[Page]) -> dict[str, str]:
    """File name -> text of every page and of the index.

    Parameters
    ----------
    pages : sequence of Page

    Raises
    ------
    ValueError
        If a page has 150 kB or more.
    """
    texts = {"index.html": index(pages)} | {f"{page.name}.html": document(page, pages) for page in pages}
    for name, text in texts.items():
        size = len(text.encode())
        if size >= LARGEST:
            raise ValueError(f"{name} must have less than {LARGEST} bytes, got {size}")
    return texts


def write(pages: Sequence[Page], folder: Path = FOLDER) -> list[Path]:
    """Write all of them, and return where.

    Parameters
    ----------
    pages : sequence of Page
    folder : Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in built(pages).items():
        files.write(folder / name, text)
        paths.append(folder / name)
    return paths
