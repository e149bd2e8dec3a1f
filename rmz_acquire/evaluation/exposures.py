"""Quality against exposures: what each plane more buys, by estimator.

On the sets of all experiments, and on specimens of which something is asked of the
estimators that scans use: no network of the paper takes part there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmz_acquire.evaluation.acceptance import (
    BY_DEFAULT,
    DEFAULT_GAIN,
    DEFAULT_LEAST,
    GAIN,
    LAYERS,
    LEAST,
    RELEASED,
)
from rmz_acquire.evaluation.comparison import Case, Comparison, Line, means, specimens
from rmz_acquire.evaluation.context import UNTRAINED
from rmz_acquire.evaluation.figures import curves, panels
from rmz_acquire.evaluation.positions import scan_order
from rmz_acquire.evaluation.result import Mean, Rows, gains_over, least_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rmz_acquire.evaluation.context import Contender, Study
    from rmz_acquire.evaluation.evaluation_config import ExposureSize
    from rmz_acquire.evaluation.held_out import HeldOut

__all__ = ["EXPOSURES"]

_NETWORK = RELEASED[0]
"""The one released for the specimen of the set."""


def _size(study: Study, name: str) -> ExposureSize:
    also = name in study.config.more_sets
    return study.size.more_exposures if also else study.size.exposures


def _stacks(study: Study, name: str) -> Any:
    size = _size(study, name)
    options = {"side_px": size.side_px, "z_every": size.z_every}
    return specimens(study, name, size.seeds, **options)


def _cases(study: Study, name: str, stack: HeldOut) -> Iterator[Case]:
    """Give all the planes that a scan of at most so many takes, in its order.

    Those that stream go on from what they have: one sequence a specimen.
    """
    numbers = study.dataset(name).planes or _size(study, name).planes
    for m in sorted(m for m in numbers if m < len(stack.z_um)):
        yield Case({"planes": m}, stack.nearest(scan_order(stack.z_um, m)))


def _trained_on(name: str, contenders: list[Contender]) -> list[str]:
    cards = {who.label: who.model.card for who in contenders if who.model is not None}
    return [
        f"{name}: {label} was trained on {card.planes[0]} to {card.planes[1]} planes."
        for label, card in cards.items()
    ]


def _gains(
    other: str, *, of: str | None = None, **how: Any
) -> Callable[[Rows, Study], Mapping[str, Mean]]:
    """Gain over one estimator, of all others or one; `how` as `gains_over` takes."""

    def values(rows: Rows, _: Study) -> Mapping[str, Mean]:
        found = gains_over(rows, "psnr_db", other, **how)
        return {k: gain for k, gain in found.items() if of in (None, k)}

    return values


_LINE = "{set}, M={planes}: "

EXPOSURES = Comparison(
    key="exposures",
    title="Quality against exposures, planes in the order of a scan",
    over=lambda study: [*study.config.sets, *study.config.more_sets],
    contenders=lambda study, name: study.contenders(
        name, only=(_NETWORK, BY_DEFAULT, *UNTRAINED)
    ),
    stacks=_stacks,
    cases=_cases,
    values=("psnr_db", "nrmse"),
    by_z=False,
    groups=("set", "planes"),
    lines=(
        Line(f"{_LINE}PSNR", means("psnr_db")),
        Line(f"{_LINE}NRMSE", means("nrmse"), "", 3, headline=False),
        *(
            Line(f"{_LINE}{what}", gains, digits=2, headline=False)
            for what, gains in (
                (GAIN, _gains("wiener")),
                (LEAST, _gains("wiener", of_all=least_of)),
                (DEFAULT_GAIN, _gains(LAYERS, of=BY_DEFAULT)),
                (DEFAULT_LEAST, _gains(LAYERS, of=BY_DEFAULT, of_all=least_of)),
            )
        ),
    ),
    draw=panels(
        curves,
        {"psnr_db": "PSNR, dB", "nrmse": "NRMSE"},
        split="set",
        named="{set}",
        across="exposures, M",
        tall=True,
    ),
    notes=_trained_on,
)
