"""The files of a run: where they may go, and that each is whole or not there."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import numpy as np
import pytest

from rmz_acquire.atomic_io import jsonable, replace_file, replace_json, replace_text
from rmz_acquire.errors import InputError
from rmz_acquire.optics import Optics
from rmz_acquire.recording import check_folder
from rmz_acquire.scanning import Outcome
from rmz_acquire.stacks import write_volume


def test_a_volume_that_does_not_fit_its_grid_is_refused(tmp_path):
    with pytest.raises(ValueError, match="does not fit"):
        write_volume(tmp_path / "v.ome.tif", np.zeros((4, 5, 6)), [0.0, 1.0])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_things_is_taken(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    check_folder(tmp_path)
    check_folder(tmp_path / "not" / "there" / "yet")
    assert not (tmp_path / "not").exists()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "taken").write_text("")
    for path in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(InputError):
            check_folder(path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_closed_to_writing_is_said(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot be written"):
            check_folder(tmp_path / "run")
    finally:
        tmp_path.chmod(0o700)


def test_nan_is_never_written(tmp_path):
    value = {
        "a": float("nan"),
        "b": [np.float32("inf"), np.float64(1.5), np.int64(3)],
        "c": np.array([1.0, np.nan]),
        "d": (True, None, "µm", tmp_path),
        "e": Outcome("failed", "x", 1).planes_taken,
        "f": Optics(na=1.4, immersion_index=1.5, wavelength_um=0.5, pixel_size_um=0.1),
        "g": datetime(2026, 11, 29, 18, tzinfo=UTC),
        5: {np.int64(3).item()},
    }
    assert jsonable(value)["b"] == [None, 1.5, 3]
    replace_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert "NaN" not in text and "Infinity" not in text
    found = json.loads(text)
    assert found == jsonable(value)
    assert found["c"] == [1.0, None] and found["d"] == [True, None, "µm", str(tmp_path)]
    assert found["e"] == 1 and found["f"]["sample_index"] is None
    assert datetime.fromisoformat(found["g"]) == value["g"]
    assert found["5"] == [3]
    with pytest.raises(ValueError, match="object does not fit into JSON"):
        jsonable(object())


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "x.json"
    replace_text(target, "old")

    def full(handle):
        raise OSError("no space left on device")

    monkeypatch.setattr("rmz_acquire.atomic_io.os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        replace_text(target, "new and longer")
    assert target.read_text() == "old"
    with pytest.raises(KeyError), replace_file(target) as file:
        file.write(b"half of")
        raise KeyError("what was to follow")
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
