"""Fine-tuning by its command, in another process: it ends, stops, goes on, and says."""

from __future__ import annotations

import functools
import signal
import subprocess
import sys

import pytest
import yaml
from children import started, wait_for_end
from cli_helpers import OPTICS, write_model
from patience import wait_for

from rmz_acquire.cli import main
from rmz_acquire.errors import InputError
from rmz_acquire.models import DEFAULT_MODEL, WIDE_MODEL, read_card
from rmz_acquire.optics import Optics
from rmz_acquire.recording.progress import read_progress
from rmz_acquire.simulation.stack import simulate_stack
from rmz_acquire.stacks import write_stack
from rmz_acquire.training.finetuning import finetuning_config, list_stacks

STEP_UM = 0.5


def write_stacks(folder, number=3, side=48, planes=9, pixel_um=0.325):
    folder.mkdir()
    for i in range(1, number + 1):
        made = simulate_stack(
            "beads",
            i,
            OPTICS,
            planes=planes,
            z_step_um=STEP_UM,
            shape=(side, side),
            exposure_ms=50,
        )
        path = folder / f"position-{i:03d}.ome.tif"
        write_stack(path, made.counts, z_step_um=STEP_UM, pixel_size_um=pixel_um)
    entries = [
        {"path": f"position-{i:03d}.ome.tif", "specimen": f"position-{i:03d}"}
        for i in range(1, number + 1)
    ]
    (folder / "stacks.yaml").write_text(yaml.safe_dump({"stacks": entries}))
    return folder


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "base")


@pytest.fixture
def stacks(tmp_path):
    return write_stacks(tmp_path / "stacks")


def process(*args, **options):
    words = [sys.executable, "-m", "rmz_acquire", *map(str, args)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return started(words, text=True, **pipes, **options)


@pytest.mark.slow
def test_a_model_is_made_judged_and_watched(model, stacks, tmp_path, capsys):
    out = tmp_path / "run"
    args = ["finetune", str(model), str(stacks), "--out", str(out), "--steps", "4"]
    assert main([*args, "--workers", "0"]) == 0
    said = capsys.readouterr().out
    card = read_card(out / "mine")
    assert list(card.scores) == ["recorded"]
    (rows,) = card.scores.values()
    assert set(rows["M=3"]) == {"recurrent-mz", "base", "wiener", "linear", "nearest"}
    # an untrained model gives its prior
    assert rows["M=3"]["base"] == pytest.approx(rows["M=3"]["wiener"], abs=0.02)
    assert "dB against base, which it started from" in said
    assert "base, fine-tuned on 3 stacks" in card.description
    assert "weights started from model" in card.data
    seen = read_progress(out)
    assert (seen.step, seen.steps, seen.model) == (4, 4, "mine")
    assert [step for step, _ in seen.looks] == [0, 1, 2, 3, 4]
    # the same command has nothing left to do; another one is refused
    assert main([*args, "--workers", "0"]) == 0
    args[-1] = "5"
    assert main(args) == 2
    assert "another configuration" in capsys.readouterr().err


@pytest.mark.slow
def test_the_end_of_its_input_stops_it_and_it_goes_on(model, stacks, tmp_path):
    out = tmp_path / "run"
    args = ("finetune", model, stacks, "--out", out, "--steps", 20)
    # with a process that loads, which is forked while the input is waited for, and as
    # a shell starts it in the background: with ctrl-C ignored
    ignored = functools.partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with process(*args, "--stop-with-input", preexec_fn=ignored) as child:
        wait_for(lambda: (out / "last.ckpt").exists() or child.poll() is not None)
        _, said = wait_for_end(child)
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    assert child.returncode == 1, said
    assert lines == [
        f"error: stopped; go on with: rmz-acquire train {out}/finetune.yaml --out {out}"
    ]
    stopped = read_progress(out)
    assert stopped.model is None and stopped.step < 20
    words = lines[0].split("rmz-acquire ")[1].split()
    assert main([*words, "--workers", "0"]) == 0
    done = read_progress(out)
    assert (done.step, done.model) == (20, "mine")
    assert done.looks[0][0] == 0


def test_too_few_stacks(model, tmp_path, capsys):
    stacks = write_stacks(tmp_path / "two", 2)
    args = ["finetune", str(model), str(stacks), "--out", str(tmp_path / "run")]
    assert main(args) == 2
    assert "2 stacks are too few to fine-tune on" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"side": 24}, "24 pixels are too small to train on"),
        ({"pixel_um": 0.4}, "give your microscope's optics"),
    ],
)
def test_stacks_that_do_not_fit(model, tmp_path, changes, said):
    stacks = list_stacks([write_stacks(tmp_path / "bad", **changes)])
    with pytest.raises(InputError, match=said) as caught:
        finetuning_config(model, stacks, name="mine", steps=10)
    assert "\n" not in str(caught.value)


def test_optics_that_are_given_go_before_the_cards(model, tmp_path):
    stacks = list_stacks([write_stacks(tmp_path / "other", pixel_um=0.4)])
    optics = OPTICS.model_copy(update={"pixel_size_um": 0.4})
    config = finetuning_config(model, stacks, name="m", steps=10, optics=optics)
    assert config.simulation.optics == optics
    assert config.simulation.z_range_um == pytest.approx(4)
    assert config.simulation.crop_px == 48


def test_the_card_of_the_shipped_model_is_enough(tmp_path):
    stacks = list_stacks([write_stacks(tmp_path / "s", side=96, planes=21)])
    config = finetuning_config(DEFAULT_MODEL, stacks, name="m", steps=1000)
    assert config.network == read_card(DEFAULT_MODEL).network
    assert (config.simulation.grid_planes, config.planes) == (21, (1, 10))


def test_auto_starts_from_the_model_that_a_scan_would_take(tmp_path):
    stacks = list_stacks([write_stacks(tmp_path / "s", side=96, planes=21)])
    air = read_card(DEFAULT_MODEL).optics
    water = Optics(
        na=1.2, immersion_index=1.333, wavelength_um=0.52, pixel_size_um=0.325
    )
    for optics, name in ((air, DEFAULT_MODEL), (water, WIDE_MODEL)):
        made = finetuning_config("auto", stacks, name="m", steps=10, optics=optics)
        assert made.start_from == name
    with pytest.raises(InputError, match="the one for your optics: give them"):
        finetuning_config("auto", stacks, name="m", steps=10)


def test_places_of_two_folders_are_not_one_specimen(tmp_path):
    both = [write_stacks(tmp_path / "a", 1), write_stacks(tmp_path / "b", 1)]
    found = list_stacks([*both, both[0] / "position-001.ome.tif"])
    assert len(found) == len({stack.specimen for stack in found}) == 2
    listed = both[0] / "stacks.yaml"
    listed.write_text("stacks: [{path: position-001.ome.tif, specimen: worm}]")
    (other,) = list_stacks([both[0]])
    assert other.specimen == "worm"
    listed.write_text("stack: []")
    with pytest.raises(InputError, match="lists no stacks"):
        list_stacks([both[0]])
    with pytest.raises(InputError, match="no such stack"):
        list_stacks([tmp_path / "nothing.tif"])
