"""Planes as OME-Zarr: whole, in order, and there after a real kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorstore
import yaozarrs
from patience import PATIENCE_S
from scan_fakes import plane

from rmz_acquire.errors import InputError
from rmz_acquire.recording import PlaneWriter, read_planes


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2", "int16", "float32"])
def test_planes_come_back_as_they_were(tmp_path, rng, dtype):
    store = tmp_path / "planes.ome.zarr"
    images = rng.integers(0, 120, (3, 20, 33)).astype(dtype)
    writer = PlaneWriter(store, pixel_size_um=0.325)
    for i, image in enumerate(images):
        writer.append(plane(image, 7.0 - i, requested=7.02 - i, index=i))
        assert len(read_planes(store)) == i + 1
    for i, back in enumerate(read_planes(store)):
        np.testing.assert_array_equal(back.image, images[i])
        assert back.image.dtype == np.dtype(dtype).newbyteorder("=")
        asked = plane(images[i], 7.0 - i, requested=7.02 - i, index=i)
        for name in ("z_um", "z_requested_um", "exposure_ms", "stage_ms", "time"):
            assert getattr(back, name) == getattr(asked, name)


def test_a_view_is_written_as_it_looks(tmp_path, rng):
    image = rng.integers(0, 9, (40, 30)).astype(np.uint16)[::2, ::-1]
    PlaneWriter(tmp_path / "p.ome.zarr").append(plane(image))
    np.testing.assert_array_equal(read_planes(tmp_path / "p.ome.zarr")[0].image, image)


def test_any_reader_understands_the_store(tmp_path):
    store = tmp_path / "planes.ome.zarr"
    writer = PlaneWriter(store, pixel_size_um=0.5, channel="GFP")
    for i in range(4):
        writer.append(plane(np.full((6, 8), i, np.uint16), float(i)))
    yaozarrs.validate_zarr_store(str(store))
    ome = json.loads((store / "zarr.json").read_text())["attributes"]["ome"]
    assert [channel["label"] for channel in ome["omero"]["channels"]] == ["GFP"]
    image = ome["multiscales"][0]
    assert [axis["type"] for axis in image["axes"]] == ["time", "space", "space"]
    scale = image["datasets"][0]["coordinateTransformations"][0]["scale"]
    assert scale[1:] == [0.5, 0.5]
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{store}/0"}}
    pixels = tensorstore.open(spec).result().read().result()
    assert pixels.shape == (4, 6, 8)
    assert pixels[:, 0, 0].tolist() == [0, 1, 2, 3]


def test_no_pixel_size_is_no_unit(tmp_path):
    store = tmp_path / "planes.ome.zarr"
    PlaneWriter(store).append(plane())
    attributes = json.loads((store / "zarr.json").read_text())["attributes"]
    assert "unit" not in attributes["ome"]["multiscales"][0]["axes"][1]
    assert attributes["rmz_acquire"]["pixel_size_um"] is None


@pytest.mark.parametrize(
    "other", [np.zeros((6, 9), np.uint16), np.zeros((6, 8), np.uint8)]
)
def test_planes_of_another_kind_are_refused(tmp_path, other):
    store = tmp_path / "planes.ome.zarr"
    writer = PlaneWriter(store)
    writer.append(plane(np.zeros((6, 8), np.uint16)))
    with pytest.raises(ValueError, match="plane 2"):
        writer.append(plane(other))
    assert len(read_planes(store)) == 1


def test_a_store_that_is_there_is_not_written_over(tmp_path):
    store = tmp_path / "planes.ome.zarr"
    PlaneWriter(store).append(plane())
    with pytest.raises(FileExistsError):
        PlaneWriter(store).append(plane())


def test_what_is_no_store_is_said(tmp_path):
    with pytest.raises(InputError, match="holds no planes"):
        read_planes(tmp_path)
    (tmp_path / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    with pytest.raises(InputError, match="holds no planes"):
        read_planes(tmp_path)


def test_a_kill_between_pixels_and_list_hides_half_a_plane(tmp_path):
    """What a kill leaves at the worst moment: an array longer than its list."""
    store = tmp_path / "planes.ome.zarr"
    writer = PlaneWriter(store)
    for i in range(3):
        writer.append(plane(index=i))
    document = json.loads((store / "zarr.json").read_text())
    document["attributes"]["rmz_acquire"]["planes"].pop()
    (store / "zarr.json").write_text(json.dumps(document))
    assert len(read_planes(store)) == 2


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import numpy as np
from scan_fakes import plane
from rmz_acquire.recording import PlaneWriter

writer = PlaneWriter(Path(sys.argv[1]), pixel_size_um=0.1)
for i in range(100_000):
    image = np.random.default_rng(i).integers(0, 4000, (96, 96)).astype(np.uint16)
    writer.append(plane(image, float(i), index=i))
    sys.stdout.write(f"{{i}}\\n")
    sys.stdout.flush()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize("delay_ms", [0.0, 0.7, 2.3])
def test_every_announced_plane_survives_sigkill(tmp_path, delay_ms):
    """Kill a writer in full run; what it said was written must be there, whole."""
    store = tmp_path / "planes.ome.zarr"
    code = WRITER.format(tests=str(Path(__file__).parent.parent))
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(store)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        announced = -1
        while announced < 12:
            announced = int(process.stdout.readline())
        time.sleep(delay_ms / 1000)
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split("\n")
        # the last line may be cut by the kill
        announced = max([announced, *(int(line) for line in rest[:-1] if line)])
    finally:
        process.kill()
        process.stdout.close()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    planes = read_planes(store)
    assert len(planes) >= announced + 1
    for i, back in enumerate(planes):
        image = np.random.default_rng(i).integers(0, 4000, (96, 96))
        np.testing.assert_array_equal(back.image, image)
        assert back.z_um == i
    yaozarrs.validate_zarr_store(str(store))
