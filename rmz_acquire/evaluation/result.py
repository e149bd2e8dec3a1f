"""What an experiment found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "Mean",
    "Result",
    "Rows",
    "gains_over",
    "in_order",
    "least_of",
    "over_specimens",
    "where",
]

Rows = list[dict[str, Any]]

_SPECIMEN = ("set", "field", "objective", "specimen", "stack", "seed")
"""What tells one specimen from another, of what a row has."""


_FIRST = (
    "truth",
    "Recurrent-MZ",
    "Recurrent-MZ on wiener",
    "widefield",
    "its own",
    "Deep-Z",
    "3D U-Net",
)


def in_order(labels: Iterable[str]) -> list[str]:
    """Put labels into one order, whoever of them came first; each once."""
    each = list(dict.fromkeys(labels))
    known = [label for label in _FIRST if label in each]
    return known + [label for label in each if label not in _FIRST]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over specimens.

    Attributes
    ----------
    value : float
        The mean.
    error : float or None
        Its standard error; None of one specimen, which tells none.
    n : int
        Specimens.
    """

    value: float
    error: float | None = None
    n: int = 1

    @classmethod
    def of(cls, values: Iterable[float]) -> Mean:
        """Take the mean of one value a specimen, at least one."""
        each = np.array(list(values), dtype=np.float64)
        n = each.size
        error = float(each.std(ddof=1) / np.sqrt(n)) if n > 1 else None
        return cls(float(each.mean()), error, n)


def over_specimens(
    rows: Rows,
    value: str,
    by: str = "estimator",
    *,
    of_each: Callable[[list[float]], Any] = np.mean,
) -> dict[Any, Mean]:
    """Mean of each specimen's rows first, then mean and standard error over those.

    The planes of one specimen are no independent measurements: an error over all of
    them would be too small.

    Parameters
    ----------
    rows : list of dict
        With what is named by `value` and `by`, and what tells the specimens apart.
    value : str
        Of what; a row in which it is None is left out.
    by : str
        What a row is sorted by.
    of_each : callable
        What is taken of the values of one specimen, in place of their mean.

    Returns
    -------
    dict of Any to Mean
        By what `by` names, in the order in which it comes.
    """
    means = _by_specimen(rows, value, by, of_each)
    return {key: Mean.of(each.values()) for key, each in means.items()}


def least_of(gains: Iterable[float]) -> Mean:
    """Take the least in place of a mean: it has no error."""
    each = list(gains)
    return Mean(min(each), n=len(each))


def gains_over(
    rows: Rows,
    value: str,
    other: str,
    of_all: Callable[[Iterable[float]], Mean] = Mean.of,
) -> dict[str, Mean]:
    """Mean gain of every estimator over another one, on the same specimens.

    Parameters
    ----------
    rows, value
        As of `over_specimens`.
    other : str
        The estimator that they are compared with.
    of_all : callable
        What is taken of the gains on all specimens, in place of their mean.

    Returns
    -------
    dict of str to Mean
        By estimator: how far the gain differs between specimens, which is less than
        how far the specimens do.
    """
    means = _by_specimen(rows, value, "estimator", np.mean)
    theirs = means.pop(other, {})
    found = {}
    for label, ours in means.items():
        gains = [mean - theirs[key] for key, mean in ours.items() if key in theirs]
        if gains:
            found[label] = of_all(gains)
    return found


def where(rows: Rows, **facts: Any) -> Rows:
    """Those of which all this holds."""
    wanted = facts.items()
    return [row for row in rows if all(row[name] == fact for name, fact in wanted)]


def _by_specimen(
    rows: Rows, value: str, by: str, of_each: Callable[[list[float]], Any]
) -> dict[Any, dict[tuple[Any, ...], float]]:
    found: dict[Any, dict[tuple[Any, ...], list[float]]] = {}
    for row in rows:
        if row[value] is not None:
            key = tuple(row.get(name) for name in _SPECIMEN)
            found.setdefault(row[by], {}).setdefault(key, []).append(row[value])
    return {
        label: {key: float(of_each(each)) for key, each in specimens.items()}
        for label, specimens in found.items()
    }


@dataclass(slots=True)
class Result:
    """What an experiment found.

    Attributes
    ----------
    key, title : str
        Its name on the command line, and in words.
    rows : list of dict
        All figures, one row each: the CSV.
    summary : list of dict
        What goes to the table: quantity, unit, by label, the paper's.
    missing : list of str
        Contenders without a model.
    notes : list of str
        What has to be said beside it.
    """

    key: str
    title: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def sum_up(
        self,
        quantity: str,
        values: Mapping[str, float | Mean | None],
        *,
        unit: str = "",
        paper: str | None = None,
        digits: int = 2,
        headline: bool = False,
    ) -> None:
        """Add a line to the table.

        Parameters
        ----------
        quantity : str
            What was measured.
        values : mapping of str to float, Mean or None
            By contender; a `Mean` with its error and its number of specimens.
        unit : str
            Of the values.
        paper : str, optional
            What the paper reports, on other data.
        digits : int
            After the point.
        headline : bool
            Whether it stands in the short table too.
        """
        numbers: dict[str, float | None] = {}
        errors: dict[str, float] = {}
        specimens: dict[str, int] = {}
        for label, found in values.items():
            mean = found.value if isinstance(found, Mean) else found
            finite = mean is not None and bool(np.isfinite(mean))
            numbers[label] = float(mean) if finite and mean is not None else None
            if isinstance(found, Mean) and finite:
                specimens[label] = found.n
                if found.error is not None:
                    errors[label] = found.error
        self.summary.append(
            {
                "quantity": quantity,
                "unit": unit,
                "values": numbers,
                "errors": errors,
                "specimens": specimens,
                "paper": paper,
                "digits": digits,
                "headline": headline,
            }
        )
