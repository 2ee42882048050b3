"""What a planted slip is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One slip.

    Parameters
    ----------
    what : str
        The slip in words.
    file : str
    old, new : str
        `old` stands once in the file.
    tests : str
        Files or nodes for pytest, apart by spaces.
    """

    what: str
    file: str
    old: str
    new: str
    tests: str

    @property
    def package(self):
        return self.file.partition("/")[0]


T, C, F, D = "tests/toymodels", "tests/comparisons", "tests/figures", "tests/dnn"
STORED = f"{F}/harness/test_contract.py::test_stored_data_give_the_verdicts_of_the_ledger"
