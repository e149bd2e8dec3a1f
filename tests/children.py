"""Processes that tests start: each has an end, and takes along what it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["run_to_end", "started", "wait_for_end"]

_SAY_S = 10.0


def run_to_end(
    words: Sequence[str | Path],
    *,
    input: str | None = None,  # as of subprocess.run
    patience_s: float = PATIENCE_S,
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a program, and give what it said; the test fails where it does not end."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    if input is not None:
        pipes["stdin"] = subprocess.PIPE
    with started(words, **pipes, **options) as process:
        told = wait_for_end(process, input=input, patience_s=patience_s)
    return subprocess.CompletedProcess(words, process.returncode, *told)


@contextlib.contextmanager
def started(
    words: Sequence[str | Path], **options: Any
) -> Iterator[subprocess.Popen[Any]]:
    """Have a program run inside; at the end it is gone, and all that it started."""
    env = {**(options.pop("env", None) or os.environ), "PYTHONFAULTHANDLER": "1"}
    # a session of its own: one signal reaches all that it starts
    with subprocess.Popen(words, env=env, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            _kill_all(process)


def wait_for_end(
    process: subprocess.Popen[Any],
    *,
    input: str | None = None,  # as of Popen.communicate
    patience_s: float = PATIENCE_S,
) -> tuple[Any, Any]:
    """Give what it said until it ended; else fail with what each thread was at."""
    try:
        return process.communicate(input, timeout=patience_s)
    except subprocess.TimeoutExpired:
        words = " ".join(map(str, process.args))[:300]
        said = _stacks(process)
    pytest.fail(f"not ended within {patience_s:g} s: {words}\n{said}")


def _stacks(process: subprocess.Popen[Any]) -> str:
    """End a Python so that it says where it was."""
    if process.poll() is None and os.name != "nt":
        process.send_signal(signal.SIGABRT)
    try:
        _, said = process.communicate(timeout=_SAY_S)
    except subprocess.TimeoutExpired:
        # it has ended, and somebody else holds its output; or it cannot end
        return f"exit code {process.poll()}, and its output is still open"
    return said.decode(errors="replace") if isinstance(said, bytes) else said or ""


def _kill_all(process: subprocess.Popen[Any]) -> None:
    if os.name == "nt":
        process.kill()
        return
    # nobody in its group is left, or only what has ended (macOS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
