"""What is known of every output plane, as small arrays beside the image in its Zarr.

``output_planes`` is a group of its own in the image's, with an array (t, c, z) for each
thing that is known: a viewer that looks for pictures does not see it, and one volume of
a long series costs as little as the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore

from rmz_acquire.atomic_io import replace_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["OUTPUT_PLANES", "write_plane_arrays"]

OUTPUT_PLANES = "output_planes"

_MEANINGS = {
    "measured": "1 where a plane was taken, 0 where it is inferred",
    "nearest_um": "distance to the nearest plane taken, micrometer",
    "predicted_error": "RMS error over RMS light, as predicted",
    "spread": "RMS difference of the candidates over RMS light",
}


def write_plane_arrays(
    image: Path,
    shape: tuple[int, int, int],
    place: tuple[int, int],
    told: Mapping[str, Sequence[Any] | None],
) -> None:
    """Put on disk what is known of the planes of one volume; NaN is not known.

    Parameters
    ----------
    image : Path
        The folder of the image, which is there.
    shape : (int, int, int)
        Sizes of t, c and z of the image.
    place : (int, int)
        t and c of the volume.
    told : mapping
        As `rmz_acquire.scanning.OutputPlanes.to_dict` gives it.

    Raises
    ------
    OSError
        If the disk does not take it.
    """
    group = image / OUTPUT_PLANES
    if not (group / "zarr.json").exists():
        group.mkdir(exist_ok=True)
        attributes = {"rmz_acquire": {"version": 1, "arrays": _MEANINGS}}
        head = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
        replace_json(group / "zarr.json", head)
    for name in _MEANINGS:
        known = told.get(name)
        values = np.full(shape[2], np.nan, np.float32)
        if known is not None:
            values[: len(known)] = np.array(known, np.float32)
        try:
            array = tensorstore.open(_spec(group / name, shape)).result()
            array[place].write(values).result()
        except ValueError as error:
            # tensorstore's name for what the disk refuses
            msg = f"{group / name} cannot be written: {' '.join(str(error).split())}"
            raise OSError(msg) from error


def _spec(path: Path, shape: tuple[int, int, int]) -> dict[str, Any]:
    return {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(path)},
        "context": {"file_io_sync": False},
        "open": True,
        "create": True,
        "metadata": {
            "shape": list(shape),
            "chunk_grid": {
                "name": "regular",
                "configuration": {"chunk_shape": [1, 1, shape[2]]},
            },
            "data_type": "float32",
            "fill_value": "NaN",
            "dimension_names": ["t", "c", "z"],
        },
    }
