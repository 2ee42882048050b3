"""What the checker answers."""

from __future__ import annotations

from dataclasses import dataclass

RIGHT, WRONG, REFUSED = "right", "wrong", "refused"


@dataclass(frozen=True)
class Judgement:
    """Whether an answer is right, and if not where and how it differs.

    Parameters
    ----------
    outcome : {"right", "wrong", "refused"}
        Refused is what could not be judged: it is neither right nor wrong.
    message : str
        One sentence for the student.
    understood : str
        The answer as it was read, in LaTeX; empty if there is nothing to show.
    """

    outcome: str
    message: str
    understood: str = ""

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return self.outcome == RIGHT

    def __str__(self) -> str:
        return self.message if self.right else f"{self.outcome}: {self.message}"

    def _repr_markdown_(self) -> str:
        read = f" (read as ${self.understood}$)" if self.understood else ""
        return f"**{self.outcome}**: {self.message}{read}"


def right(message: str = "right", understood: str = "") -> Judgement:
    """A right answer.

    Parameters
    ----------
    message, understood : str
        As of :class:`Judgement`.
    """
    return Judgement(RIGHT, message, understood)


def wrong(message: str, understood: str = "") -> Judgement:
    """A wrong answer.

    Parameters
    ----------
    message, understood : str
        As of :class:`Judgement`.
    """
    return Judgement(WRONG, message, understood)


def refused(message: str) -> Judgement:
    """An answer that cannot be judged.

    Parameters
    ----------
    message : str
        Why.
    """
    return Judgement(REFUSED, message)
