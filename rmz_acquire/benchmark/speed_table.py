"""What was measured, as Markdown for people and as JSON for programs."""

from __future__ import annotations

import platform
import statistics
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rmz_acquire.benchmark.machine import QUIET, Clock
from rmz_acquire.benchmark.scan_times import (
    EXPOSURES_MS,
    STAGES_MS,
    Checked,
    ScanTime,
    scan_times,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.benchmark.decision_times import Times
    from rmz_acquire.benchmark.machine import Rates

__all__ = ["PAPER_S", "Measured", "as_json", "as_markdown"]

PAPER_S = {(101, 256, 3): 2.2, (1, 1024, 3): 0.28, (1, 1024, 2): 0.18}
"""Of the paper's network on a GPU, Methods 4.3, s: by output planes, side and M. That
the last two are one plane of 1024² of two and of three planes is inferred."""


@dataclass(slots=True)
class Measured:
    """All that one call of ``bench`` found.

    Parameters
    ----------
    clock : Clock
        What seconds were counted by.
    idle_share : float
        Processor time that this process got, of what its threads could have had.
    names : dict of str to str
        Devices in words.
    rates : dict of str to Rates
        Of each device.
    repeats : int
        Of each time.
    loop_s : dict of int to float
        A plane of a scan with an estimator that does nothing, by side, s.
    times : list of Times
        Decisions.
    paper : list of Times
        The same for the paper's two volumes.
    checked : Checked or None
        A scan that was run.
    """

    clock: Clock
    idle_share: float
    names: dict[str, str]
    rates: dict[str, Rates]
    repeats: int
    loop_s: dict[int, float] = field(default_factory=dict)
    times: list[Times] = field(default_factory=list)
    paper: list[Times] = field(default_factory=list)
    checked: Checked | None = None


def as_json(found: Measured) -> dict[str, Any]:
    """Everything, JSON-ready: every repeat, not only medians."""
    told = asdict(found)
    for kind in ("times", "paper"):
        for row, each in zip(told[kind], getattr(found, kind), strict=True):
            row["medians_s"], row["spread"] = each.medians_s, each.spread
    told["scans"] = [
        asdict(each)
        | {
            "break_even_ms": each.break_even_ms,
            "seconds": [
                {
                    "exposure_ms": exposure,
                    "stage_ms": stage,
                    "adaptive_s": each.seconds(exposure, stage),
                    "full_s": each.full_s(exposure, stage),
                }
                for exposure in EXPOSURES_MS
                for stage in STAGES_MS
            ],
        }
        for each in scan_times(found.times)
    ]
    told["paper_s"] = [
        {"output_planes": z, "side_px": px, "planes": m, "seconds": s}
        for (z, px, m), s in PAPER_S.items()
    ]
    told["date"] = datetime.now(UTC).isoformat(timespec="seconds")
    return told


def as_markdown(found: Measured) -> str:
    """Tables and what they say, in plain words."""
    scans = scan_times(found.times)
    parts = [
        _about(found),
        *_decisions(found.times),
        *_cost(found.times),
        *_paper(found.paper),
        *_scans(scans),
        *_break_even(scans),
        *_check(found.checked),
    ]
    return "\n".join(parts) + "\n"


def _about(found: Measured) -> str:
    by = "by the wall clock"
    if found.clock is Clock.cpu:
        why = "as was asked for"
        if found.idle_share < QUIET:
            why = (
                "because the machine had other work as well: this process got "
                f"{found.idle_share:.0%} of its processor"
            )
        by = f"in **processor time, one thread**, {why}"
    each = ", ".join(
        f"{found.names[device]} (matrix products {rates.products / 1e9:.0f} GFLOP/s, "
        f"real 2D FFT {rates.transforms / 1e9:.0f} GFLOP/s, float32)"
        for device, rates in found.rates.items()
    )
    loop = ", ".join(f"{1000 * s:.1f} ms at {px}²" for px, s in found.loop_s.items())
    today = datetime.now(UTC).date()
    return (
        f"Measured on: {each}; {platform.system()}, {today}. Seconds are medians of "
        f"{found.repeats} repeats {by}. Simulated nuclei, each plane one by one, from "
        "the plane in memory to the decision on the next; tables made once are not "
        f"counted. The loop with an estimator that does nothing: {loop} a plane."
    )


def _decisions(times: Sequence[Times]) -> list[str]:
    if not times:
        return []
    most = max(len(each.decisions_s) for each in times)
    lines = ["", "### Seconds from a plane to the decision", ""]
    heads = [f"M = {m}" for m in range(1, most + 1)]
    lines += _head(["estimator", "volume", "device"], [*heads, "spread"])
    for each in times:
        cells = [_seconds(s) for s in each.medians_s]
        cells += [""] * (most - len(cells))
        lines.append(_row(*_names(each), *cells, f"± {each.spread:.0%}"))
    said = (
        "Spread: the largest half range of any of them over repeats. Pictures above "
        "256² decide on regions, as in a scan on a CPU: their volumes come later."
    )
    return [*lines, "", said]


def _cost(times: Sequence[Times]) -> list[str]:
    if not times:
        return []
    lines = ["", "### The last of these decisions: what it is made of", ""]
    lines += _head(
        ["estimator", "volume", "device"],
        [
            "last decision, s",
            "all planes from nothing, s",
            "plain eager float32, s",
            "products, GFLOP",
            "FFT, GFLOP",
            "of the machine's rate",
            "peak memory, MB",
        ],
    )
    for each in times:
        done = each.operations
        lines.append(
            _row(
                *_names(each),
                _seconds(each.medians_s[-1]),
                _median(each.from_nothing_s),
                _median(each.eager_s),
                f"{done.products / 1e9:.2f}" if done.products else "–",
                f"{done.transforms / 1e9:.2f}" if done.transforms else "–",
                "–" if each.share is None else f"{each.share:.0%}",
                "–" if each.peak_bytes is None else f"{each.peak_bytes / 1e6:.0f}",
            )
        )
    said = (
        "From nothing: the same estimator, fresh, given all planes at once. Of the "
        "machine's rate: the time that its counted operations take at the rates above, "
        "over the time they took; what numpy does, and all that is neither product nor "
        "FFT, counts as nothing. Memory beyond the process itself."
    )
    return [*lines, "", said]


def _paper(times: Sequence[Times]) -> list[str]:
    if not times:
        return []
    lines = ["", "### The paper's two volumes", ""]
    labels = [f"{each.estimator}, {each.device}" for each in times]
    labels = list(dict.fromkeys(labels))
    lines += _head(["volume", "planes given"], [*labels, "paper, its network on a GPU"])
    for (z, side, m), paper in PAPER_S.items():
        cells = []
        for label in labels:
            sums = [
                sum(each.medians_s[:m])
                for each in times
                if f"{each.estimator}, {each.device}" == label and side == each.side_px
            ]
            cells.append(_seconds(sums[0]) if sums else "–")
        lines.append(_row(f"{z} × {side}²", f"{m}", *cells, f"{paper:g}"))
    said = (
        "Seconds for all planes given, with a volume and a decision after each, "
        "measured once. In place of one output plane four were made: three cannot be "
        "taken of fewer. The paper gives 0.28 and 0.18 s; that these are one plane of "
        "1024² of three and of two planes is inferred."
    )
    return [*lines, "", said]


def _scans(scans: Sequence[ScanTime]) -> list[str]:
    lines: list[str] = []
    for size in dict.fromkeys(
        (s.planes_full, s.side_px, s.planes_taken) for s in scans
    ):
        of = [s for s in scans if (s.planes_full, s.side_px, s.planes_taken) == size]
        full, side, taken = size
        lines += ["", f"### One scan, {full} × {side}²: {taken} planes for {full}", ""]
        names = [f"{s.estimator}, {s.device}" for s in of]
        lines += _head(["exposure", "a move"], ["full scan, s", *names])
        for exposure in EXPOSURES_MS:
            for stage in STAGES_MS:
                whole = of[0].full_s(exposure, stage)
                cells = [_against(s.seconds(exposure, stage), whole) for s in of]
                left = f"{exposure:g} ms", f"{stage:g} ms"
                lines.append(_row(*left, _seconds(whole), *cells))
    if lines:
        lines += [
            "",
            "Bold: adaptive scanning saves time as well as light; elsewhere it saves "
            "light only. The full scan is moves and exposures and nothing else; the "
            "adaptive one moves, exposes and decides, one after the other.",
        ]
    return lines


def _break_even(scans: Sequence[ScanTime]) -> list[str]:
    if not scans:
        return []
    lines = ["", "### Where it saves time", ""]
    lines += _head(
        ["estimator", "volume", "device"],
        ["thinking, s a scan", "light saved", "quicker where move + exposure exceed"],
    )
    for each in scans:
        saved = 1 - each.planes_taken / each.planes_full
        lines.append(
            _row(
                each.estimator,
                f"{each.planes_full} × {each.side_px}²",
                each.device,
                _seconds(each.thinking_s),
                f"{saved:.0%}",
                f"{each.break_even_ms:.3g} ms",
            )
        )
    return lines


def _check(checked: Checked | None) -> list[str]:
    if checked is None:
        return []
    one = checked
    measured = f"**{one.wall_s:.2f} s**"
    return [
        "",
        "### One row, really run",
        "",
        f"{one.planes_taken} planes of {one.side_px}² with {one.estimator} on the "
        f"simulated microscope, {one.exposure_ms:g} ms exposures and moves of "
        f"{one.stage_ms:g} ms: computed {one.computed_s:.2f} s, measured {measured} on "
        f"the wall (stage {one.stage_s:.2f}, light {one.camera_s:.2f}, thinking "
        f"{one.thinking_s:.2f}, files, engine and events {one.rest_s:.2f}). Without "
        "the thinking, which other work on the machine makes longer: computed "
        f"{one.acting_s:.2f} s, measured {one.wall_s - one.thinking_s:.2f} s. Left "
        f"out: {one.rendering_s:.2f} s in which the simulation computed its pictures.",
    ]


def _names(times: Times) -> tuple[str, str, str]:
    volume = f"{times.output_planes} × {times.side_px}²"
    return times.estimator, volume, times.device


def _against(seconds: float, full: float) -> str:
    told = _seconds(seconds)
    return f"**{told}**" if seconds < full else told


def _median(values: Sequence[float]) -> str:
    return _seconds(statistics.median(values)) if values else "–"


def _seconds(value: float) -> str:
    """To thousandths where it is short, to whole ones where it is long."""
    digits = 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def _head(left: list[str], right: list[str]) -> list[str]:
    return [_row(*left, *right), "|---" * len(left) + "|---:" * len(right) + "|"]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
