from __future__ import annotations

import hashlib
import math
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
import yaml

from rmz_acquire.errors import InputError
from rmz_acquire.models import (
    DEFAULT_MODEL,
    WIDE_MODEL,
    ModelCard,
    comparison_models,
    list_models,
    load_model,
    read_card,
    save_model,
    store,
    suitable_model,
)
from rmz_acquire.networks import RecurrentMZ, RecurrentMZConfig
from rmz_acquire.optics import Optics

if TYPE_CHECKING:
    from pathlib import Path

AIR = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
GRID = np.linspace(-15, 15, 61)


def card(**changes: Any) -> ModelCard:
    settings: dict[str, Any] = {
        "name": "little",
        "description": "for tests: µm, ±, 20×",
        "network": RecurrentMZConfig(levels=2, base_channels=4, norm="batch"),
        "optics": AIR,
        "z_range_um": 30.0,
        "z_step_um": 0.5,
        "largest_gap_um": 5.0,
        "planes": (1, 10),
        "order": "any",
        "dz_unit": "blur radius",
        "normalisation": "by spread",
        "data": "none",
        "training": {"seed": 1, "nested": {"range": [0.5, 1e-7]}},
        "scores": {"beads": {"3": {"recurrent-mz": 31.25, "wiener": 30.0}}},
        "date": "2026-01-02",
        "sha256": "",
    }
    return ModelCard(**{**settings, **changes})


def weights(config: RecurrentMZConfig) -> RecurrentMZ:
    """A network with no value left at its start, running statistics included."""
    torch.manual_seed(3)
    network = RecurrentMZ(config)
    network.train()
    with torch.no_grad():
        for p in network.parameters():
            p.add_(0.3 * torch.randn_like(p))
        network(torch.randn(2, 2, 16, 16), torch.randn(2, 2))
    return network


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "little", weights(card().network), card())
    return tmp_path / "little"


def test_what_was_saved_comes_back(folder: Path) -> None:
    loaded, given = load_model(folder), card()
    assert not loaded.network.training
    expected = weights(given.network).state_dict()
    found = loaded.network.state_dict()
    assert found.keys() == expected.keys()
    for name, weight in expected.items():
        kept = weight.half() if weight.is_floating_point() else weight
        assert torch.equal(found[name], kept.to(weight.dtype)), name
    assert any(
        "running_mean" in name and w.abs().max() > 0 for name, w in found.items()
    )
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert loaded.sha256 == loaded.card.sha256 == digest
    assert loaded.card == given.model_copy(update={"sha256": digest})
    assert loaded.card == read_card(folder) == load_model(str(folder)).card
    planes, dz = torch.randn(3, 2, 20, 21), torch.randn(3, 2)
    with torch.no_grad():
        own = weights(given.network).eval()(planes, dz)
        torch.testing.assert_close(loaded.network(planes, dz), own, rtol=0, atol=0.01)


def test_same_weights_same_hash(folder: Path, tmp_path: Path) -> None:
    first = read_card(folder).sha256
    for i in range(4):
        again = save_model(tmp_path / str(i), weights(card().network), card())
        assert again.sha256 == first
    other = weights(card().network)
    with torch.no_grad():
        other.output.bias.add_(1e-3)
    assert save_model(tmp_path / "other", other, card()).sha256 != first


def test_card_is_read_by_people(folder: Path) -> None:
    text = (folder / "card.yaml").read_text(encoding="utf-8")
    assert "for tests: µm, ±, 20×" in text
    data = yaml.safe_load(text)
    assert data["optics"]["na"] == 0.75 and data["planes"] == [1, 10]
    assert list(data)[:3] == ["version", "name", "description"]


def test_weights_of_another_file_are_refused(folder: Path) -> None:
    other = weights(card().network)
    with torch.no_grad():
        other.output.bias.add_(1)
    save_model(folder.parent / "other", other, card())
    shutil.copy(folder.parent / "other" / "model.safetensors", folder)
    with pytest.raises(
        InputError, match=r"not those of its card \(sha256 .* instead of"
    ):
        load_model(folder)


def test_one_flipped_bit_is_found(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="not those of its card"):
        load_model(folder)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="not those of its card"):
        load_model(folder)


def with_hash_of(folder: Path, **changes: Any) -> None:
    """Write the card anew, so that only the change is wrong."""
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    data = yaml.safe_load((folder / "card.yaml").read_text(encoding="utf-8"))
    (folder / "card.yaml").write_text(
        yaml.safe_dump({**data, "sha256": digest, **changes}), encoding="utf-8"
    )


def test_weights_that_do_not_fit_the_network_are_refused(folder: Path) -> None:
    with_hash_of(folder, network={"levels": 3, "base_channels": 4})
    with pytest.raises(InputError, match="do not fit the network of its card"):
        load_model(folder)
    (folder / "model.safetensors").write_bytes(b"no tensors at all")
    with_hash_of(folder)
    with pytest.raises(InputError, match="do not fit the network of its card"):
        load_model(folder)


def test_missing_weights_are_named(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors is missing"):
        load_model(folder)
    assert read_card(folder).name == "little"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"just words",
        b"name: [1, 2",
        b"name: little\n",
        b"\xff\xfe\x00",
        b"- 1\n- 2\n",
    ],
)
def test_a_damaged_card_is_refused_in_a_line(folder: Path, text: bytes) -> None:
    (folder / "card.yaml").write_bytes(text)
    with pytest.raises(InputError, match=r"card\.yaml is damaged") as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"z_range_um": -1},
        {"z_range_um": math.inf},
        {"optics": {**AIR.model_dump(), "na": 1.2}},
        {"network": {"levels": 2, "base_channels": 3}},
        {"version": 2},
        {"licence": "none"},
    ],
)
def test_a_card_that_says_what_cannot_be_is_refused(
    folder: Path, changes: dict[str, Any]
) -> None:
    with_hash_of(folder, **changes)
    with pytest.raises(InputError, match="is damaged"):
        read_card(folder)


def test_an_unknown_model_is_told_the_known_ones(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(store, "resource_dir", lambda kind: tmp_path)
    assert list_models() == ["little"]
    assert load_model("little").card.name == "little"
    with pytest.raises(InputError, match=r"no model 'big'.*\(little\)"):
        load_model("big")
    # a name is no path into the box
    with pytest.raises(InputError, match="no model"):
        load_model("../" + tmp_path.name + "/little")
    for path in folder.iterdir():
        path.unlink()
    assert list_models() == []
    with pytest.raises(InputError, match=r"\(none\)"):
        load_model("little")


@pytest.mark.slow
def test_models_in_the_box_load() -> None:
    offered, others = list_models(), comparison_models()
    assert offered and not set(offered) & set(others)
    for name in [*offered, *others]:
        model = load_model(name)
        assert model.card.name == name
        told = model.card.check(model.card.optics, [0.0, model.card.z_range_um])
        only = f"model {name} is there to be compared with only"
        assert told == ([only] if name in others else [])


def test_a_model_to_compare_with_is_found_by_its_name_but_not_offered(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(store, "resource_dir", lambda kind: tmp_path)
    shutil.copytree(folder, tmp_path / "comparison" / "other")
    assert (list_models(), comparison_models()) == (["little"], ["other"])
    assert load_model("other").sha256 == load_model("little").sha256
    with pytest.raises(InputError, match=r"no model 'big'.*\(little\)"):
        load_model("big")
    with pytest.raises(InputError, match="no model"):
        load_model("comparison")


# -- does a model fit a microscope ---------------------------------------------------


def test_its_own_microscope_is_no_reason_to_warn() -> None:
    assert card().check(AIR, GRID) == []
    near = AIR.model_copy(update={"na": 0.8, "pixel_size_um": 0.34})
    assert card().check(near, GRID[5:50]) == []  # less deep is no trouble either


def test_another_objective_with_the_same_cone_and_sampling_fits() -> None:
    """The network knows pixels of blur, not µm: half the size all over is the same."""
    half = Optics(
        na=0.75, immersion_index=1.0, wavelength_um=0.26, pixel_size_um=0.1625
    )
    assert card().check(half, GRID / 2) == []


@pytest.mark.parametrize(
    ("changes", "scale", "said"),
    [
        (
            {"na": 0.5, "pixel_size_um": 0.4875},
            1.0,
            "made for NA 0.75 air; yours is NA 0.5 air",
        ),
        # 0.325 µm at this NA and wavelength is what it was trained on
        (
            {"pixel_size_um": 0.65},
            1.0,
            "pixels of 0.33 µm with your objective; yours are 0.65 µm (+100%)",
        ),
        # resolution grows with the wavelength: 0.325 · 0.65 / 0.52
        (
            {"wavelength_um": 0.65},
            1.0,
            "pixels of 0.41 µm with your objective; yours are 0.325 µm (-20%)",
        ),
        (
            {},
            1.4,
            "ranges up to 30 µm with your objective; yours is 42 µm (+40%)",
        ),
    ],
)
def test_far_optics_are_named_as_a_microscopist_names_them(
    changes: dict[str, float], scale: float, said: str
) -> None:
    (line,) = card().check(AIR.model_copy(update=changes), GRID * scale)
    assert line.startswith("model little is made for")
    assert said in line


def test_an_objective_has_the_name_on_its_barrel() -> None:
    oil = Optics(na=1.4, immersion_index=1.515, wavelength_um=0.52, pixel_size_um=0.1)
    line = card(objective="20x/0.75").check(oil, GRID / 10, "63x/1.4 oil")[0]
    assert line == "model little is made for 20x/0.75; yours is 63x/1.4 oil"


def test_specimens_thicker_in_training_count() -> None:
    """Of a factor 0.4 to 2 on 30 µm, 60 are known; of files, what they hold."""
    thick = {"simulation": {"thickness": [0.4, 2.0]}}
    assert card(training=thick).check(AIR, [0.0, 60.0]) == []
    assert card(training=thick).check(AIR, [0.0, 75.0])
    files = {**thick, "files": {"stacks": []}}
    assert card(training=files).check(AIR, [0.0, 40.0])


def test_reach_is_the_same_blur_through_another_objective() -> None:
    assert card(largest_gap_um=5.0).reach_um(AIR) == pytest.approx(5)
    oil = Optics(na=1.4, immersion_index=1.515, wavelength_um=0.52, pixel_size_um=0.1)
    # 5 µm at 3.49 pixels a µm are 17.4 pixels, at 24.2 pixels a µm
    assert card(largest_gap_um=5.0).reach_um(oil) == pytest.approx(0.7217, rel=1e-3)


def test_oil_is_far_from_air_in_every_way() -> None:
    oil = Optics(na=1.4, immersion_index=1.515, wavelength_um=0.52, pixel_size_um=0.1)
    warnings = card().check(oil, np.linspace(0, 10, 50))
    assert len(warnings) == 3
    # the cone; 0.1 µm for 0.325·0.75/1.4; 10 µm for 30·3.49/24.2
    said = "yours is NA 1.4 oil", "pixels of 0.17 µm", "ranges up to 4.3 µm"
    for line, words in zip(warnings, said, strict=True):
        assert words in line, line


def test_where_nobody_names_a_model_the_optics_choose() -> None:
    air = read_card(DEFAULT_MODEL).optics
    assert suitable_model(air, np.linspace(-15, 15, 61)) == DEFAULT_MODEL
    water = Optics(
        na=1.2, immersion_index=1.33, wavelength_um=0.46, pixel_size_um=0.512
    )
    assert suitable_model(water, [0.0, 0.5]) == WIDE_MODEL
    # deeper than the default knows, in blur; and of two channels that differ
    assert suitable_model(air, [0.0, 40.0]) == WIDE_MODEL
    assert suitable_model(air, [0.0, 30.0], [(air, [0.0, 40.0])]) == WIDE_MODEL
    # none fits both: the first decides
    far = Optics(na=0.1, immersion_index=1.0, wavelength_um=0.9, pixel_size_um=1.0)
    assert suitable_model(air, [0.0, 30.0], [(far, [0.0, 1.0])]) == DEFAULT_MODEL
    assert suitable_model(water, [0.0, 0.5], [(far, [0.0, 1.0])]) == WIDE_MODEL
    # nothing in the box knows this one: the default, with a warning of its own
    lens = Optics(na=0.1, immersion_index=1.0, wavelength_um=0.9, pixel_size_um=1.0)
    assert suitable_model(lens, [0.0, 0.5]) == DEFAULT_MODEL


def test_weights_take_half_the_room_and_load_as_they_are_used(tmp_path: Path) -> None:
    config = RecurrentMZConfig(levels=2, base_channels=8)
    network = RecurrentMZ(config).eval()
    card = read_card(DEFAULT_MODEL).model_copy(update={"network": config})
    save_model(tmp_path, network, card)
    in_single = 4 * sum(w.numel() for w in network.state_dict().values())
    assert (tmp_path / "model.safetensors").stat().st_size < 0.6 * in_single
    loaded = load_model(tmp_path).network.state_dict()
    for name, w in network.state_dict().items():
        assert loaded[name].dtype == w.dtype
        torch.testing.assert_close(loaded[name], w, rtol=1e-3, atol=1e-4)
