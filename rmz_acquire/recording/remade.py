"""What is told of a volume that was made again of planes on disk: a file beside it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from rmz_acquire.atomic_io import jsonable, replace_json
from rmz_acquire.recording.compared import candidates_of, z_scale_of
from rmz_acquire.recording.summary import versions
from rmz_acquire.scanning.output_planes import OutputPlanes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rmz_acquire.recording.compared import Comparison

__all__ = ["Remade"]


class Remade(BaseModel):
    """How a volume was made of planes that were there.

    Parameters
    ----------
    source : str
        Where the planes lie.
    estimator, model, model_sha256, optics
        As the estimator describes itself.
    z_um, z_taken_um : list of float
        The output grid, and where the planes were taken, in their order, µm.
    output_planes : dict
        As in the summary of a run; its predicted error goes by the distance and by
        how well the candidates predicted the planes, where there are any.
    candidates : dict or None
        As in the summary of a run.
    z_scale : float or None
        The same.
    planes : list of dict
        Of each plane what ``decisions.jsonl`` tells of the candidates: `predictions`,
        `shares`, `z_scale`, `winner` and `winner_gain_db`.
    versions : dict
        Of what a result can depend on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    source: str
    estimator: str | None
    model: str | None
    model_sha256: str | None
    optics: dict[str, Any] | None
    z_um: list[float]
    z_taken_um: list[float]
    output_planes: dict[str, list[Any] | None] = {}
    candidates: dict[str, dict[str, float]] | None
    z_scale: float | None
    planes: list[dict[str, Any]]
    versions: dict[str, str]

    @classmethod
    def of(
        cls,
        source: Path,
        description: Mapping[str, Any],
        z_um: Sequence[float],
        z_taken_um: Sequence[float],
        compared: Sequence[Comparison],
    ) -> Remade:
        """Put it together.

        Parameters
        ----------
        source : Path
            Where the planes lie.
        description : mapping
            The estimator's `describe()`.
        z_um, z_taken_um : sequence of float
            The output grid, and where the planes were taken, in their order, µm.
        compared : sequence of Comparison
            One a plane.
        """
        return cls(
            source=str(source),
            estimator=description.get("estimator"),
            model=description.get("model"),
            model_sha256=description.get("model_sha256"),
            optics=jsonable(description.get("optics")),
            z_um=[float(z) for z in z_um],
            z_taken_um=[float(z) for z in z_taken_um],
            output_planes=_planes_of(z_um, z_taken_um, compared).to_dict(),
            candidates=candidates_of(compared),
            z_scale=z_scale_of(compared),
            planes=[jsonable(asdict(each)) for each in compared],
            versions=versions(),
        )

    @property
    def told_of_planes(self) -> list[dict[str, float | bool | None]]:
        """What is known of every output plane, for the volume's own file."""
        known = OutputPlanes.of_line(self.output_planes)
        return [] if known is None else known.by_plane

    def write(self, path: Path) -> None:
        """Replace the file."""
        replace_json(path, self.model_dump(mode="json"))


def _planes_of(
    z_um: Sequence[float], z_taken_um: Sequence[float], compared: Sequence[Comparison]
) -> OutputPlanes:
    best = [min((one.predictions or {}).values(), default=None) for one in compared]
    return OutputPlanes.of_places(z_um, z_taken_um, best)
