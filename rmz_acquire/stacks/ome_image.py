"""An image as the OME model describes it; what is not known is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from ome_types import model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import DTypeLike


__all__ = ["About", "Lens", "ome_image", "ome_note", "ome_of", "ome_plane"]

_UM, _NM, _MS, _S = (
    model.UnitsLength.MICROMETER,
    model.UnitsLength.NANOMETER,
    model.UnitsTime.MILLISECOND,
    model.UnitsTime.SECOND,
)
# as numpy calls them, and as OME does where it has another name
_PIXEL_TYPES = {"float32": "float", "float64": "double"}
_IMMERSION = (
    (1.0, 0.02, model.Objective_Immersion.AIR),
    (1.333, 0.02, model.Objective_Immersion.WATER),
    (1.47, 0.015, model.Objective_Immersion.GLYCEROL),
    (1.515, 0.02, model.Objective_Immersion.OIL),
)


class Lens(Protocol):
    """What a channel is imaged through, as far as known; `Optics` is one."""

    @property
    def na(self) -> float | None:
        """Numerical aperture."""

    @property
    def immersion_index(self) -> float | None:
        """Refractive index of the immersion."""

    @property
    def wavelength_um(self) -> float | None:
        """Emission wavelength, µm."""


@dataclass(frozen=True, slots=True)
class About:
    """What other programs are told of an image.

    Parameters
    ----------
    name : str
        What people call it, such as the name of its position.
    channels : sequence of str
        Names, of as many channels as there are or more.
    optics : sequence of Lens or None
        Of the channels; shorter where not known.
    pixel_size_um, z_step_um, t_step_s : float or None
        Voxel size, µm, and time between time points, s; None where not known, or
        where z or time has no even step.
    stage_um : (float or None, float or None, float or None)
        z, y, x of its first voxel on the stage, µm.
    """

    name: str
    channels: Sequence[str] = ()
    optics: Sequence[Lens | None] = ()
    pixel_size_um: float | None = None
    z_step_um: float | None = None
    t_step_s: float | None = None
    stage_um: tuple[float | None, float | None, float | None] = (None, None, None)


def ome_image(
    key: str,
    about: About,
    shape: Sequence[int],
    dtype: DTypeLike,
    *,
    planes: Sequence[model.Plane] = (),
    **pixels: Any,
) -> tuple[model.Image, model.Instrument | None]:
    """Describe an image, and the objective that it was taken with.

    Parameters
    ----------
    key : str
        The end of its ID; no spaces.
    about : About
        What is known of it.
    shape : sequence of int
        Sizes of t, c, z, y and x.
    dtype : dtype
        Of its pixels.
    planes : sequence of ome_types.model.Plane
        What is known of single planes.
    **pixels
        Further fields of `ome_types.model.Pixels`, such as where they are.

    Returns
    -------
    (ome_types.model.Image, ome_types.model.Instrument or None)
    """
    t, c, z, y, x = (int(size) for size in shape)
    kind = np.dtype(dtype).name
    length: dict[str, Any] = {}
    sizes = (about.pixel_size_um, about.pixel_size_um, about.z_step_um)
    for axis, size in zip("xyz", sizes, strict=True):
        if size is not None:
            length |= {f"physical_size_{axis}": size, f"physical_size_{axis}_unit": _UM}
    if about.t_step_s is not None:
        length |= {"time_increment": about.t_step_s, "time_increment_unit": _S}
    optics = [*about.optics[:c], *[None] * max(0, c - len(about.optics))]
    names = [*about.channels[:c], *[None] * max(0, c - len(about.channels))]
    instrument, settings = _objective(key, optics)
    image = model.Image(
        id=f"Image:{key}",
        name=about.name,
        objective_settings=settings,
        stage_label=_stage_label(about),
        pixels=model.Pixels(
            id=f"Pixels:{key}",
            dimension_order=model.Pixels_DimensionOrder.XYZCT,
            type=model.PixelType(_PIXEL_TYPES.get(kind, kind)),
            size_x=x,
            size_y=y,
            size_z=z,
            size_c=c,
            size_t=t,
            channels=[
                _channel(f"Channel:{key}:{n}", label, one)
                for n, (label, one) in enumerate(zip(names, optics, strict=True))
            ],
            planes=list(planes),
            **length,
            **pixels,
        ),
    )
    if instrument is not None:
        image.instrument_ref = model.InstrumentRef(id=instrument.id)
    return image, instrument


def ome_of(
    described: Sequence[tuple[model.Image, model.Instrument | None]],
    notes: Sequence[model.MapAnnotation] = (),
) -> model.OME:
    """Put images and their instruments into one document, with what they refer to."""
    known: dict[str, Any] = {}
    if notes:
        annotations = model.StructuredAnnotations(map_annotations=list(notes))
        known["structured_annotations"] = annotations
    return model.OME(
        **known,
        instruments=[one for _, one in described if one is not None],
        images=[image for image, _ in described],
    )


def ome_plane(
    index: tuple[int, int, int],
    position_um: tuple[float | None, float | None, float | None],
    *,
    exposure_ms: float | None = None,
    delta_s: float | None = None,
    note: str | None = None,
) -> model.Plane:
    """Describe a plane.

    Parameters
    ----------
    index : (int, int, int)
        t, c and z.
    position_um : (float or None, float or None, float or None)
        z, y and x on the stage, µm.
    exposure_ms : float, optional
        ms.
    delta_s : float, optional
        When it was taken, s since the beginning.
    note : str, optional
        ID of what else is known of it.
    """
    t, c, z = index
    known: dict[str, Any] = {}
    for axis, value in zip("zyx", position_um, strict=True):
        if value is not None:
            known |= {f"position_{axis}": value, f"position_{axis}_unit": _UM}
    if exposure_ms is not None:
        known |= {"exposure_time": exposure_ms, "exposure_time_unit": _MS}
    if delta_s is not None:
        known |= {"delta_t": delta_s, "delta_t_unit": _S}
    if note is not None:
        known["annotation_refs"] = [model.AnnotationRef(id=note)]
    return model.Plane(the_t=t, the_c=c, the_z=z, **known)


def ome_note(key: str, namespace: str, told: Mapping[str, Any]) -> model.MapAnnotation:
    """Describe what the model has no place for, as texts by name; None is left out."""
    texts = {
        name: str(value).lower() if isinstance(value, bool) else f"{value:g}"
        for name, value in told.items()
        if value is not None
    }
    return model.MapAnnotation(id=key, namespace=namespace, value=texts)


def _channel(key: str, name: str | None, lens: Lens | None) -> model.Channel:
    known: dict[str, Any] = {} if name is None else {"name": name}
    if lens is not None and lens.wavelength_um is not None:
        # 0.52 µm is 520 nm, whatever a float makes of it
        known["emission_wavelength"] = round(lens.wavelength_um * 1000, 6)
        known["emission_wavelength_unit"] = _NM
    return model.Channel(id=key, samples_per_pixel=1, **known)


def _objective(
    key: str, lenses: Sequence[Lens | None]
) -> tuple[model.Instrument | None, model.ObjectiveSettings | None]:
    """Describe the one objective of an image; none where its channels have several."""
    found = {(one.na, one.immersion_index) for one in lenses if one is not None}
    if len(found) != 1 or found == {(None, None)}:
        return None, None
    na, index = found.pop()
    known: dict[str, Any] = {} if na is None else {"lens_na": na}
    if index is not None:
        kinds = [kind for at, by, kind in _IMMERSION if abs(index - at) <= by]
        known["immersion"] = kinds[0] if kinds else model.Objective_Immersion.OTHER
    objective = model.Objective(id=f"Objective:{key}", **known)
    return (
        model.Instrument(id=f"Instrument:{key}", objectives=[objective]),
        model.ObjectiveSettings(id=objective.id, refractive_index=index),
    )


def _stage_label(about: About) -> model.StageLabel | None:
    known: dict[str, Any] = {}
    for axis, value in zip("zyx", about.stage_um, strict=True):
        if value is not None:
            known |= {axis: value, f"{axis}_unit": _UM}
    return model.StageLabel(name=about.name, **known) if known else None
