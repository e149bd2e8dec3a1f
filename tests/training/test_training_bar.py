"""What a terminal shows of a training, from its first second to its end."""

from __future__ import annotations

import os
import re
import signal
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from patience import PATIENCE_S

from rmz_acquire.cli.training_bar import TrainingBar
from rmz_acquire.recording.progress import TrainingProgress
from rmz_acquire.training import fit

# what is promised: from the start to the first line, and from one to the next
FIRST_S, NEXT_S = 2.0, 12.0


def _cpu_s(pid: int) -> float:
    """Seconds of the processor that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_a_terminal_shows_step_loss_and_time_left(tiny, tmp_path, pulse):
    import pty
    import select

    tiny["simulation"]["field_px"] = 64  # simulating takes its time
    config, out = tmp_path / "tiny.yaml", tmp_path / "run"
    config.write_text(yaml.safe_dump({**tiny, "validation_specimens": 2}))
    words = [sys.executable, "-m", "rmz_acquire", "train", str(config)]
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover
        os.environ.update(TERM="xterm", COLUMNS="120")
        os.execv(words[0], [*words, "--out", str(out)])
    seen, times, first = "", [pulse()], None
    while True:
        ready, _, _ = select.select([terminal], [], [], PATIENCE_S)
        if not ready:  # pragma: no cover
            os.kill(pid, signal.SIGKILL)
            pytest.fail(seen[-500:])
        try:
            text = os.read(terminal, 65536).decode("utf-8", "replace")
        except OSError:  # how a terminal on Linux says that its last program ended
            break
        if not text:
            break
        seen += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
        if first is None and "time left" in seen:
            first = _cpu_s(pid)
            assert not (out / "config.json").exists()
        if "step" in text:
            times.append(pulse())
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, seen[-2000:]
    assert re.search(r"step 0 of 5 +loss – +time left – +0:00:00 +loading", seen)
    assert re.search(r"step \d of 5 +loss \d+(\.\d+)? +time left", seen)
    # what is seen of the rest is chance: the bar is drawn now and then
    assert "scoring beads" in seen
    assert "Traceback" not in seen and "INFO" not in seen
    assert first is not None and first < FIRST_S
    assert max(b - a for a, b in pairwise(times)) < NEXT_S


def test_whoever_watches_is_told_of_all_that_takes_time(make, tmp_path):
    told: list[TrainingProgress] = []
    fit(make(), tmp_path, workers=0, on_progress=told.append)
    doing = [state.doing for state in told]
    order = [
        "simulating validation specimens, 0 of 2",
        "simulating validation specimens, 2 of 2",
        "validating, 2 done",
        "simulating specimens",
        "validating",
    ]
    places = [doing.index(each) for each in order]
    assert places == sorted(places)
    assert (told[-1].step, told[-1].steps) == (5, 5)
    assert told[-1].loss is not None and told[-1].loss > 0
    assert all(state.steps == 5 for state in told)


def test_without_a_terminal_lines_come_now_and_then(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("rmz_acquire.cli.training_bar._LINE_EVERY_S", 0.0)
    bar = TrainingBar(tmp_path, 300)
    with bar.shown():
        bar.tell(TrainingProgress(12, 300, seconds_left=90.0, loss=0.1234))
        bar.tell(TrainingProgress(300, 300, scoring="beads 1"))
        bar.tell(TrainingProgress(300, 300, scoring="beads 1"))
    said = capsys.readouterr().err.splitlines()
    assert said == ["step 12 of 300, loss 0.123, time left 0:01:30", "scoring beads 1"]
