"""Images of a run: one OME-Zarr; of several positions, in it one image for each.

Each image is (t, c, z, y, x) with its voxel size, its place on the stage and the names
of its channels. The only one stands at the root of the Zarr, as ome-writers has it;
several make a group in bioformats2raw's layout, which napari and Fiji read. Every
plane, or part of a volume, is a chunk, safe from a kill when the call that writes it
returns; what was never taken is no file and reads as 0.
The journals are put on the disk itself, against a power cut, after every volume.

Beside the images lies a journal, ``planes.jsonl`` or ``volumes.jsonl``: one line for
each that is whole, written after its pixels. It tells which are there, and is the only
thing to be believed after a kill. A line costs the same whether it is the first or the
ten thousandth.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore
from yaozarrs.write.v05 import prepare_image

from rmz_acquire.atomic_io import (
    replace_json,
    replace_text,
    sync_directory,
)
from rmz_acquire.recording.folder import remove
from rmz_acquire.recording.journal import Journal
from rmz_acquire.recording.plane_arrays import OUTPUT_PLANES, write_plane_arrays
from rmz_acquire.recording.spread_array import SPREAD, open_spread
from rmz_acquire.recording.zarr_metadata import SeriesImage, image_model, planes_of
from rmz_acquire.stacks.ome_image import ome_image, ome_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


__all__ = ["Series", "SeriesImage"]

_CHUNK_BYTES = 2**26
_TILED = (4, 512, 512)
"""Largest chunk, (Z, Y, X), of what is written in parts of a picture."""
_OPTICS = ("na", "immersion_index", "wavelength_um")
_OME = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.openmicroscopy.org/Schemas/OME/2016-06 '
    'http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd">',
    "</OME>\n",
)


class Series:
    """Writes and reads the images of an experiment.

    Parameters
    ----------
    path : Path
        The store, ``*.ome.zarr``.
    journal : str
        Name of the journal in it.
    images : dict
        What it holds, by position and field (p, g).
    """

    def __init__(
        self,
        path: Path,
        journal: str,
        images: dict[tuple[int, int], SeriesImage],
    ) -> None:
        # resolved: the library that writes takes no ".." in a path
        self.path = path.resolve()
        #: What it holds, by position and field (p, g).
        self.images = images
        # earlier versions gave the only one a group of its own, too
        names = [image.name for image in images.values()]
        self._at_root = len(names) == 1 and not (self.path / names[0]).exists()
        self._arrays: dict[tuple[int, int], Any] = {}
        self._described: dict[tuple[int, int], tuple[str, str]] = {}
        # one thread makes volumes while another takes planes
        self._lock = threading.Lock()
        self.journal = Journal(path / journal)
        self._journal_name = journal

    def write(
        self,
        key: tuple[int, int, int, int],
        z: int,
        pixels: NDArray[Any],
        line: dict[str, Any],
        spread: NDArray[np.float32] | None = None,
    ) -> None:
        """Put one plane, or a stack of them, on disk with its line.

        Parameters
        ----------
        key : (int, int, int, int)
            t, p, g, c.
        z : int
            Where along the third axis the first plane goes.
        pixels : ndarray, (Y, X) or (Z, Y, X)
            In native byte order from here on.
        line : dict
            For the journal.
        spread : ndarray, (Z, Y, X), optional
            Of a volume, to be kept beside it.

        Raises
        ------
        ValueError
            If its size or type is not that of the image.
        OSError
            If the disk does not take it.
        """
        t, p, g, c = key
        array, pixels = self._ready((p, g), pixels, pixels.shape[-2:])
        shape, dtype = tuple(array.shape[-2:]), array.dtype.numpy_dtype
        if pixels.shape[-2:] != shape or pixels.dtype != dtype:
            msg = (
                f"a plane is {pixels.shape[-2:]} {pixels.dtype}, those before it are "
                f"{shape} {dtype}"
            )
            raise ValueError(msg)
        deep = z + (1 if pixels.ndim == 2 else len(pixels))
        if deep > array.shape[2]:
            # somebody wanted more than the experiment was laid out for
            grown = [*array.shape[:2], deep, *array.shape[3:]]
            array = array.resize(exclusive_max=grown, expand_only=True).result()
            self._arrays[p, g] = array
        if pixels.ndim == 2:
            target = array[t, c, z]
        else:
            target = array[t, c, z : z + len(pixels)]
        self._put(target, pixels)
        if spread is not None:
            beside = open_spread(self._folder(self.images[p, g]), array)
            self._put(beside[t, c, z : z + len(spread)], spread)
        self.tell_planes(line)
        self.journal.append(line)

    def tell_planes(self, line: Mapping[str, Any]) -> None:
        """Put what a line tells of every plane of a volume beside its pixels."""
        told = line.get(OUTPUT_PLANES)
        if told:
            image = self.images[line["p"], line["g"]]
            place = line["t"], line["c"]
            write_plane_arrays(self._folder(image), image.shape, place, told)

    def write_part(
        self,
        key: tuple[int, int, int, int],
        corner: tuple[int, int],
        pixels: NDArray[Any],
        size: tuple[int, int],
        *,
        spread: bool = False,
    ) -> None:
        """Put a part of a stack on disk; a line tells when all of it is there.

        Parameters
        ----------
        key : (int, int, int, int)
            t, p, g, c.
        corner : (int, int)
            First row and column of the part.
        pixels : ndarray, (Z, height, width)
            All of z.
        size : (int, int)
            Of the whole picture, (Y, X).
        spread : bool
            Whether it is of the spread, of whose volume a part is there.

        Raises
        ------
        OSError
            If the disk does not take it.
        """
        t, p, g, c = key
        array, pixels = self._ready((p, g), pixels, size)
        if spread:
            array = open_spread(self._folder(self.images[p, g]), array)
        y, x = corner
        deep, height, width = pixels.shape
        self._put(array[t, c, :deep, y : y + height, x : x + width], pixels)

    def _ready(
        self, place: tuple[int, int], pixels: NDArray[Any], size: tuple[int, ...]
    ) -> tuple[Any, NDArray[Any]]:
        """Give the array for some pixels of a picture, and these as it takes them."""
        # else the pixels would make a new folder where the old one was moved away
        self.journal.check()
        pixels = np.ascontiguousarray(pixels)
        pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        with self._lock:
            return self._array(place, pixels, size), pixels

    def _put(self, target: Any, pixels: NDArray[Any]) -> None:
        try:
            # result() returns when every chunk is committed: renamed and synced
            target.write(pixels).result()
        except ValueError as error:
            # tensorstore's name for what the disk refuses
            msg = f"{self.path.name} cannot be written: {' '.join(str(error).split())}"
            raise OSError(msg) from error

    def read(self, key: tuple[int, int, int, int], z: int | slice) -> NDArray[Any]:
        """Give pixels back; 0 where none were written.

        Parameters
        ----------
        key : (int, int, int, int)
            t, p, g, c.
        z : int or slice
            Along the third axis.
        """
        t, p, g, c = key
        array = self._arrays.get((p, g)) or self._open((p, g))
        return np.asarray(array[t, c, z].read().result())

    def has_spread(self, place: tuple[int, int]) -> bool:
        """Whether there is one beside the pixels of an image, by p and g."""
        return (self._folder(self.images[place]) / SPREAD / "zarr.json").exists()

    def read_spread(
        self, key: tuple[int, int, int, int], z: slice
    ) -> NDArray[np.float32]:
        """Give the spread of a volume back, as `read`; NaN where it was not kept."""
        t, p, g, c = key
        array = open_spread(self._folder(self.images[p, g]))
        return np.asarray(array[t, c, z].read().result())

    def picture(self, place: tuple[int, int]) -> tuple[tuple[int, int], np.dtype[Any]]:
        """Give size (Y, X) and type of the pictures of an image, reading none.

        Parameters
        ----------
        place : (int, int)
            p and g; of an image that is on disk.
        """
        array = self._arrays.get(place) or self._open(place)
        y, x = array.shape[-2:]
        return (y, x), array.dtype.numpy_dtype

    def _array(
        self, place: tuple[int, int], pixels: NDArray[Any], size: tuple[int, ...]
    ) -> Any:
        if place not in self._arrays:
            exists = self._exists(self.images[place])
            self._arrays[place] = (
                self._open(place) if exists else self._create(place, pixels, size)
            )
            if not self._at_root:
                self._list_images()
        return self._arrays[place]

    def _open(self, place: tuple[int, int]) -> Any:
        where = self._folder(self.images[place]) / "0"
        spec = {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": str(where)},
            # a killed process leaves what it wrote; to wait for the platter as well
            # would cost every plane milliseconds
            "context": {"file_io_sync": False},
        }
        return tensorstore.open(spec, open=True, read=True, write=True).result()

    def _create(
        self, place: tuple[int, int], pixels: NDArray[Any], size: tuple[int, ...]
    ) -> Any:
        """Make the image; its own metadata last, so that it is whole or not there."""
        image = self.images[place]
        folder = self._folder(image)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if (folder / "0" / "c").exists():
            msg = f"{folder} holds planes but not what they are: move it away"
            raise OSError(msg)
        # beside it first: a process that is killed meanwhile leaves no half of one
        fresh = folder.with_name(f".{folder.name}.new")
        remove(fresh)
        y, x = size
        one = y * x * pixels.dtype.itemsize
        deep = 1 if pixels.ndim == 2 else max(1, min(len(pixels), _CHUNK_BYTES // one))
        chunk: tuple[int, ...] = (deep, y, x)
        if pixels.shape[-2:] != tuple(size):
            chunk = tuple(min(a, b) for a, b in zip(chunk, _TILED, strict=True))
        prepare_image(
            fresh,
            image_model(image, pixels),
            ((*image.shape, y, x), pixels.dtype),
            extra_attributes={"rmz_acquire": self._block(image)},
            chunks=(1, 1, *chunk),
            writer="tensorstore",
            compression="blosc-lz4",
        )
        folder.mkdir(exist_ok=True)
        for name in ("zarr.json", "0"):
            remove(folder / name)
            (fresh / name).rename(folder / name)
        fresh.rmdir()
        sync_directory(folder)
        return self._open(place)

    def _list_images(self) -> None:
        """Name the images that are there, for the readers of this layout.

        In ``OME/METADATA.ome.xml`` too, which napari's reader goes by.
        """
        (self.path / "OME").mkdir(parents=True, exist_ok=True)
        first = not self._described
        for place, image in self.images.items():
            # those of this process are known; others lay there before it
            fresh = place not in self._described and (
                place in self._arrays or (first and self._exists(image))
            )
            if fresh:
                array = self._arrays.get(place) or self._open(place)
                self._described[place] = self._as_xml(image, array)
        there = [place for place in self.images if place in self._described]
        parts = [self._described[place][part] for part in (0, 1) for place in there]
        text = "".join((_OME[0], *parts, _OME[1]))
        replace_text(self.path / "OME" / "METADATA.ome.xml", text)
        names = [self.images[place].name for place in there]
        head = {"zarr_format": 3, "node_type": "group"}
        ome = {"version": "0.5"}
        replace_json(
            self.path / "OME" / "zarr.json",
            {**head, "attributes": {"ome": {**ome, "series": names}}},
        )
        layout = {**ome, "bioformats2raw.layout": 3}
        ours = {"version": 1, "journal": self._journal_name}
        replace_json(
            self.path / "zarr.json",
            {**head, "attributes": {"ome": layout, "rmz_acquire": ours}},
        )

    def _as_xml(self, image: SeriesImage, array: Any) -> tuple[str, str]:
        """Describe an image: its instrument, which must come before, and itself."""
        described = ome_image(
            image.name,
            image.about,
            array.shape,
            array.dtype.numpy_dtype,
            planes=planes_of(image),
            metadata_only=True,
        )
        whole = ome_of([described]).to_xml()
        image_at, end = whole.index("<Image"), whole.rindex("</OME>")
        begin = image_at if described[1] is None else whole.index("<Instrument ")
        return whole[begin:image_at], whole[image_at:end]

    def _exists(self, image: SeriesImage) -> bool:
        # the array's own file comes last: without it the image is made anew
        return (self._folder(image) / "0" / "zarr.json").exists()

    def _folder(self, image: SeriesImage) -> Path:
        return self.path if self._at_root else self.path / image.name

    def _block(self, image: SeriesImage) -> dict[str, Any]:
        """What the format has no place for: z of each plane, optics by channel."""
        about = image.about
        block: dict[str, Any] = {"version": 1, "position": about.name}
        if self._at_root:
            block["journal"] = self._journal_name
        if image.same_z_um:
            block["z_um"] = list(image.same_z_um)
        elif image.z_um:
            pairs = zip(about.channels, image.z_um, strict=False)
            block["z_um_by_channel"] = {name: list(z) for name, z in pairs}
        block["optics"] = {
            name: {key: getattr(lens, key) for key in _OPTICS}
            for name, lens in zip(about.channels, about.optics, strict=False)
            if lens is not None
        }
        return block
