"""The report's table of the stop rule: every term at every plane, with its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from rmz_acquire.recording.report_plots import ACCENT, GREY
from rmz_acquire.recording.stop_terms import met_last, told_terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from rmz_acquire.recording.summary import Summary
    from rmz_acquire.scanning import Decision

__all__ = ["plot_terms", "terms_height"]

ROW = 0.36
"""Of a term, inches."""
_MET, _NOT_MET = "#cfe3f7", "#f6d9c9"
_WARM = "#a33b00"
_NUMBER = 0.36
"""Inches that a number takes."""


def terms_height(decisions: Sequence[Decision]) -> float:
    """Give the height of the table, inches; 0 where no rule was asked."""
    return ROW * max((len(d.terms) for d in decisions), default=0)


def plot_terms(
    axes: Axes, summary: Summary, decisions: Sequence[Decision], label_width: float
) -> None:
    """Draw a row a term and a column a plane: met or not, with the number.

    Parameters
    ----------
    axes : Axes
        For the columns.
    summary, decisions
        Of the run.
    label_width : float
        Room for the names of the rows, on the left of the axes, inches.
    """
    last = next(d.terms for d in reversed(decisions) if d.terms)
    names = [term["name"] for term in last]
    deciding = met_last(decisions) if summary.stop_reason == "converged" else []
    figure = axes.get_figure()
    assert figure is not None
    wide = axes.get_window_extent().width / figure.dpi
    left = -label_width / wide
    count = len(decisions)
    room = wide / count >= _NUMBER
    for column, decision in enumerate(decisions, start=1):
        by_name = {term["name"]: term for term in decision.terms}
        for row, name in enumerate(names):
            if name in by_name:
                _cell(axes, column, row, by_name[name], numbered=room)
    for row, told in enumerate(told_terms(last)):
        chosen = told.name in deciding
        style: dict[str, Any] = {
            "transform": axes.get_yaxis_transform(),
            "ha": "left",
            "color": ACCENT if chosen else "black" if told.met else _WARM,
        }
        head = f"{'▸ ' if chosen else ''}{told}"
        if not told.numbers:
            head += " valid" if told.met else " not valid"
        weight = "bold" if chosen else "normal"
        axes.text(left, row - 0.04, head, va="bottom", weight=weight, **style)
        style |= {"color": GREY, "fontsize": 7}
        axes.text(left, row + 0.04, told.meaning, va="top", **style)
    axes.set_title(_title(summary), x=left)
    said = _said(summary, deciding, last)
    axes.set_title(said, loc="right", color=GREY, fontsize=9, fontweight="normal")
    axes.set_xlim(0.5, count + 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=20, min_n_ticks=1))
    axes.set_xlabel("planes taken, M (blue: condition met)")


def _cell(
    axes: Axes, column: int, row: int, term: dict[str, Any], *, numbered: bool
) -> None:
    met, value = term["met"], term["value"]
    colour = _MET if met else _NOT_MET
    box = Rectangle((column - 0.48, row - 0.42), 0.96, 0.84, color=colour, linewidth=0)
    axes.add_patch(box)
    if not numbered:
        return
    text = f"{value:.3g}" if value is not None else "✓" if met else "–"
    shown = "black" if met else _WARM
    axes.text(column, row, text, ha="center", va="center", fontsize=7, color=shown)


def _title(summary: Summary) -> str:
    return f"Stop rule: {summary.plan.get('stop_rule') or 'guarded'}"


def _said(
    summary: Summary, deciding: Sequence[str], last: Sequence[dict[str, Any]]
) -> str:
    """Say which term it hung on."""
    if deciding:
        return f"met last: {', '.join(deciding)}"
    lacking = [told.name for told in told_terms(last) if not told.met]
    return f"not met: {', '.join(lacking)}" if lacking else "all met"
