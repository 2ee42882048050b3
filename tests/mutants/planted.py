"""Single-point mutants that somebody could write by mistake, each with the tests that must notice it."""

from tests.mutants import libraries, once_missed, papers, studies
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*libraries.MUTANTS, *once_missed.MUTANTS, *studies.MUTANTS, *papers.MUTANTS)
