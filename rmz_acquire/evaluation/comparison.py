"""The shape that most experiments share: volumes compared plane by plane, summed up.

An experiment says which planes of which stacks are given to whom, what is measured,
which lines its table has and how it is drawn; the rest is the same for all.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rmz_acquire.evaluation.context import by_plane
from rmz_acquire.evaluation.result import Mean, Result, Rows, over_specimens, where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from rmz_acquire.evaluation.context import Contender, Study
    from rmz_acquire.evaluation.held_out import HeldOut

__all__ = ["Case", "Comparison", "Line", "means", "rms", "specimens"]

Facts = dict[str, Any]


class Case(NamedTuple):
    """One volume of everyone: what its rows say of it, and the planes by index.

    `told_um` is where estimators are told that the planes lie, `inputs` what is left
    out of means in place of them. `make` makes the volume in place of the study, or
    None for who has none.
    """

    facts: Facts
    planes: Sequence[int]
    told_um: Sequence[float] | None = None
    inputs: Sequence[int] | None = None
    make: Callable[[Contender], NDArray[np.float32] | None] | None = None


class Line(NamedTuple):
    """A line of the table for each group of rows: see `Result.sum_up`.

    Facts of the group stand in `quantity` in braces. Only groups for which `only`
    holds have it, and none for which there are no values.
    """

    quantity: str
    values: Callable[[Rows, Study], Mapping[str, Mean]]
    unit: str = "dB"
    digits: int = 1
    headline: bool = True
    only: Callable[[Facts], bool] = lambda _: True


def means(value: str, **how: Any) -> Callable[[Rows, Study], Mapping[str, Mean]]:
    """Mean over specimens of the planes that are no input; `how` as it takes."""
    return lambda rows, _: over_specimens(
        [row for row in rows if not row.get("input")], value, **how
    )


def rms(values: NDArray[np.float64]) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(values**2)))


def specimens(
    study: Study, name: str, number: int | None = None, **options: Any
) -> Iterable[tuple[Facts, HeldOut]]:
    """Stacks of a data set with what tells them apart; options of `Study.stack`."""
    for seed in study.seeds(number):
        yield {"set": name, "seed": seed}, study.stack(name, seed, **options)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """An experiment of the shape.

    Attributes
    ----------
    key, title : str
        Its name on the command line, and in words.
    over : callable
        Names of data sets, or of what else is compared one after the other.
    contenders, stacks, cases : callable
        Who takes part and who is missing; on which stacks, with the facts of each; and
        what of a stack they are given.
    values : tuple of str
        What is measured, as `by_plane` calls it; "seconds" too.
    by_z : bool
        A row a plane; otherwise one a volume, `pool` over the planes that are no input.
    groups : tuple of str
        Facts by which rows are grouped for the lines.
    lines : tuple of Line
        Of the table.
    draw : callable
        Draws it on a figure.
    notes : callable
        What has to be said beside it.
    """

    key: str
    title: str
    over: Callable[[Study], Iterable[str]] = lambda _: ("neurons",)
    contenders: Callable[[Study, str], tuple[list[Contender], list[str]]] = (
        lambda study, name: study.contenders(name)
    )
    stacks: Callable[[Study, str], Iterable[tuple[Facts, HeldOut]]] = specimens
    cases: Callable[[Study, str, HeldOut], Iterable[Case]]
    values: tuple[str, ...]
    by_z: bool = True
    pool: Callable[[NDArray[np.float64]], Any] = np.mean
    groups: tuple[str, ...] = ()
    lines: tuple[Line, ...]
    draw: Callable[[Result, Figure], None]
    notes: Callable[[str, list[Contender]], list[str]] = lambda *_: []

    def run(self, study: Study) -> Result:
        """Make and compare all volumes, then sum up."""
        result = Result(self.key, self.title)
        names = list(self.over(study))
        for name in names:
            contenders, missing = self.contenders(study, name)
            said = f"{name}: " if len(names) > 1 else ""
            result.missing += [f"{said}{each}" for each in missing]
            result.notes += self.notes(name, contenders)
            for facts, stack in self.stacks(study, name):
                cases = list(self.cases(study, name, stack))
                for who in contenders:
                    study.say(f"{self.key} {name} {facts['seed']} {who.label}")
                    rows = self._rows(study, who, stack, cases)
                    result.rows += [{**facts, **row} for row in rows]
        self.sum_up(study, result)
        return result

    def _rows(
        self, study: Study, who: Contender, stack: HeldOut, cases: list[Case]
    ) -> Rows:
        found: dict[int, Rows] = {}
        # the longest first: the shorter ones are on the way of a sequence
        for k in sorted(range(len(cases)), key=lambda k: -len(cases[k].planes)):
            _, planes, told, _, make = cases[k]
            start = time.perf_counter()
            if make is None:
                made = study.volume(who, stack, planes, z_um=told)
            elif (own := make(who)) is not None:
                made = own
            else:
                continue
            seconds = time.perf_counter() - start
            found[k] = [
                {"estimator": who.label, **cases[k].facts, **row}
                for row in self._measured(stack, cases[k], made, seconds)
            ]
        return [row for k in sorted(found) for row in found[k]]

    def _measured(
        self, stack: HeldOut, case: Case, made: NDArray[np.float32], seconds: float
    ) -> Rows:
        values = by_plane(stack.truth, made, with_ssim="ssim" in self.values)
        values["seconds"] = np.full(len(stack.z_um), seconds)
        inputs = np.zeros(len(stack.z_um), dtype=bool)
        inputs[list(case.planes if case.inputs is None else case.inputs)] = True
        if not self.by_z:
            return [{k: float(self.pool(values[k][~inputs])) for k in self.values}]
        return [
            {
                "z_um": round(float(z), 4),
                "input": bool(inputs[i]),
                **{key: float(values[key][i]) for key in self.values},
            }
            for i, z in enumerate(stack.z_um)
        ]

    def sum_up(self, study: Study, result: Result) -> None:
        """Add the lines of the table, from the rows alone."""
        found = [tuple(row[name] for name in self.groups) for row in result.rows]
        for group in dict.fromkeys(found):
            facts = dict(zip(self.groups, group, strict=True))
            rows = where(result.rows, **facts)
            for quantity, values, unit, digits, headline, only in self.lines:
                by_label = values(rows, study) if only(facts) else {}
                if by_label:
                    result.sum_up(
                        quantity.format(**facts),
                        by_label,
                        unit=unit,
                        digits=digits,
                        headline=headline,
                    )
