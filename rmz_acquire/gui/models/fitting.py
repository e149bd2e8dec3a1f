"""Which model is for this microscope, and how to say that one is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.block import TELL_MISFIT
from rmz_acquire.methods import method_of
from rmz_acquire.models import instead_of, read_card, suitable_model

if TYPE_CHECKING:
    from rmz_acquire.gui.models.scan_settings import ScanSettings
    from rmz_acquire.optics import Optics

__all__ = ["Fit", "Site", "untold"]


@dataclass(frozen=True, slots=True)
class Fit:
    """What there is to say of a model.

    Parameters
    ----------
    kind : {"good", "warn", "bad", "muted"}
        How it is said.
    text : str
        In a microscopist's words.
    instead : str or None
        What to choose in its place: a model, or "" for the estimator that needs none.
    more : str
        All of it, where `text` is short.
    """

    kind: str
    text: str
    instead: str | None = None
    more: str = ""

    @property
    def fits(self) -> bool:
        """Whether it is for this microscope."""
        return self.kind == "good"


@dataclass(frozen=True, slots=True)
class Site:
    """The optics of every channel and the range, which choose a model together.

    Parameters
    ----------
    optics : tuple of Optics
        Of each channel, the first first; empty while they are not known.
    names : tuple of str
        Of the channels.
    range_um : (float, float) or None
        Bottom and top, µm; None until they are set.
    objective : str or None
        What the objective is called: "40x/1.2".
    """

    optics: tuple[Optics, ...] = ()
    names: tuple[str, ...] = ()
    range_um: tuple[float, float] | None = None
    objective: str | None = None

    @property
    def z_um(self) -> tuple[float, float]:
        """The range, or one so short that it fits every model."""
        return self.range_um or (0.0, 0.0)

    def proposed(self) -> str | None:
        """The model that is taken where nobody names one; None without optics."""
        if not self.optics:
            return None
        first, *others = self.optics
        return suitable_model(first, self.z_um, [(one, self.z_um) for one in others])

    def reach_um(self, model: str | None) -> float | None:
        """The largest gap that a model reaches over here, µm; None where unknown."""
        name = model or self.proposed()
        if name is None or not self.optics:
            return None
        try:
            return min(read_card(name).reach_um(one) for one in self.optics)
        except InputError:
            return None

    def fit(self, model: str | None) -> Fit:
        """Say whether a model, or the proposed one, is for this microscope."""
        name = model or self.proposed()
        if name is None or not self.optics:
            return Fit("warn", "Whether it fits is not known without the optics.")
        try:
            card = read_card(name)
        except InputError as error:
            return Fit("bad", str(error))
        for number, optics in enumerate(self.optics):
            off = card.check(optics, self.z_um, self.objective)
            if not off:
                continue
            said = [line.removeprefix(f"model {card.name} is ") for line in off]
            where = ""
            if number and len(self.names) == len(self.optics):
                where = f" {self.names[number]}"
            other = instead_of(card.name, optics, self.z_um)
            named = suitable_model(optics, self.z_um)
            start = f"{name} does not fit" if model is None else "Does not fit"
            return Fit(
                "warn",
                f"{start}{where}: {said[0]}.",
                named if named in other else "",
                "\n".join(said),
            )
        known = "objective and pixel size"
        if self.range_um is not None:
            known = "objective, pixel size and range"
        fits = f"{name} fits" if model is None else "Fits"
        return Fit("good", f"{fits} this {known}.")


def untold(settings: ScanSettings, proposed: str | None) -> str:
    """Say why nothing can follow where optics do not fit; empty where it can.

    Parameters
    ----------
    settings : ScanSettings
        What is typed.
    proposed : str or None
        The model that is taken where none is named; None while that is not known.
    """
    base = settings.base
    block = {} if base is None else base.metadata.get("rmz_acquire") or {}
    if block.get("z_um") is not None:
        return "Only a warning: exactly the planes of a list are taken."
    method = method_of(settings.estimator)
    if settings.estimator not in TELL_MISFIT:
        return f"{method.title} cannot tell whether the optics fit."
    name = (settings.model or proposed) if method.model else None
    if name is None:
        return ""
    try:
        prior = read_card(name).network.prior
    except InputError:
        return ""  # which is said beside the model
    if prior == "richardson-lucy":
        return ""
    return f"The model {name} cannot tell whether the optics fit."
