"""A wrong option is refused before anything heavy is loaded, with its flag in the line.

All cases run in one fresh process in which torch cannot be imported.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from children import run_to_end
from cli_helpers import write_model, write_stack_of_discs

from rmz_acquire.cli.app import app
from rmz_acquire.optics import Optics

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("torch", "lightning", "matplotlib", "PyQt6", "safetensors.torch")
LONGEST_S = 1.0
"""Of the processor: a machine with other load takes longer by the clock."""

OPTICS = "--na 0.75 --immersion 1 --wavelength 0.52 --pixel-size 0.325"
REPLAY = f"replay stack.tif --out new {OPTICS} --z-step 0.5"
TAKE = "acquire-stacks --out new --range 10 --step 0.5"
CASES = {
    "": "",
    "repaly": "replay",
    "demo --seed -1": "--seed",
    "demo --estimator best": "'--estimator': 'best' is not one of",
    "demo --estimator deep-z": "--model",
    "demo --estimator linear --model air-20x075": "--model",
    "demo --model no-such": "--model",
    "demo --model neurons-63x14-deep-z": "--estimator deep-z",
    "demo --device warp": "--device",
    "demo --config no-such.cfg": "--config no-such.cfg",
    "demo --exposure 0": "--exposure",
    "demo --z 1,two": "--z",
    "demo --z 1,99": "--z: 99",
    "demo --epsilon nan": "--epsilon",
    "demo --max-planes 3 --min-planes 5": "--max-planes 3 is below --min-planes 5",
    "demo --first-planes 9 --max-planes 5": "--first-planes 9 is above --max-planes 5",
    "demo --out stack.tif": "stack.tif is a file",
    "demo --out held": "--overwrite",
    "calibrate --simulate 3 --target-nrmse 0.2 --alpha 1.5 --out new.yaml": "--alpha",
    "replay no-such.tif --out new": "no-such.tif",
    "replay stack.tif": "--out",
    "replay stack.tif --out new --estimator linear": "--z-step",
    "replay stack.tif --out new --z-step 0.5": "give --na, --immersion",
    f"{REPLAY} --na 1.2": "--immersion",
    f"{REPLAY} --z-step 0": "--z-step",
    f"{REPLAY} --truth no-such.tif": "--truth no-such.tif",
    f"{REPLAY} --model no-such": "--model",
    f"{REPLAY} --model oil --strict": "--strict",
    f"{REPLAY} --out held": "--overwrite",
    f"{REPLAY} --max-planes 0": "--max-planes",
    f"{REPLAY} --frobnicate": "--frobnicate",
    "gui --config no-such.cfg": "--config no-such.cfg",
    "gui --out stack.tif": "--out",
    "gui --optics no-such.yaml": "--optics no-such.yaml",
    "gui --optics good.yaml": "good.yaml: metadata: ",
    "scan": "EXPERIMENT.yaml",
    "scan no-such.yaml --config simulated --out new": "no-such.yaml",
    "scan good.yaml --config no-such.cfg --out new": "--config no-such.cfg",
    "scan good.yaml --config simulated": "--out",
    "scan good.yaml --out new": "--config",
    "scan wrong.yaml --config simulated --out new": "epsilom",
    "scan good.yaml --config simulated --out night": "--overwrite",
    "scan --resume held": "--resume held",
    "scan --resume night --overlap stage": "--overlap goes with EXPERIMENT.yaml",
    "demo --out new --overlap both": "--overlap",
    "scan --verify new": "--verify new",
    "export held --out new": "held holds no run",
    "export night --out stack.tif": "--out stack.tif",
    "simulate sim.png": "*.ome.tif",
    "simulate sim.ome.tif --size 3": "--size",
    "simulate sim.ome.tif --planes 1": "--planes",
    "simulate sim.ome.tif --na 1.2": "--immersion",
    "simulate sim.ome.tif --z-step 0": "--z-step",
    "simulate nowhere/sim.ome.tif": "nowhere",
    "models no-such": "no-such",
    "train no-such --out new": "no-such",
    "train wrong-training.yaml --out new": "learning_rat",
    "train air-20x075 --out stack.tif": "stack.tif is a file",
    "train air-20x075 --out trained": "another --out",
    "train air-20x075 --out new --finetune no-such": "--finetune",
    "train air-20x075 --out new --finetune oil": "network",
    "train air-20x075 --out new --threads 0": "--threads",
    "release new": "new",
    "release air-20x075 --min-gain much": "--min-gain",
    "finetune no-such stack.tif --out new": "no-such",
    "finetune air-20x075 no-such.tif --out new": "no-such.tif",
    "finetune air-20x075 stack.tif --out new": "too few",
    "finetune air-20x075 stack.tif --out stack.tif": "--out",
    "finetune air-20x075 stack.tif --out new --na 1.2": "--immersion",
    "finetune air-20x075 stack.tif --out new --steps 0": "--steps",
    f"{TAKE} --range 0": "--range",
    f"{TAKE} --range 0.1": "--step",
    f"{TAKE} --out held": "--out",
    f"{TAKE} --config no-such.cfg": "--config no-such.cfg",
    f"{TAKE} --positions no-such.csv": "--positions no-such.csv",
    f"{TAKE} --channel GFP": "--channel",
    "reconstruct held --out new.png": "--out",
    "reconstruct no-such --out new.tif --z 1,2": "no-such",
    "reconstruct stack.tif --out new.tif --z 1,2": "--z 2",
    "reconstruct stack.tif --out stack.tif": "--overwrite",
    "reconstruct stack.tif --out new.tif --device warp": "--device",
    "bench --sizes 3": "--sizes",
    "bench --estimators best": "--estimators",
    "bench --model no-such": "--model",
    "bench --device warp": "--device",
    "bench --clock sun": "--clock",
    "bench --planes 5 --taken 6": "--taken",
    "bench --json no-such/b.json": "--json",
    "evaluate --only fig99": "--only fig99",
    "evaluate --config no-such": "no-such",
    "evaluate --out stack.tif": "stack.tif is a file",
    "evaluate --table good.yaml": "good.yaml",
    f"{REPLAY} --optics no-such.yaml": "--optics no-such.yaml",
    f"{REPLAY} --optics stack.tif": "--optics stack.tif",
    f"calibrate-optics stack.tif --out new.yaml {OPTICS} --na 1.2": "--immersion",
    f"calibrate-optics stack.tif --out new.txt {OPTICS}": "--out",
    f"calibrate-optics stack.tif --out good.yaml {OPTICS}": "--overwrite",
    "check-stage --config no-such.cfg": "--config no-such.cfg",
    "check-stage --config simulated --range 0": "--range",
    "check-stage --config simulated --specimen beside": "--specimen",
    "doctor --all": "--all",
}

RUN = """
import contextlib, io, json, sys, time

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name in {heavy!r} and "find_spec" not in sys._getframe(2).f_code.co_name:
            raise ImportError(f"{{name}} is not needed yet")

sys.meta_path.insert(0, Blocker())
from rmz_acquire.cli import main

for line in sys.stdin.read().splitlines():
    said, begun = io.StringIO(), time.process_time()
    from rmz_acquire.cli import console
    for each in (console.stderr, console.console, console.stdout):
        each.file = said
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            code = main(line.split())
        except ImportError as error:
            code = str(error)
    spent = time.process_time() - begun
    print(json.dumps([line, code, said.getvalue(), spent]), flush=True)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("early")
    write_stack_of_discs(folder / "stack.tif")
    oil = Optics(na=1.4, immersion_index=1.515, wavelength_um=0.6, pixel_size_um=0.1)
    write_model(folder / "oil", oil)
    for name, file in (("held", "summary.json"), ("night", "run.json")):
        (folder / name).mkdir()
        (folder / name / file).write_text("{}")
    (folder / "trained").mkdir()
    (folder / "trained" / "config.json").write_text("{}")
    good = {"z_plan": {"range": 4, "step": 1}, "stage_positions": [{"z": 0}]}
    block = {"version": 1, "estimator": "linear"}
    for name, more in (("good", {}), ("wrong", {"epsilom": 0.1})):
        told = {**good, "metadata": {"rmz_acquire": {**block, **more}}}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(told))
    (folder / "wrong-training.yaml").write_text("name: x\nlearning_rat: 1\n")
    return folder


@pytest.fixture(scope="module")
def ended(place: Path) -> dict[str, tuple[object, str, float]]:
    """How each case ended: exit code, what it said, seconds of the processor."""
    told = run_to_end(
        [sys.executable, "-c", RUN.format(heavy=HEAVY)],
        input="\n".join(CASES),
        cwd=place,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert told.returncode == 0, told.stderr
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    return {line: (code, said, spent) for line, code, said, spent in lines}


@pytest.mark.parametrize("line", CASES)
def test_it_is_refused_early(
    line: str, ended: dict[str, tuple[object, str, float]], place: Path
) -> None:
    code, said, spent = ended[line]
    assert code == 2, said
    assert CASES[line] in said
    if line:
        (error,) = (x for x in said.splitlines() if not x.startswith("warning: "))
        assert error.startswith("error: ")
        assert "Traceback" not in said
    assert spent < LONGEST_S
    assert not (place / "new").exists()


def test_every_command_is_among_them() -> None:
    commands = {command.name for command in app.registered_commands}
    assert {line.partition(" ")[0] for line in CASES} >= commands


def test_a_process_that_refuses_takes_less_than_a_second(place: Path) -> None:
    # of the processor, all that it starts included
    begun = sum(os.times()[2:4])
    words = [sys.executable, "-m", "rmz_acquire", *f"{REPLAY} --model x".split()]
    ended = run_to_end(words, cwd=place)
    assert ended.returncode == 2
    assert sum(os.times()[2:4]) - begun < LONGEST_S
