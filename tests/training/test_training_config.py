from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from small_training import SETTINGS, SMALL

from rmz_acquire.errors import InputError
from rmz_acquire.resources import resource_dir
from rmz_acquire.training import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, settings: dict[str, Any]) -> Path:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def test_round_trip(tmp_path: Path) -> None:
    assert TrainingConfig.from_yaml(written(tmp_path, SETTINGS)) == SMALL
    again = TrainingConfig.model_validate_json(SMALL.model_dump_json())
    assert again == SMALL
    assert (
        TrainingConfig.from_yaml(written(tmp_path, SMALL.model_dump(mode="json")))
        == SMALL
    )


@pytest.mark.parametrize(
    "path",
    sorted((resource_dir("configs") / "training").glob("*.yaml")),
    ids=lambda p: p.stem,
)
def test_shipped_configurations_are_valid(path: Path) -> None:
    config = TrainingConfig.from_yaml(path)
    assert config.name == path.stem


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sped", 3),
        ("network.levles", 3),
        ("network.levels", 0),
        ("simulation.optics.na", -0.5),
        ("simulation.optics.pixel_size", 0.3),
        ("simulation.z_step_um", 0),
        ("simulation.families.worms", 1.0),
        ("simulation.crop_px", 16),
        ("optimiser.steps", 0),
        ("optimiser.momentum", 0.9),
        ("optimiser.learning_rate", float("nan")),
        ("planes.0", 0),
        ("name", "Bad Name"),
        ("loss", "l2"),
        ("seed", -1),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, key: str, value: Any) -> None:
    settings = copy.deepcopy(SETTINGS)
    *outer, last = key.split(".")
    place: Any = settings
    for part in outer:
        place = place[part]
    place[int(last) if isinstance(place, list) else last] = value
    with pytest.raises(InputError, match=key.replace(".", r"\.")) as caught:
        TrainingConfig.from_yaml(written(tmp_path, settings))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"planes": [3, 1]}, "planes"),
        ({"planes": [1, 10]}, "9 planes"),
        ({"simulation": {"crop_px": 41}}, "field_px 40"),
        ({"simulation": {"families": {}}}, "families"),
        ({"simulation": {"families": {"beads": 0.0}}}, "families"),
        ({"simulation": {"families": {"beads": 2.0, "nuclei": -1.0}}}, "families"),
        ({"simulation": {"photons": [1000.0, 100.0]}}, "photons"),
        ({"simulation": {"photons": [0.0, 100.0]}}, "photons"),
        ({"simulation": {"haze": [-0.1, 0.4]}}, "haze"),
        ({"simulation": {"z_step_um": 20.0}}, "z_step_um"),
        ({"network": {"levels": 2, "base_channels": 6, "norm": "group"}}, "groups"),
    ],
)
def test_what_does_not_go_together_is_refused(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    settings = copy.deepcopy(SETTINGS)
    for key, value in changes.items():
        if key == "simulation":
            settings[key].update(value)
        else:
            settings[key] = value
    with pytest.raises(InputError, match=says) as caught:
        TrainingConfig.from_yaml(written(tmp_path, settings))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none_is_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read.*No such file"):
        TrainingConfig.from_yaml(tmp_path / "absent.yaml")
    with pytest.raises(InputError, match="cannot read"):
        TrainingConfig.from_yaml(tmp_path)
    for bad in (b"name: [1", b"- a\n- b\n", b"", b"\xff\xfe\x00\x81"):
        path = tmp_path / "bad.yaml"
        path.write_bytes(bad)
        with pytest.raises(InputError, match=r"bad\.yaml") as caught:
            TrainingConfig.from_yaml(path)
        assert "\n" not in str(caught.value)
