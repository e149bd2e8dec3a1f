"""The spread of volumes as an array beside their pixels in the OME-Zarr.

``spread`` lies in the group of the image, with the shape and chunks of its pixels, and
is no part of what the format tells viewers of: they open the image as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorstore

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SPREAD", "open_spread"]

SPREAD = "spread"

_MEANING = "RMS distance of the candidates from the volume, counts; NaN: not known"


def open_spread(image: Path, pixels: Any = None) -> Any:
    """Open the array; make it where it is not there.

    Parameters
    ----------
    image : Path
        The folder of the image.
    pixels : tensorstore.TensorStore, optional
        Those of the image, (t, c, z, y, x): the array gets their shape and chunks.
        Without, it must be there.

    Returns
    -------
    tensorstore.TensorStore
        float32.
    """
    spec: dict[str, Any] = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(image / SPREAD)},
        "context": {"file_io_sync": False},
        "open": True,
    }
    if pixels is not None:
        chunks = list(pixels.chunk_layout.write_chunk.shape)
        spec["create"] = True
        spec["metadata"] = {
            "shape": list(pixels.shape),
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}},
            "codecs": [{"name": "bytes"}, {"name": "blosc"}],
            "data_type": "float32",
            "fill_value": "NaN",
            "dimension_names": ["t", "c", "z", "y", "x"],
            "attributes": {"rmz_acquire": {"version": 1, "meaning": _MEANING}},
        }
    return tensorstore.open(spec).result()
