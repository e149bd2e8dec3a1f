"""The paper's figures of one shape: 2, 4 to 7, S1 and S3, each one declaration."""

from __future__ import annotations

from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.evaluation.comparison import (
    Case,
    Comparison,
    Line,
    means,
    rms,
    specimens,
)
from rmz_acquire.evaluation.context import Contender
from rmz_acquire.evaluation.figures import boxes, by_group, curves, line_by_z, panels
from rmz_acquire.evaluation.plane_order import draw_orders, spread_over_orders
from rmz_acquire.evaluation.positions import even_positions
from rmz_acquire.evaluation.result import Mean, Rows, gains_over, over_specimens, where
from rmz_acquire.reconstruction import BASELINES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from rmz_acquire.evaluation.context import Study
    from rmz_acquire.evaluation.held_out import HeldOut

__all__ = ["PAPER_FIGURES"]

_UNEVEN = {"even": (-1.0, 0.0, 1.0), "uneven": (-1.15, -0.35, 1.05)}
"""In units of the set's spacing."""

_SEQUENCES = {
    "I1": (0,),
    "I1 ×2": (0,) * 2,
    "I1 ×4": (0,) * 4,
    "I1 ×6": (0,) * 6,
    "I1, I2": (0, 1),
    "I2, I1": (1, 0),
}


def _both(_: Study) -> tuple[str, ...]:
    """The paper's second data set, and that on which its network is trained most."""
    return "neurons", "beads 20x"


def _few(study: Study, name: str) -> Any:
    return specimens(study, name, study.size.few_seeds)


def _small(study: Study, name: str) -> Any:
    size = study.size.draws
    return specimens(study, name, 1, side_px=size.side_px, z_every=size.z_every)


def _three(study: Study, name: str, stack: HeldOut) -> Iterator[Case]:
    yield Case({}, stack.nearest(study.inputs_um(name)))


def _two_and_three(study: Study, name: str, stack: HeldOut) -> Iterator[Case]:
    taken = stack.nearest(study.inputs_um(name))
    for m in (2, 3):
        yield Case({"planes": m}, taken[:m])


def _uneven(study: Study, name: str, stack: HeldOut) -> Iterator[Case]:
    spacing = study.dataset(name).spacing_um
    for scheme, places in _UNEVEN.items():
        yield Case({"inputs": scheme}, stack.nearest([p * spacing for p in places]))


def _errors(study: Study, name: str, stack: HeldOut) -> Iterator[Case]:
    taken = stack.nearest(study.inputs_um(name))
    for sigma in study.size.draws.sigmas_um:
        # the same errors for all
        rng = np.random.default_rng([study.config.seed, 5, int(sigma * 1000)])
        draws = 1 if sigma == 0 else study.size.draws.number
        for k, error in enumerate(rng.normal(0, sigma, (draws, len(taken)))):
            told = list(stack.z_um[taken] + error)
            yield Case({"sigma_um": sigma, "draw": k}, taken, told)


def _orders(study: Study, name: str, stack: HeldOut) -> Iterator[Case]:
    taken = stack.nearest(study.inputs_um(name))
    for order in permutations(range(3)):
        named = "".join(str(k + 1) for k in order)
        yield Case({"order": named}, [taken[i] for i in order])


def _repeats(study: Study, name: str, stack: HeldOut) -> Iterator[Case]:
    pair = stack.nearest(study.inputs_um(name, 2))

    def mean_of_both(who: Contender) -> NDArray[np.float32] | None:
        if who.estimator != "deep-z":
            return None
        first, second = (study.volume(who, stack, [i]) for i in pair)
        return (first + second) / np.float32(2)

    for title, sequence in _SEQUENCES.items():
        yield Case({"inputs": title}, [pair[i] for i in sequence], inputs=pair)
    yield Case({"inputs": "mean of outputs"}, pair, make=mean_of_both)


def _counts(study: Study, name: str, stack: HeldOut) -> Iterator[Case]:
    n = len(stack.z_um)

    def afresh(taken: list[int], who: Contender) -> NDArray[np.float32]:
        estimator = who.fresh(stack.z_um, stack.optics)
        return estimator.add_all(stack.counts[taken], stack.z_um[taken])

    for m in (m for m in study.size.planes if m < n):
        taken = [int(i) for i in even_positions(n, m)]
        yield Case({"planes": m}, taken, make=partial(afresh, taken))


def _trained(study: Study, models: dict[str, str]) -> tuple[list[Contender], list[str]]:
    """The same network trained otherwise, by label."""
    found, missing = [], []
    for label, name in models.items():
        model = study.model(name)
        if model is None:
            missing.append(f"{label} ({name})")
        else:
            found.append(Contender(label, model.card.network.kind, model))
    return found, missing


def _at_spacings(study: Study, name: str) -> tuple[list[Contender], list[str]]:
    spacings = sorted(study.config.spacing_models.items(), reverse=True)
    found, missing = _trained(study, {f"trained at {k:g} µm": v for k, v in spacings})
    return found + study.contenders(name, only=BASELINES)[0], missing


def _in_orders(study: Study, name: str) -> tuple[list[Contender], list[str]]:
    models = {f"trained {k}": v for k, v in study.config.order_models.items()}
    contenders, missing = study.contenders(name)
    more, absent = _trained(study, models) if name == "neurons" else ([], [])
    return contenders + more, missing + absent


def _near(low: float, high: float, *, between: bool = False) -> Callable[..., Any]:
    """Mean PSNR of planes so far from an input, in units of the set's spacing."""

    def values(rows: Rows, study: Study) -> Mapping[str, Mean]:
        name, m = rows[0]["set"], rows[0]["planes"]
        at, spacing = study.inputs_um(name)[:m], study.dataset(name).spacing_um
        there = [
            row
            for row in rows
            if low < min(abs(z - row["z_um"]) for z in at) / spacing < high
            and (not between or at[0] < row["z_um"] < at[-1])
        ]
        return means("psnr_db")(there, study)

    return values


def _least_gains(rows: Rows, study: Study) -> Mapping[str, Mean]:
    """Least mean gain over wiener at any z within the largest gap of a model's card."""
    name = rows[0]["set"]
    at, optics = np.array(study.inputs_um(name)), study.dataset(name).optics
    unseen = where(rows, input=False)
    gains = {
        z: gains_over(where(unseen, z_um=z), "psnr_db", "wiener")
        for z in dict.fromkeys(row["z_um"] for row in unseen)
    }
    least = {}
    for who in study.contenders(name)[0]:
        if who.model is None:
            continue
        reach = who.model.card.reach_um(optics) * (1 + 1e-6)
        ours = [
            gain[who.label]
            for z, gain in gains.items()
            if who.label in gain and float(np.abs(at - z).min()) <= reach
        ]
        if ours:
            least[who.label] = min(ours, key=lambda gain: gain.value)
    return least


def _at_the_end(which: int) -> Callable[[Rows, Study], Mapping[str, Mean]]:
    """Median NRMSE of the draws with the first or the last size of error."""

    def values(rows: Rows, study: Study) -> Mapping[str, Mean]:
        rows = where(rows, sigma_um=study.size.draws.sigmas_um[which])
        return over_specimens(rows, "nrmse", of_each=np.median)

    return values


def _grown(rows: Rows, study: Study) -> Mapping[str, Mean]:
    first, last = (_at_the_end(which)(rows, study) for which in (0, -1))
    return {k: Mean(100 * (last[k].value / first[k].value - 1)) for k in first}


def _counted(facts: dict[str, Any]) -> bool:
    return facts["planes"] in (1, 3, 5, 10)


def _with(m: int) -> Callable[[dict[str, Any]], bool]:
    return lambda facts: bool(facts["planes"] == m)


_SET = "{set}, M={planes}: "
_PSNR, _RMSE = {"psnr_db": "PSNR, dB"}, {"rmse": "RMSE, counts"}

PAPER_FIGURES = (
    Comparison(
        key="fig2",
        title="Quality against z from 2 and 3 input planes",
        over=lambda study: study.config.sets,
        cases=_two_and_three,
        values=("rmse", "nrmse", "psnr_db", "ssim"),
        groups=("set", "planes"),
        lines=(
            Line(f"{_SET}PSNR, all unmeasured planes", _near(0, np.inf), only=_with(3)),
            Line(
                f"{_SET}PSNR, all unmeasured planes",
                _near(0, np.inf),
                headline=False,
                only=_with(2),
            ),
            Line(f"{_SET}PSNR, next to an input", _near(0, 0.25), headline=False),
            Line(
                f"{_SET}PSNR, midway between inputs",
                _near(0.35, 0.65, between=True),
                headline=False,
            ),
            Line(
                f"{_SET}least gain over wiener in reach, by plane",
                _least_gains,
                digits=2,
                only=_with(3),
            ),
        ),
        draw=panels(
            line_by_z, {**_PSNR, "ssim": "SSIM"}, split="set", named="{set}", planes=3
        ),
    ),
    Comparison(
        key="fig4",
        title="Input planes at uneven distances, M = 3",
        over=_both,
        cases=_uneven,
        values=("psnr_db",),
        groups=("set", "inputs"),
        lines=(Line("{set}, {inputs} inputs: PSNR", means("psnr_db")),),
        draw=panels(
            line_by_z,
            _PSNR,
            split=("set", "inputs"),
            named="{set}\n{inputs} inputs",
            level=True,
        ),
    ),
    Comparison(
        key="S3",
        title="Trained at 4, 6 and 8 µm spacing, tested at the set's (neurons)",
        contenders=_at_spacings,
        cases=_three,
        values=("psnr_db",),
        lines=(
            Line("peak PSNR", means("psnr_db", of_each=np.max)),
            Line(
                "unevenness: standard deviation over z",
                means("psnr_db", of_each=np.std),
            ),
        ),
        draw=panels(line_by_z, _PSNR),
    ),
    Comparison(
        key="fig5",
        title="Errors of the planes' positions, M = 3",
        over=_both,
        stacks=_small,
        cases=_errors,
        values=("nrmse",),
        by_z=False,
        pool=rms,
        groups=("set",),
        lines=(
            Line(
                "{set}: NRMSE, median, at σ = 0 µm",
                _at_the_end(0),
                "",
                3,
                headline=False,
            ),
            Line(
                "{set}: NRMSE, median, at σ = 1 µm",
                _at_the_end(-1),
                "",
                3,
                headline=False,
            ),
            Line("{set}: NRMSE gained at σ = 1 µm", _grown, "%", 0),
        ),
        draw=panels(
            partial(boxes, named="{sigma_um:g}"),
            {"nrmse": "NRMSE"},
            split="set",
            named="{set}",
            across="σ of every plane's z, µm",
        ),
    ),
    Comparison(
        key="fig6",
        title="All six orders of three input planes",
        over=_both,
        contenders=_in_orders,
        stacks=_few,
        cases=_orders,
        values=("rmse",),
        groups=("set",),
        lines=(
            Line(
                "{set}: RMSE, mean over orders",
                lambda rows, _: over_specimens(rows, "rmse"),
                "counts",
                2,
                headline=False,
            ),
            Line("{set}: spread over orders, of the RMSE", spread_over_orders, "%"),
        ),
        draw=draw_orders,
    ),
    Comparison(
        key="fig7",
        title="An input repeated, and two inputs in both orders",
        over=_both,
        stacks=_few,
        cases=_repeats,
        values=("rmse",),
        by_z=False,
        pool=rms,
        groups=("set", "inputs"),
        lines=(Line("{set}: RMSE from {inputs}", means("rmse"), "counts", 2),),
        draw=panels(
            partial(by_group, named="{inputs}"),
            _RMSE,
            split="set",
            named="{set}",
            tall=True,
        ),
    ),
    Comparison(
        key="S1",
        title="One to ten input planes, evenly spread",
        over=_both,
        stacks=lambda study, name: specimens(study, name, 1),
        cases=_counts,
        values=("psnr_db", "seconds"),
        by_z=False,
        groups=("set", "planes"),
        lines=(
            Line("{set}, M={planes}: PSNR", means("psnr_db"), only=_counted),
            Line(
                "{set}, M={planes}: time for all planes",
                means("seconds"),
                "s",
                2,
                headline=False,
                only=_counted,
            ),
        ),
        draw=panels(
            curves,
            {**_PSNR, "seconds": "time, s"},
            split="set",
            named="{set}",
            logarithmic="seconds",
        ),
    ),
)
