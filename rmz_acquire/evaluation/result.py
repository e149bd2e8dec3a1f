"""What an experiment found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Result"]


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
        values: Mapping[str, float | None],
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
        values : mapping of str to float or None
            By contender.
        unit : str
            Of the values.
        paper : str, optional
            What the paper reports, on other data.
        digits : int
            After the point.
        headline : bool
            Whether it stands in the short table too.
        """
        rounded = {
            label: None if value is None or not np.isfinite(value) else float(value)
            for label, value in values.items()
        }
        self.summary.append(
            {
                "quantity": quantity,
                "unit": unit,
                "values": rounded,
                "paper": paper,
                "digits": digits,
                "headline": headline,
            }
        )
