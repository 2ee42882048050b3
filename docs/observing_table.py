"""The table of docs/observing.md: sixteen kinds of module, every quantity of each, or why not.

python -m docs.observing_table [--write]

Prints the table, or writes it into the page. Modules are those of the tests, after a few steps on random labels.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dnn import observe, probes
from dnn.data import Split
from dnn.observing.batches import logits_of
from tests.dnn.observing.kinds import LABELS, kinds

PAGE = Path(__file__).parent / "observing.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->"
GROUPS = {
    "Of the whole module": ("accuracy", "loss", "weight_norm", "kernel_distance", "kernel_alignment", "elasticity"),
    "How classes part": ("rank_gradient", "nc1", "within_between", "nc2_norm", "nc2_angle", "nc3", "nc4"),
    "What neurons are like": ("clusters", "effective_rank", "cosine_excess", "dead_units", "firing_overlap"),
    "Information, basins, curvature, linear maps": (
        "information_input",
        "information_labels",
        "basin_sample",
        "basin_weight",
        "sharpness",
        "hessian_trace",
        "linear_map_accuracy",
    ),
}
PROBED = ("linear_map_accuracy",)  # by a probe, not by observe
STEPS = 40

Cell = float | str  # a number, or a reason
Table = dict[str, dict[str, Cell]]  # kind -> quantity -> cell


def trained(module: nn.Module, x: torch.Tensor) -> nn.Module:
    """The module after some steps of SGD on all samples, without dropout.

    Parameters
    ----------
    module : Module
    x : tensor
    """
    module.eval()
    optimiser = torch.optim.SGD(module.parameters(), 0.2)
    for _ in range(STEPS):
        optimiser.zero_grad()
        nn.functional.cross_entropy(logits_of(module(x)).float(), LABELS).backward()
        optimiser.step()
    return module


def measured(name: str) -> dict[str, Cell]:
    """Every quantity of a kind, or the reason against it; of a quantity of layers that of the last hidden one.

    Parameters
    ----------
    name : str
        Of the kind.
    """
    module, x = kinds()[name]
    x = x.to(next(module.parameters()).dtype) if x.is_floating_point() else x
    start = copy.deepcopy(module)
    module = trained(module, x)
    seen = observe(module, (x, LABELS), reference=start, rng=np.random.default_rng(0))
    cells: dict[str, Cell] = {}
    for quantity in (name for names in GROUPS.values() for name in names if name not in PROBED):
        layers = {layer: value for layer, value in seen.of(quantity).items() if layer != "logits"}
        cells[quantity] = seen.refused[quantity] if quantity in seen.refused else list(layers.values())[-1]
    try:
        cells["linear_map_accuracy"] = float(probes.linear_map_accuracy(module, Split(x, LABELS, x, LABELS))[0])
    except ValueError as error:
        cells["linear_map_accuracy"] = str(error)
    return cells


def table() -> Table:
    """All kinds."""
    return {name: measured(name) for name in kinds()}


def as_markdown(cells: Table) -> str:
    """The tables, a group of quantities each, with the reasons below.

    Parameters
    ----------
    cells : dict
        As :func:`table` gives them.
    """
    reasons: list[str] = []
    parts = []
    for title, names in GROUPS.items():
        lines = [f"**{title}**\n", f"| kind | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
        for kind, row in cells.items():
            lines.append(f"| {kind} | {' | '.join(_cell(row[name], reasons) for name in names)} |")
        parts.append("\n".join(lines))
    notes = [f"{number}. refused: {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n\n".join([*parts, "\n".join(notes)]) + "\n"


def _cell(cell: Cell, reasons: list[str]) -> str:
    if isinstance(cell, float):
        return f"{cell:.3g}"
    if cell not in reasons:
        reasons.append(cell)
    return f"refused ({reasons.index(cell) + 1})"


def read(page: str) -> Table:
    """The table back from a page, numbers as they were printed.

    Parameters
    ----------
    page : str
    """
    text = page.split(BEGIN)[1].split(END)[0]
    reasons = [line.split("refused: ", 1)[1] for line in text.splitlines() if line[:1].isdigit()]
    cells: Table = {}
    names: list[str] = []
    for line in (line for line in text.splitlines() if line.startswith("| ")):
        kind, *row = line.strip("| ").split(" | ")
        if kind == "kind":
            names = row
            continue
        values = [reasons[int(cell[9:-1]) - 1] if cell.startswith("refused") else float(cell) for cell in row]
        cells.setdefault(kind, {}).update(zip(names, values, strict=True))
    return cells


def with_table(page: str, cells: Table) -> str:
    """The page with these numbers in place of those it has.

    Parameters
    ----------
    page : str
    cells : dict
    """
    before, rest = page.split(BEGIN)
    return before + BEGIN + as_markdown(cells) + END + rest.split(END)[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the table into docs/observing.md")
    if parser.parse_args().write:
        PAGE.write_text(with_table(PAGE.read_text(), table()))
    else:
        print(as_markdown(table()))
