"""What a summary tells of the candidates for a volume."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rmz_acquire.recording import (
    best_of,
    candidates_of,
    made_of,
    scale_in_words,
    z_scale_of,
)
from rmz_acquire.scanning import Decision


def decision(index: int, **kw: Any) -> Decision:
    known = dict.fromkeys(
        (
            "exposure_ms",
            "delta",
            "delta_relative",
            "innovation",
            "gap_um",
            "stage_ms",
            "camera_ms",
            "inference_ms",
        )
    )
    told = {"decision": "continue", "reason": "", "time": datetime.now(UTC), **kw}
    return Decision(index=index, z_requested_um=0, z_actual_um=0, **known, **told)


def test_all_are_compared_over_the_same_planes() -> None:
    """The network joined at the third plane, where all found it easier."""
    made = candidates_of(
        [
            decision(0),
            decision(1, predictions={"a": 0.8, "wiener": 0.9}, winner="a"),
            decision(
                2,
                predictions={"a": 0.3, "wiener": 0.4, "net": 0.1},
                shares={"a": 0.2, "net": 0.8},
                winner="net",
            ),
            decision(
                3, predictions={"a": 0.4, "wiener": 0.2, "net": 0.7}, winner="wiener"
            ),
        ]
    )
    assert made is not None
    assert made["a"]["rms_error"] == pytest.approx(0.125**0.5)
    assert made["net"]["rms_error"] == pytest.approx(0.25**0.5)
    assert [made[n]["wins"] for n in ("a", "wiener", "net")] == [1, 1, 1]
    assert [made[n]["share"] for n in ("a", "wiener", "net")] == [0.2, 0.0, 0.8]


def test_where_nothing_was_compared_nothing_is_told() -> None:
    assert candidates_of([decision(0), decision(1)]) is None


def test_it_is_said_in_words() -> None:
    told = {
        "linear": {"rms_error": 0.5, "wins": 0, "share": 0.0},
        "wiener": {"rms_error": 0.2, "wins": 1, "share": 0.28},
        "richardson-lucy": {"rms_error": 0.172, "wins": 3, "share": 0.72},
    }
    assert made_of(told) == "72 % richardson-lucy, 28 % wiener"
    assert best_of(told) == "richardson-lucy, 1.3 dB over wiener"
    told["wiener"]["rms_error"] = 0.1
    assert best_of(told) == "wiener"
    del told["wiener"]
    assert best_of(told) == "richardson-lucy"
    assert [scale_in_words(z) for z in (None, 1.0, 1.004, 0.9)] == ["", "", "", "0.90"]


def test_the_last_scale_that_is_known_is_told() -> None:
    scales = (None, 0.8, 0.9, None)
    assert z_scale_of([decision(i, z_scale=z) for i, z in enumerate(scales)]) == 0.9
    assert z_scale_of([decision(0)]) is None
