"""The checker of the course: judges formulas, numbers with units, data of plots and short programs."""

from docs.check.curves import Curve
from docs.check.formulas import Formula, Span
from docs.check.judgement import Judgement
from docs.check.programs import Program
from docs.check.quantities import Number
from docs.check.sheets import SHEETS, check, problems

__all__ = ["SHEETS", "Curve", "Formula", "Judgement", "Number", "Program", "Span", "check", "problems"]
