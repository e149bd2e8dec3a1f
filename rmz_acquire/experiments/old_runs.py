"""A run of one volume of version 0.1.0, told as an experiment is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from rmz_acquire.recording.old_run import OldRun

__all__ = ["run_of_old"]

_GIVEN = ("na", "immersion_index", "sample_index", "pixel_size_um", "wavelength_um")
_NOMINAL = {"z_scale": 1.0, "spherical_waves": 0.0}


def run_of_old(old: OldRun) -> dict[str, Any]:
    """Give what ``run.json`` would tell of such a run.

    Parameters
    ----------
    old : OldRun
        The run.

    Returns
    -------
    dict
        With ``grid_unknown`` where a kill left only the planes that were taken.

    Raises
    ------
    InputError
        If it holds neither a summary nor two planes, so that nothing is known of it.
    """
    summary, lines = old.summary, old.lines
    taken = sorted({float(line["z_requested_um"]) for line in lines})
    z_um = old.z_um or taken
    if len(z_um) < 2:
        msg = f"{old.path} holds fewer than two planes, and nothing tells of more"
        raise InputError(msg)
    optics = old.optics or {}
    given = {key: optics[key] for key in _GIVEN if optics.get(key) is not None}
    for key, nominal in _NOMINAL.items():
        if optics.get(key, nominal) != nominal:
            given[key] = optics[key]
    if not optics and old.pixel_size_um is not None:
        given["pixel_size_um"] = old.pixel_size_um
    plan = {} if summary is None or summary.plan is None else dict(summary.plan)
    exact = plan.pop("z_exact_um", None)
    estimator = None if summary is None else summary.estimator
    model = None if summary is None else summary.model
    block: dict[str, Any] = {
        "version": 1,
        "estimator": estimator or "linear",
        **{key: value for key, value in plan.items() if value is not None},
        "optics": given,
    }
    if exact is not None:
        block["z_um"] = exact
    if model is not None:
        block |= {"model": model, "strict": False}
    name = old.channel
    sequence: dict[str, Any] = {
        "z_plan": {"absolute": z_um},
        "metadata": {"rmz_acquire": block},
    }
    if name is not None:
        sequence["channels"] = [{"config": name}]
    imaging = {
        "p_c": [[0, 0]],
        "camera": "",
        "binning": "",
        "roi": [0, 0, 0, 0],
        "shape": [0, 0],
        "pixel_type": "",
        "exposure_ms": None,
        "told": {"objective": "", "pixel_size_um": old.pixel_size_um},
    }
    first = lines[0]["time"] if lines else None
    return {
        "version": 1,
        "started": first if summary is None else summary.started.isoformat(),
        "config": None,
        "here_um": 0.0,
        "estimator": block["estimator"],
        "model": model,
        "model_path": None,
        "model_sha256": None if summary is None else summary.model_sha256,
        "optics": {name or "": optics} if optics else None,
        "imaging": [imaging],
        "sequence": sequence,
        "versions": {} if summary is None else summary.versions,
        "grid_unknown": old.z_um is None,
    }
