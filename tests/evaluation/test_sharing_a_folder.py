"""Two processes that do parts of one evaluation in one folder."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from rmz_acquire.evaluation import runner
from rmz_acquire.evaluation.evaluation_config import EvaluationConfig
from rmz_acquire.evaluation.file_lock import locked
from rmz_acquire.evaluation.result import Result
from rmz_acquire.resources import resource_dir

if TYPE_CHECKING:
    from pathlib import Path

READ = """
import sys
from pathlib import Path
from rmz_acquire.evaluation.file_lock import locked

path = Path(sys.argv[1])
print("waits", flush=True)
with locked(path.with_name(".lock")):
    print(path.read_text())
"""


def test_one_process_at_a_time_is_inside(tmp_path: Path) -> None:
    path = tmp_path / "n"
    path.write_text("before")
    with locked(tmp_path / ".lock"):
        command = [sys.executable, "-c", READ, str(path)]
        other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "waits\n"
        time.sleep(0.2)  # it would read now
        path.write_text("after")
    told, _ = other.communicate()
    assert told == "after\n"


@pytest.fixture(scope="module")
def config() -> EvaluationConfig:
    return EvaluationConfig.from_yaml(
        resource_dir("configs") / "evaluation" / "paper.yaml"
    )


@pytest.fixture
def ran(
    config: EvaluationConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Three experiments; while "one" runs, another evaluation does "two"."""
    ran: list[str] = []

    def experiment(key: str) -> runner.Experiment:
        def run(study: Any) -> Result:
            ran.append(key)
            if key == "one":
                runner.evaluate(config, tmp_path, only=["two"])
            result = Result(key, f"Experiment {key}")
            result.rows.append({"value": 1})
            result.sum_up("number", {"linear": len(ran)}, headline=True)
            return result

        return runner.Experiment(key, run, lambda _, figure: figure.subplots())

    three = {key: experiment(key) for key in ("one", "two", "three")}
    monkeypatch.setattr(runner, "EXPERIMENTS", three)
    return ran


@pytest.mark.parametrize("only", [["one", "three"], None])
def test_what_another_did_in_the_meantime_is_kept_and_not_done_again(
    ran: list[str],
    only: list[str] | None,
    config: EvaluationConfig,
    tmp_path: Path,
) -> None:
    whole = runner.evaluate(config, tmp_path, only=only)
    assert ran == ["one", "two", "three"]
    assert list(whole["experiments"]) == ["one", "two", "three"]
    assert json.loads((tmp_path / "results.json").read_text()) == whole
    table = (tmp_path / "table.md").read_text()
    assert all(f"Experiment {key}" in table for key in ran)


def test_what_is_to_be_done_again_is_done_whoever_did_it(
    ran: list[str], config: EvaluationConfig, tmp_path: Path
) -> None:
    runner.evaluate(config, tmp_path, only=["three"])
    ran.clear()
    runner.evaluate(config, tmp_path, again=True)
    assert ran == ["one", "two", "two", "three"]
