"""Quality against exposures: what each plane more buys, by estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmz_acquire.evaluation.acceptance import RELEASED
from rmz_acquire.evaluation.comparison import Case, Comparison, Line, means, specimens
from rmz_acquire.evaluation.context import BY_DEFAULT, UNTRAINED
from rmz_acquire.evaluation.figures import curves, panels
from rmz_acquire.evaluation.positions import scan_order
from rmz_acquire.evaluation.result import gains_over

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmz_acquire.evaluation.context import Contender, Study
    from rmz_acquire.evaluation.held_out import HeldOut

__all__ = ["EXPOSURES"]

_NETWORK = RELEASED[0]
"""The one released for the specimen of the set."""


def _stacks(study: Study, name: str) -> Any:
    size = study.size.exposures
    options = {"side_px": size.side_px, "z_every": size.z_every}
    return specimens(study, name, size.seeds, **options)


def _cases(study: Study, _: str, stack: HeldOut) -> Iterator[Case]:
    """Give all the planes that a scan of at most so many takes, in its order.

    Those that stream go on from what they have: one sequence a specimen.
    """
    for m in sorted(m for m in study.size.exposures.planes if m < len(stack.z_um)):
        yield Case({"planes": m}, stack.nearest(scan_order(stack.z_um, m)))


def _trained_on(name: str, contenders: list[Contender]) -> list[str]:
    cards = {who.label: who.model.card for who in contenders if who.model is not None}
    return [
        f"{name}: {label} was trained on {card.planes[0]} to {card.planes[1]} planes."
        for label, card in cards.items()
    ]


EXPOSURES = Comparison(
    key="exposures",
    title="Quality against exposures, planes in the order of a scan",
    over=lambda study: study.config.sets,
    contenders=lambda study, name: study.contenders(
        name, only=(_NETWORK, BY_DEFAULT, *UNTRAINED)
    ),
    stacks=_stacks,
    cases=_cases,
    values=("psnr_db", "nrmse"),
    by_z=False,
    groups=("set", "planes"),
    lines=(
        Line("{set}, M={planes}: PSNR", means("psnr_db")),
        Line("{set}, M={planes}: NRMSE", means("nrmse"), "", 3, headline=False),
        Line(
            "{set}, M={planes}: gain over wiener",
            lambda rows, _: gains_over(rows, "psnr_db", "wiener"),
            digits=2,
            headline=False,
        ),
    ),
    draw=panels(
        curves,
        {"psnr_db": "PSNR, dB", "nrmse": "NRMSE"},
        split="set",
        named="{set}",
        across="exposures, M",
    ),
    notes=_trained_on,
)
