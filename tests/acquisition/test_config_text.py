"""Configurations as they lie on microscopes' computers: encodings and broken lines."""

from __future__ import annotations

import logging
import re

import pytest
from pymmcore_plus import CMMCorePlus
from pymmcore_plus.experimental.unicore import UniMMCore

from rmz_acquire.acquisition import open_core
from rmz_acquire.cli import main
from rmz_acquire.errors import InputError
from rmz_acquire.gui.controllers.watched_core import WatchedCore

TEXT = """# Grüße vom Mikroskop
Property,Core,Initialize,0
Device,Cam,DemoCamera,DCam
Device,Z,DemoCamera,DStage
Device,Emission,DemoCamera,DWheel
Property,Core,Initialize,1
Property,Core,Camera,Cam
Property,Core,Focus,Z
Label,Emission,0,Grün 520/40
ConfigGroup,Channel,Grün,Emission,Label,Grün 520/40
"""
CORES = [None, UniMMCore, CMMCorePlus, WatchedCore]


def _encoded(name):
    return {
        "utf-8": TEXT.encode(),
        "with a byte order mark": b"\xef\xbb\xbf" + TEXT.encode(),
        "utf-16": TEXT.encode("utf-16"),
        "latin-1": TEXT.encode("latin-1"),
        "of Windows": TEXT.replace("#", "# „…“").encode("cp1252"),
        "latin-1 that Windows has not": TEXT.replace("#", "# \x81").encode("latin-1"),
        "crlf": TEXT.replace("\n", "\r\n").encode(),
        "latin-1 and crlf": TEXT.replace("\n", "\r\n").encode("latin-1"),
        "cr": TEXT.replace("\n", "\r").encode(),
    }[name]


@pytest.mark.parametrize("kind", CORES)
@pytest.mark.parametrize(
    "encoding",
    [
        "utf-8",
        "with a byte order mark",
        "utf-16",
        "latin-1",
        "of Windows",
        "latin-1 that Windows has not",
        "crlf",
        "latin-1 and crlf",
        "cr",
    ],
)
def test_names_are_what_they_are_in_every_encoding(
    encoding, kind, tmp_path, closing, caplog
):
    file = tmp_path / "own.cfg"
    file.write_bytes(_encoded(encoding))
    with caplog.at_level(logging.WARNING, "rmz_acquire"):
        core = closing(open_core(file, None if kind is None else kind()))
    assert core.getAvailableConfigs("Channel") == ("Grün",)
    assert core.getStateLabels("Emission")[0] == "Grün 520/40"
    core.setConfig("Channel", "Grün")
    guessed = "latin" in encoding or "Windows" in encoding
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == guessed
    if guessed:
        assert re.match(
            r"own\.cfg, line 1 is not UTF-8 .* save the file as UTF-8", *said
        )


@pytest.mark.parametrize("kind", CORES[1:3])
@pytest.mark.parametrize(
    ("was", "line", "said"),
    [
        (
            "Device,Z,DemoCamera,DStage",
            "Devise,Z,DemoCamera,DStage",
            r"line 4: there is no command 'Devise': do you mean Device\?",
        ),
        (
            "Device,Z,DemoCamera,DStage",
            "Device,Z,NikonTi9,DStage",
            r"line 4 \(Device,Z,NikonTi9,DStage\): .*NikonTi9.*: install its device",
        ),
        (
            "Device,Z,DemoCamera,DStage",
            "Device,Z,DemoCamera,NoStage",
            r"line 4 .*NoStage.*: install its device adapter",
        ),
        (
            "Device,Z,DemoCamera,DStage",
            "Device,Z,DemoCamera",
            r"line 4 .*: correct the line",
        ),
        (
            "Property,Core,Focus,Z",
            "Property,Z,Speeed,3",
            r"line 8 .*Speeed.*: correct the line",
        ),
    ],
)
def test_a_line_that_cannot_be_done_is_named(was, line, said, kind, tmp_path, closing):
    file = tmp_path / "own.cfg"
    file.write_text(TEXT.replace(was, line), encoding="utf-8")
    core = closing(kind())
    with pytest.raises(InputError, match=rf"^own\.cfg, {said}") as refused:
        open_core(file, core)
    assert "\n" not in str(refused.value)
    # nothing is left behind half loaded
    assert core.getLoadedDevices() == ("Core",)


def test_a_python_line_that_does_not_import_says_what_is_missing(
    tmp_path, monkeypatch, caplog, closing
):
    (tmp_path / "made_here.py").write_text("import not_there_either\n")
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "own.cfg"
    for module, missing in (
        ("no_such_package.cameras", "no_such_package"),
        ("made_here", "not_there_either"),
    ):
        file.write_text(f"{TEXT}#py pyDevice,Py,{module},Camera\n", encoding="utf-8")
        said = rf"line 11 .*: No module named '{missing}': install its Python package"
        with pytest.raises(InputError, match=said):
            open_core(file)
    with caplog.at_level(logging.WARNING, "rmz_acquire"):
        closing(open_core(file, CMMCorePlus()))
    assert "line 11 is left out: a device in Python needs a UniMMCore" in caplog.text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "has no commands"),
        (b"# only a comment\n", "has no commands"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is no text"),
        (b"\xef\xbb\xbf# \xff\n", "line 1: no utf-8 as its beginning says"),
    ],
)
def test_what_is_no_configuration_is_refused(data, said, tmp_path):
    file = tmp_path / "own.cfg"
    file.write_bytes(data)
    with pytest.raises(InputError, match=rf"^own\.cfg.*{said}"):
        open_core(file)


def test_every_command_that_loads_a_configuration_says_it_in_one_line(tmp_path, capsys):
    file = tmp_path / "own.cfg"
    file.write_bytes(TEXT.replace("Device,Z,", "Device,Z,Nikon").encode("latin-1"))
    experiment = tmp_path / "one.yaml"
    experiment.write_text(
        "channels: [{config: Grün, exposure: 5}]\nz_plan: {range: 4, step: 1}\n"
        "metadata: {rmz_acquire: {version: 1, estimator: linear}}\n",
        encoding="utf-8",
    )
    out = str(tmp_path / "out")
    given = ["--config", str(file)]
    for command in (
        ["scan", str(experiment), *given, "--out", out],
        ["demo", *given, "--out", out],
        ["check-stage", *given],
        ["acquire-stacks", *given, "--range", "4", "--step", "1", "--out", out],
    ):
        assert main(command) == 2, command
        said = " ".join(capsys.readouterr().err.split())
        assert "error: own.cfg, line 4" in said and "Traceback" not in said
