"""Pictures that stay on disk until they are asked for, with what they are pictures of.

No dependency on xarray, dask or napari, but made to be handed to them: an array here
has dims, coordinates with units, and is read by indexing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rmz_acquire.errors import InputError, message_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Coordinate", "LazyArray"]

Read = Callable[[tuple[int, ...], "NDArray[np.intp]"], "NDArray[Any]"]
"""Is handed the place along all dims but the last three, and which pictures there."""


class Coordinate(NamedTuple):
    """What stands along one or more dims; a tuple, as xarray takes it.

    Parameters
    ----------
    dims : tuple of str
        Along what.
    values : ndarray
        One for each place; NaN or NaT where it is not known.
    attrs : dict
        Its ``units``, where it has any.
    """

    dims: tuple[str, ...]
    values: NDArray[Any]
    attrs: dict[str, str]


@dataclass(frozen=True, eq=False)
class LazyArray:
    """An array on disk, (..., y, x); only what is asked for is read, every time anew.

    Indexed as numpy is, by integers, slices, ``...`` and, along each dim on its own,
    lists of integers or of booleans. ``numpy.asarray`` reads all of it.

    Parameters
    ----------
    dims : tuple of str
        Names of the axes; the last two are y and x.
    shape : tuple of int
        Their sizes.
    dtype : numpy.dtype
        Of the pixels.
    read : callable
        Gives pictures, (n, Y, X): is handed the indices along all dims but the last
        three, and an array of n indices along the third from the end.
    path : Path
        The file or store that it reads.
    coords : mapping of Coordinate
        By name.
    attrs : mapping
        ``units`` and whatever else holds for all of it.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Read
    path: Path
    coords: Mapping[str, Coordinate]
    attrs: Mapping[str, Any]

    @property
    def ndim(self) -> int:
        """Number of dims."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of pixels."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Size in memory, would all of it be read."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part of it.

        Parameters
        ----------
        key : index
            As for the class.

        Returns
        -------
        ndarray

        Raises
        ------
        InputError
            If the files are damaged, or gone.
        IndexError
            If there is no such part.
        """
        at, dropped = self._places(key)
        *outer, rows, ys, xs = at
        got = np.empty([len(places) for places in at], self.dtype)
        if got.size:
            for target in np.ndindex(*(len(places) for places in outer)):
                place = tuple(
                    int(places[n]) for places, n in zip(outer, target, strict=True)
                )
                got[target] = self._read(place, rows)[:, ys[:, None], xs]
        kept = [n for n, gone in zip(got.shape, dropped, strict=True) if not gone]
        return got.reshape(kept)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            msg = "what is on disk cannot be had without reading it: copy=False"
            raise ValueError(msg)
        return np.asarray(self[...], dtype)

    def __repr__(self) -> str:
        sizes = zip(self.dims, self.shape, strict=True)
        lines = [
            f"{type(self).__name__} ("
            + ", ".join(f"{name}: {n}" for name, n in sizes)
            + f") {self.dtype}, {_in_words(self.nbytes)} on disk"
        ]
        for name, one in self.coords.items():
            units = one.attrs.get("units")
            said = name if units is None else f"{name} [{units}]"
            lines.append(f"  {said:<22} ({', '.join(one.dims)}) {_span(one.values)}")
        return "\n".join(lines)

    def _read(self, place: tuple[int, ...], rows: NDArray[np.intp]) -> NDArray[Any]:
        try:
            return self.read(place, rows)
        except InputError:
            raise
        except (OSError, ValueError, LookupError) as error:
            msg = f"{self.path}: the pixels cannot be read: {message_of(error)[:200]}"
            raise InputError(msg) from error

    def _places(self, key: Any) -> tuple[list[NDArray[np.intp]], list[bool]]:
        """Which indices are wanted of each dim, and which dims then go."""
        keys = list(key) if isinstance(key, tuple) else [key]
        dots = [n for n, one in enumerate(keys) if one is Ellipsis]
        if len(keys) - len(dots) > self.ndim or len(dots) > 1:
            msg = f"too many indices for the dims {', '.join(self.dims)}"
            raise IndexError(msg)
        fill = [slice(None)] * (self.ndim - len(keys) + len(dots))
        at = dots[0] if dots else len(keys)
        keys[at : at + len(dots)] = fill
        places, dropped = [], []
        for size, one in zip(self.shape, keys, strict=True):
            # numpy itself says what an index means, and refuses a wrong one
            found = np.arange(size)[one]
            if found.ndim > 1:
                msg = "an index along one dim has one dim"
                raise IndexError(msg)
            places.append(np.atleast_1d(found))
            dropped.append(found.ndim == 0)
        return places, dropped


def _in_words(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def _span(values: NDArray[Any]) -> str:
    """Say the values that there are, or the least and the most of many."""
    flat = values.ravel()

    def said(value: Any) -> str:
        return f"{value:g}" if flat.dtype.kind == "f" else str(value)

    several = list(dict.fromkeys(flat.tolist()))
    if len(several) <= 6:
        return " ".join(said(value) for value in several)
    if flat.dtype.kind in "fiM":
        # NaN and NaT are left out
        return f"{said(np.fmin.reduce(flat))} … {said(np.fmax.reduce(flat))}"
    return f"{said(several[0])} … {said(several[-1])}"
