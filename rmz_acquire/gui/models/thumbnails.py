"""A small picture of a run: what its planes show, the brightest of each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha1
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.atomic_io import replace_file
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import StoredExperiment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["SIDE_PX", "Thumbnail", "kept_thumbnail", "thumbnail_of"]

SIDE_PX = 96


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture.

    Parameters
    ----------
    pixels : ndarray of uint8, (Y, X)
        From black to white, its longer side `SIDE_PX` at most.
    channel : str
        Label of the channel; empty where it has none.
    """

    pixels: NDArray[np.uint8]
    channel: str


def thumbnail_of(folder: Path) -> Thumbnail | None:
    """Make one of the planes of a run's last volume; None where nothing was taken.

    Raises
    ------
    InputError
        If the folder holds no run.
    """
    stored = StoredExperiment(folder)
    begun = [volume for volume in stored.begun if not volume.single]
    if not begun:
        return None
    planes, channel = stored.planes(begun[-1]), begun[-1].channel or ""
    if not planes:
        return None
    return Thumbnail(_small([plane.image for plane in planes]), channel)


def kept_thumbnail(folder: Path, cache: Path) -> Thumbnail | None:
    """Give the one that was kept for a run as it is, or make it and keep it.

    Parameters
    ----------
    folder : Path
        Of the run.
    cache : Path
        Where they are kept.

    Returns
    -------
    Thumbnail or None
        None where the run has none, or cannot be read.
    """
    try:
        # a run that went on has another one
        when = (folder / "summary.json").stat().st_mtime_ns
        name = sha1(f"{folder.absolute()} {when}".encode(), usedforsecurity=False)
        file = cache / f"{name.hexdigest()}.npz"
        if file.is_file():
            with np.load(file) as kept:
                return Thumbnail(kept["pixels"], str(kept["channel"]))
        made = thumbnail_of(folder)
        if made is not None:
            cache.mkdir(parents=True, exist_ok=True)
            with replace_file(file) as kept:
                np.savez(kept, pixels=made.pixels, channel=np.array(made.channel))
    except (InputError, OSError, ValueError, KeyError):
        # a list of runs is of use without a picture of each
        return None
    return made


def _small(images: Sequence[NDArray[Any]]) -> NDArray[np.uint8]:
    step = max(1, -(-max(images[0].shape) // SIDE_PX))
    rows, columns = (np.arange(0, n, step) for n in images[0].shape)
    brightest = np.maximum.reduce(
        [
            np.maximum.reduceat(np.maximum.reduceat(image, rows, 0), columns, 1)
            for image in images
        ]
    )
    # brighter than a large picture: a few small things are all that is to be seen
    low, high = np.percentile(brightest, (1, 98))
    part = np.clip((brightest.astype(float) - low) / max(high - low, 1.0), 0, 1)
    small: NDArray[np.uint8] = np.round(255 * part).astype(np.uint8)
    return small
