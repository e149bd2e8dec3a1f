"""Released models: weights as safetensors, and a card that says what they are for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rmz_acquire.errors import InputError, message_of
from rmz_acquire.networks.configs import NetworkConfig
from rmz_acquire.optics import Optics, OpticsRange
from rmz_acquire.resources import resource_dir

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from rmz_acquire.networks import Network

__all__ = [
    "DEFAULT_MODEL",
    "WIDE_MODEL",
    "LoadedModel",
    "ModelCard",
    "list_models",
    "load_model",
    "normalisation_kind",
    "read_card",
    "save_model",
    "suitable_model",
]

DEFAULT_MODEL = "air-20x075"
WIDE_MODEL = "widefield"
"""For objectives that no other model is for."""
WEIGHTS, CARD = "model.safetensors", "card.yaml"

Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]

FAR = 0.15
"""Relative distance from the trained optics beyond which a model is used far off."""


class ModelCard(BaseModel):
    """What a released model was trained for, and how well it does.

    Parameters
    ----------
    name, description : str
        Of the model.
    network : NetworkConfig
        Which network, and the layout of its weights.
    optics : Optics
        The microscope it was trained for; lengths on the card are at this one.
    optics_range : OpticsRange, optional
        Of a model for any microscope: what it was trained on.
    z_range_um, z_step_um : float
        Of the volumes it was trained on, µm.
    largest_gap_um : float
        Largest distance from an output plane to the nearest plane taken, µm.
    planes : (int, int)
        Fewest and most planes of a training sequence.
    order : str
        In which orders planes came.
    dz_unit : str
        What the digital propagation matrix carries.
    normalisation : str
        How counts become the network's numbers.
    data : str
        What it was trained on, with the seeds.
    training : dict
        The configuration of the run, whole.
    scores : dict
        By specimen and number of planes, PSNR in dB of the network and the baselines.
    gains : dict
        By specimen, number of planes and distance to the nearest of them, dB over the
        better of wiener and linear.
    conditions : dict
        PSNR of the network and the baselines under all that was varied in training,
        and without each of these.
    comparison : bool
        Whether it is there to be compared with only: it may lose to interpolation.
    date : str
        Of the release, ISO 8601.
    sha256 : str
        Of the weights' file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    name: str
    description: str
    network: NetworkConfig
    optics: Optics
    optics_range: OpticsRange | None = None
    z_range_um: Length
    z_step_um: Length
    largest_gap_um: Length
    planes: tuple[int, int]
    order: str
    dz_unit: str
    normalisation: str
    data: str
    training: dict[str, Any]
    scores: dict[str, dict[str, dict[str, float]]] = {}
    gains: dict[str, dict[str, dict[str, float]]] = {}
    conditions: dict[str, dict[str, float]] = {}
    comparison: bool = False
    date: str
    sha256: str

    def reach_um(self, optics: Optics) -> float:
        """Largest gap that the model is released for, at other optics.

        Parameters
        ----------
        optics : Optics
            The microscope at hand.

        Returns
        -------
        float
            µm; the same blur in pixels as `largest_gap_um` at the card's own optics.
        """
        blur_px = self.largest_gap_um * self.optics.blur_radius_px_per_um
        return blur_px / optics.blur_radius_px_per_um

    def check(self, optics: Optics, z_um: ArrayLike) -> list[str]:
        """Say how far a microscope and a z grid are from what the model knows.

        The network is told distances as blur in pixels, so what counts is the cone's
        angle NA/n, the sampling in units of the resolution and the depth in blur.

        Parameters
        ----------
        optics : Optics
            The microscope at hand.
        z_um : array_like
            (n,) its z grid, µm.

        Returns
        -------
        list of str
            One line each; empty where it fits.
        """
        grid = np.asarray(z_um, dtype=np.float64)
        mine, theirs = self.optics, optics
        blur = "blur per z range, pixels"
        pairs = {
            blur: (
                self.z_range_um * mine.blur_radius_px_per_um,
                float(np.ptp(grid)) * theirs.blur_radius_px_per_um,
            )
        }
        if self.optics_range is None:
            pairs = {
                "NA over immersion index": (
                    mine.na / mine.immersion_index,
                    theirs.na / theirs.immersion_index,
                ),
                "pixel size over resolution λ/NA": (
                    mine.pixel_size_um * mine.na / mine.wavelength_um,
                    theirs.pixel_size_um * theirs.na / theirs.wavelength_um,
                ),
                **pairs,
            }
        out = []
        if self.comparison:
            out.append(f"model {self.name} is there to be compared with only")
        if self.optics_range is not None:
            out += [
                f"model {self.name} was trained at {phrase}"
                for phrase in self.optics_range.outside(optics)
            ]
        for what, (trained, here) in pairs.items():
            off = here / trained - 1
            shallow = what == blur and off < 0
            if abs(off) > FAR and not shallow:
                out.append(
                    f"model {self.name} was trained at {what} {trained:.3g}, "
                    f"here it is {here:.3g} ({off:+.0%})"
                )
        return out


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready for use.

    Attributes
    ----------
    card : ModelCard
        What it is for.
    network : Network
        In eval mode, on the CPU.
    sha256 : str
        Of its weights.
    """

    card: ModelCard
    network: Network
    sha256: str


def list_models(*, for_scans: bool = False) -> list[str]:
    """Names of the models in the box, sorted.

    Parameters
    ----------
    for_scans : bool
        Without those that are there to be compared with only.

    Returns
    -------
    list of str
    """
    names = sorted(
        path.parent.name for path in resource_dir("models").glob(f"*/{CARD}")
    )
    if for_scans:
        names = [name for name in names if not read_card(name).comparison]
    return names


def suitable_model(optics: Optics, z_um: ArrayLike) -> str:
    """Name of the model in the box for a microscope, where nobody names one.

    Parameters
    ----------
    optics : Optics
        The microscope at hand.
    z_um : array_like
        (n,) its z grid, µm.

    Returns
    -------
    str
        The default one where it fits, otherwise the one for any objective where it
        knows this one.
    """
    if WIDE_MODEL not in list_models() or not read_card(DEFAULT_MODEL).check(
        optics, z_um
    ):
        return DEFAULT_MODEL
    known = read_card(WIDE_MODEL).optics_range
    return WIDE_MODEL if known and not known.outside(optics) else DEFAULT_MODEL


def _folder(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if (path / CARD).is_file():
        return path
    boxed = resource_dir("models") / str(name_or_path)
    if path.name == str(name_or_path) and (boxed / CARD).is_file():
        return boxed
    known = ", ".join(list_models()) or "none"
    msg = (
        f"no model {str(name_or_path)!r}: give the name of one in the box ({known}) or "
        f"a folder that holds {CARD} and {WEIGHTS}"
    )
    raise InputError(msg)


def read_card(name_or_path: str | Path) -> ModelCard:
    """Read a model's card.

    Parameters
    ----------
    name_or_path : str or Path
        A name from `list_models`, or a folder.

    Returns
    -------
    ModelCard

    Raises
    ------
    InputError
        Where there is no such model, or its card is damaged.
    """
    path = _folder(name_or_path) / CARD
    try:
        return ModelCard.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        first = message_of(error)[:200]
        msg = f"the card {path} is damaged, get the model again: {first}"
        raise InputError(msg) from error


def load_model(name_or_path: str | Path) -> LoadedModel:
    """Load a model and make sure that its weights are those of the card.

    Parameters
    ----------
    name_or_path : str or Path
        A name from `list_models`, or a folder.

    Returns
    -------
    LoadedModel

    Raises
    ------
    InputError
        Where there is no such model, or card and weights do not belong together.
    """
    card = read_card(name_or_path)
    path = _folder(name_or_path) / WEIGHTS
    if not path.is_file():
        msg = f"model {card.name} has a card but no weights: {path} is missing"
        raise InputError(msg)
    found = _sha256(path)
    if found != card.sha256:
        msg = (
            f"the weights of model {card.name} are not those of its card "
            f"(sha256 {found[:12]} instead of {card.sha256[:12]}): get the model again"
        )
        raise InputError(msg)
    # not above: a card is read before anything decides that torch is needed
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from rmz_acquire.networks import build_network

    network = build_network(card.network)
    try:
        network.load_state_dict(load_file(path))
    except (RuntimeError, SafetensorError) as error:
        msg = f"the weights of model {card.name} do not fit the network of its card"
        raise InputError(msg) from error
    return LoadedModel(card, network.eval(), found)


def normalisation_kind(model: LoadedModel) -> Literal["live", "edf"]:
    """How counts become the numbers that a model was trained on.

    Parameters
    ----------
    model : LoadedModel
        Its card tells; one that does not was trained as planes come live.

    Returns
    -------
    {"live", "edf"}
    """
    return "edf" if model.card.training.get("normalisation") == "edf" else "live"


def save_model(folder: Path, network: Network, card: ModelCard) -> ModelCard:
    """Write weights, in half precision, and card.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    network : Network
        The weights.
    card : ModelCard
        Its `sha256` is replaced by that of the file written.

    Returns
    -------
    ModelCard
        As written.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS
    # half the room; and safetensors knows one layout of memory only
    weights = {
        name: (w.half() if w.is_floating_point() else w).contiguous()
        for name, w in network.state_dict().items()
    }
    # and writes more than one line of metadata in any order, which changes the hash
    save_file(weights, path, metadata={"format": "pt"})
    card = card.model_copy(update={"sha256": _sha256(path)})
    text = yaml.safe_dump(
        json.loads(card.model_dump_json()), sort_keys=False, allow_unicode=True
    )
    (folder / CARD).write_text(text, encoding="utf-8")
    return card


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
