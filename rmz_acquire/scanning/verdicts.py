"""What a stop rule says, and what it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Term", "Verdict"]


@dataclass(frozen=True, slots=True)
class Term:
    """One of the things that a stop rule looks at.

    Parameters
    ----------
    name : str
        What it is called.
    value, limit : float or None
        What it is and what it is compared with; None where not known.
    met : bool
        Whether it is as it must be.
    """

    name: str
    value: float | None
    limit: float | None
    met: bool

    def to_dict(self) -> dict[str, Any]:
        """Give it JSON-ready."""
        return {name: getattr(self, name) for name in type(self).__slots__}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the scan has converged, and why or why not in one sentence.

    Parameters
    ----------
    converged : bool
        Whether it has.
    reason : str
        The sentence, with its numbers.
    terms : tuple of Term
        Everything that was looked at.
    audit : bool
        Whether an audit plane is all that is missing.
    """

    converged: bool
    reason: str
    terms: tuple[Term, ...] = ()
    audit: bool = False
