"""Look at a run with numpy, xarray and napari: whatever of them is installed.

Nothing is read before it is asked for, and nothing in the folder is changed. The tests
run this with what is installed there; napari is not.
"""

import importlib.util
import sys

import numpy as np
import useq

import rmz_acquire
from rmz_acquire.acquisition import load_simulated

# a run to look at; yours is there already
core = load_simulated(specimen="nuclei", seed=5, SensorSize_px=64)
rmz_acquire.run(
    core,
    useq.MDASequence(
        channels=[{"config": "GFP", "exposure": 20}],
        z_plan={"range": 10, "step": 1},
        metadata={
            "rmz_acquire": {"version": 1, "estimator": "wiener", "max_planes": 5}
        },
    ),
    sys.argv[1],
    overwrite=True,
)

run = rmz_acquire.load(sys.argv[1])
print(run)
volumes = run.volumes
assert volumes is not None
one = np.asarray(volumes[0, 0, 0])  # of a time, position and channel: (z, y, x)
print("dims", *volumes.dims)
print("brightest at z", volumes.coords["z"].values[one.max((1, 2)).argmax()], "µm")

measured = volumes.coords["measured"].values[0, 0, 0]
print("measured:", measured.sum(), "of", len(measured), "planes")


def there(*names: str) -> bool:
    """Whether libraries are installed."""
    return all(importlib.util.find_spec(name) for name in names)


if there("xarray", "dask"):
    import dask.array
    import xarray

    array = xarray.DataArray(
        dask.array.from_array(volumes),
        dims=volumes.dims,
        coords=volumes.coords,
        attrs=volumes.attrs,
    )
    print("xarray:", dict(array.sizes))
if there("napari"):
    import napari

    viewer = napari.Viewer()
    viewer.add_image(one, name="volume", contrast_limits=(one.min(), one.max()))
    viewer.add_image(np.asarray(run.planes), name="planes")
    napari.run()
