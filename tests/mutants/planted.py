"""Single-point mutants that somebody could write by mistake, each with the tests that must notice it."""

from tests.mutants import libraries, papers, studies
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*libraries.MUTANTS, *studies.MUTANTS, *papers.MUTANTS)
