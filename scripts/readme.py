"""Run the README's and docs' commands in the environment that their own set-up made.

``readme.py demo`` runs those that `make demo` is enough for, ``readme.py gui`` those
that need what `make gui` installs, each in an empty folder, with less of everything;
what needs nothing of the others (`BESIDE`) runs beside them, in a second process.
What make itself runs stands in the Makefile's target ``readme``. A command that is new
in the README or in docs has to get a row here: tests/test_readme.py asks for it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [
    README,
    # what happens in a fault is made by a test, and shows no commands to type
    *(
        page.read_text("utf-8")
        for page in sorted(ROOT.glob("docs/**/*.md"))
        if page.name != "faults.md"
    ),
]
BY_MAKE = "by the Makefile"
ELSEWHERE = "not on this system, or not by itself"

_EVAL = "--quick --only S3"
RUNS: dict[str, dict[str, str]] = {
    "demo": {
        # what comes after is added, and holds: less of everything
        "rmz-acquire doctor": "",
        "rmz-acquire models": "",
        "rmz-acquire models widefield": "",
        "rmz-acquire bench": "--sizes 32 --planes 5 --repeats 1",
        "rmz-acquire bench --table docs/speed.md": (
            "--sizes 32 --planes 5 --repeats 1 --estimators linear --no-check"
        ),
        # by default it is run by the Makefile
        "rmz-acquire demo --specimen nuclei --seed 7": (
            "--estimator linear --z=-10,0,10 --overwrite"
        ),
        "rmz-acquire replay stack.tif --pixel-size 0.325 --z-step 0.5 --na 0.75 "
        "--immersion 1 --wavelength 0.52 --out run": "--max-planes 4",
        "rmz-acquire scan experiment.yaml --config scope.cfg --out night-1": "",
        "rmz-acquire scan --resume night-1": "",
        "rmz-acquire scan --verify night-1": "",
        "rmz-acquire export night-1 --out DIR": "",
        "rmz-acquire scan timelapse.yaml --config simulated --out my-run": "",
        "rmz-acquire check-stage --config scope.cfg --specimen above": "--wait 0.5",
        "rmz-acquire acquire-stacks --config my-microscope.cfg --range 20 --step 0.5 "
        "--positions positions.csv --out stacks": "--range 4 --exposure 5",
        "rmz-acquire calibrate-optics stacks/position-001.ome.tif --na 0.75 "
        "--immersion 1 --wavelength 0.52 --out optics.yaml": "",
        "rmz-acquire calibrate stacks/stacks.yaml --target-nrmse 0.25 --na 0.75 "
        "--immersion 1 --wavelength 0.52 --out stop.yaml": (
            "--estimator linear --target-nrmse 9 --alpha 0.5 --confidence 0.5"
        ),
        "rmz-acquire evaluate --only stopping": (
            "--quick --config tiny.yaml --out stopping"
        ),
        "rmz-acquire evaluate --out evaluation": _EVAL,
        "rmz-acquire evaluate --only exposures,timing --out exposures": (
            "--quick --config tiny.yaml"
        ),
        "rmz-acquire evaluate --quick --only fig3,fig5": (
            "--config tiny.yaml --out other"
        ),
        "rmz-acquire evaluate --table docs/results.md": _EVAL,
    },
    "gui": {
        "rmz-acquire finetune air-20x075 stacks --out runs/mine": "--steps 2",
        "rmz-acquire train mine.yaml --out runs/mine": "--out runs/new --workers 0",
        "rmz-acquire train mine.yaml --out runs/mine --finetune air-20x075": (
            "--out runs/from --workers 0"
        ),
        "rmz-acquire release runs/mine": "--min-gain -99",
        "tensorboard --logdir runs": "--inspect",
    },
    BY_MAKE: dict.fromkeys(
        (
            *("make demo", "make demo SPECIMEN=nuclei", "make test", "make help"),
            *(
                "make docs",
                "make gui",
                "make screenshots",
                "rmz-acquire gui [--config scope.cfg]",
            ),
            *("python3.11 -m venv .venv", ".venv/bin/rmz-acquire demo"),
            "rmz-acquire gui",
        ),
        "",
    ),
    ELSEWHERE: dict.fromkeys(
        (
            "py -3.11 -m venv .venv",
            ".venv\\Scripts\\python -m pip install -c constraints.txt "
            '-e ".[gui,simulation]"',
            ".venv\\Scripts\\rmz-acquire gui",
            ".venv\\Scripts\\rmz-acquire demo",
            ".venv/bin/python -m pip install -c constraints.txt -e '.[gui,simulation]'",
            "make demo PIP_ARGS='--extra-index-url …'",
            # minutes: tests/evaluation/test_region_agreement.py runs a few
            "python scripts/region_agreement.py wiener 6 0.05 384 1000",
            # minutes: tests/reconstruction/test_predicted_error.py scans a few
            "python scripts/predicted_error.py 910 1",
            # a minute: tests/reconstruction/test_spread.py has a few
            "python scripts/spread_and_error.py",
            # the same: tests/reconstruction/test_misfit.py has what they count by
            "python scripts/model_misfit.py calibrate 3 found.json",
            "python scripts/model_misfit.py try 5 found.json",
            # minutes, and they want a quiet machine: tests/test_archive.py
            "rmz-acquire bench --sizes 512,1024,2048 --taken 8 --estimators "
            "richardson-lucy,wiener --repeats 2 --clock wall",
            "python scripts/rendering_speed.py 2048",
            "python scripts/rendering_speed.py 512 --volumes 8 --workers 2",
            # Lightning starts the program itself again, which here is this script:
            # tests/training/test_processes.py
            "rmz-acquire train mine.yaml --out runs/mine --devices 2",
            # needs the extra `cluster`: tests/test_archive.py
            "rmz-acquire reconstruct nights --estimator wiener --out volumes "
            "--workers 2",
            "rmz-acquire models MODEL",
            # the calibration of the stacks above is of another grid
            "rmz-acquire scan experiment.yaml --config scope.cfg --target-nrmse 0.25 "
            "--confidence 0.9 --calibration stop.yaml --out night-2",
        ),
        "",
    ),
}
BESIDE = ("rmz-acquire bench", "rmz-acquire check-stage", "rmz-acquire evaluate")
"""How commands begin that neither take nor leave anything the others know of."""
ABSENT = {"demo": ("lightning", "PyQt6", "pytest"), "gui": ("pytest", "ruff")}
"""What the stage's set-up does not install: where it is there, this proves less."""
_FIRST = ("rmz-acquire ", "make ", "tensorboard ", "pip ", ".venv", "py -", "python")


def commands() -> list[str]:
    """Every command that the pages show, in blocks and in sentences."""
    found, prose, inside = [], [], None
    for line in "\n".join(PAGES).splitlines():
        if line.startswith("```"):
            inside = line[3:] if inside is None else None
        elif inside == "":
            told, _, comment = line.strip().partition(" #")
            found += [told.strip(), *re.findall(r"rmz-acquire .*", comment)]
        elif inside is None and not line.startswith("| `"):  # the table has signatures
            prose.append(line)
    found += [" ".join(t.split()) for t in re.findall(r"`([^`]+)`", "\n".join(prose))]
    return list(dict.fromkeys(c for c in found if c.startswith(_FIRST) and " " in c))


def prepare() -> None:
    """Make what the commands are given, in the folder at hand."""
    import yaml

    from rmz_acquire.cli import main

    code = main("simulate stack.tif --size 64 --planes 21".split())
    assert code == 0, "simulate"
    text = (ROOT / "configs" / "simulated.cfg").read_text("utf-8")
    for name in ("scope.cfg", "my-microscope.cfg"):
        Path(name).write_text(text + "\nProperty,Camera,SensorSize_px,64\n", "utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    experiment = yaml.safe_load(block)
    experiment["time_plan"] = {"interval": 0, "loops": 1}
    experiment["stage_positions"] = experiment["stage_positions"][:1]
    experiment["metadata"]["rmz_acquire"]["max_planes"] = 4
    Path("experiment.yaml").write_text(yaml.safe_dump(experiment), "utf-8")
    timelapse = yaml.safe_load((ROOT / "configs" / "timelapse.yaml").read_text("utf-8"))
    timelapse["metadata"]["rmz_acquire"]["max_planes"] = 4
    timelapse["time_plan"] = {"interval": 0, "loops": 1}
    Path("timelapse.yaml").write_text(yaml.safe_dump(timelapse), "utf-8")
    places = "".join(f"{30 * i},0,0,specimen-{i}\n" for i in range(4))
    Path("positions.csv").write_text(f"x_um,y_um,z_um,specimen\n{places}", "utf-8")
    Path("docs").mkdir()
    for page in ("results", "speed"):
        told = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
        Path(f"docs/{page}.md").write_text(told, "utf-8")
    paper = ROOT / "configs" / "evaluation" / "paper.yaml"
    tiny = {
        "beads": {"side_px": 64, "seeds": 1, "z_every": 10},
        "draws": {"side_px": 32, "z_every": 10, "number": 1, "sigmas_um": [0, 1]},
        "exposures": {"side_px": 32, "seeds": 1, "z_every": 10, "planes": [2]},
        "more_exposures": {"side_px": 32, "seeds": 1, "z_every": 10, "planes": [2]},
        "timing_planes": 2,
        # few of one family, which an easy promise allows
        "stopping": {
            "specimens": 2,
            "unseen": 1,
            "empty": 0,
            "families": ["nuclei"],
            "planes": 6,
            "target_nrmse": 0.6,
            "alpha": 0.5,
            "confidence": 0.5,
        },
    }
    told = yaml.safe_dump({"extends": str(paper), "quick": tiny})
    Path("tiny.yaml").write_text(told, "utf-8")


def prepare_training() -> None:
    """Take the stacks that a training needs, and write its configuration."""
    from rmz_acquire.cli import main

    prepare()
    (line,) = (c for c in RUNS["demo"] if "acquire-stacks" in c)
    assert main([*shlex.split(line)[1:], *RUNS["demo"][line].split()]) == 0


def run(command: str, more: str) -> None:
    """Run a command; it has to end well."""
    words = [*shlex.split(command), *shlex.split(more)]
    begin = time.monotonic()
    if words[0] == "rmz-acquire":
        from rmz_acquire.cli import main

        code = main(words[1:])
    else:
        code = os.spawnv(os.P_WAIT, str(Path(sys.executable).parent / words[0]), words)
    # the work is done where a model so little trained is not released
    good = (0, 1) if words[1] in ("finetune", "train", "release") else (0,)
    print(f"{time.monotonic() - begin:6.1f} s  {code}  {shlex.join(words)}", flush=True)
    if code not in good:
        raise SystemExit(f"the README's command ended with {code}: {command}")
    if words[1] == "finetune":
        text = Path("runs/mine/finetune.yaml").read_text("utf-8")
        text = re.sub(r"(?m)^start_from: .*$", "start_from: null", text)
        Path("mine.yaml").write_text(re.sub(r"(?m)^  steps: .*$", "  steps: 2", text))


def main(stage: str, folder: str = "") -> None:
    """Run the commands of a stage; in the folder of another process those beside."""
    if folder:
        os.chdir(folder)
        _walk(stage, beside=True)
        return
    there = [name for name in ABSENT[stage] if importlib.util.find_spec(name)]
    if there:
        print(f"note: {', '.join(there)} is here too, which make {stage} does not add")
    with tempfile.TemporaryDirectory() as made:
        os.chdir(made)
        prepare() if stage == "demo" else prepare_training()
        words = [sys.executable, __file__, stage, made]
        said = Path("beside.log")
        with (
            said.open("w") as log,
            subprocess.Popen(words, stdout=log, stderr=log) as other,
        ):
            try:
                _walk(stage, beside=False)
            finally:
                other.wait()
                print(said.read_text("utf-8"), end="", flush=True)
        os.chdir(ROOT)
    if other.returncode:
        raise SystemExit(other.returncode)


def _walk(stage: str, *, beside: bool) -> None:
    for command, more in RUNS[stage].items():
        if command.startswith(BESIDE) is beside:
            run(command, more)


if __name__ == "__main__":
    main(*sys.argv[1:])
