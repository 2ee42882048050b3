"""The scripts of a page run where there is no document: QuickJS, which the suite's own extras install."""

import json

import quickjs

from docs.explorer import building
from docs.explorer.pages import pages

PAGES = {page.name: page for page in pages()}


class Script:
    """A page's script, whose functions are called with numbers, lists and dicts.

    Not-a-numbers and infinities come back as such, wherever they stand.
    """

    def __init__(self, name):
        self._context = quickjs.Context()
        self._context.eval(building.script(PAGES[name]))

    def run(self, expression):
        """Value of an expression, by way of JSON."""
        number = "typeof v === 'number' && !Number.isFinite(v) ? `number ${v}`"
        shown = f"(_, v) => ({number} : ArrayBuffer.isView(v) ? [...v] : v)"
        return _numbers(json.loads(self._context.eval(f"JSON.stringify({expression}, {shown})")))

    def call(self, function, *arguments):
        """What the function returns."""
        return self.run(f"{function}({', '.join(map(_text, arguments))})")

    def rows(self, function, points):
        """What it returns for every row of arguments, name by name."""
        found = self.run(f"{_text(points)}.map((row) => {function}(...row))")
        return {name: [row[name] for row in found] for name in found[0]}


def _text(value):
    return json.dumps(value.tolist() if hasattr(value, "tolist") else value)


def _numbers(value):
    if isinstance(value, list):
        return [_numbers(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _numbers(entry) for name, entry in value.items()}
    if isinstance(value, str) and value.startswith("number "):
        return float(value.removeprefix("number ").replace("Infinity", "inf"))
    return value
