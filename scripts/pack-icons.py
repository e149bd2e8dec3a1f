"""Take the few icons that the window shows out of the npm packages of Iconify.

Run where npm is: ``npm pack @iconify-json/mdi @iconify-json/bi``, unpack each into a
folder, then ``python scripts/pack-icons.py mdi=FOLDER bi=FOLDER``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

OUT = Path(__file__).parent.parent / "rmz_acquire" / "gui" / "icons"
WANTED = {
    "bi": ["chevron-down", "chevron-up", "sign-stop-fill"],
    "mdi": [
        *"alert alert-circle-outline alphabetical-variant arrow-all".split(),
        *"arrow-down-thin arrow-expand-up arrow-expand-vertical".split(),
        *"arrow-left-thick arrow-split-horizontal arrow-up-thin".split(),
        *"axis axis-arrow checkbox-multiple-blank-outline".split(),
        *"checkbox-multiple-marked-outline close-box-multiple-outline".split(),
        *"close-box-outline close-circle flag plus-thick".split(),
        *"arrow-collapse-down arrow-collapse-up arrow-up-down camera".split(),
        *"camera-iris camera-outline check-circle check-circle-outline".split(),
        *"chevron-double-down chevron-double-left chevron-double-right".split(),
        *"chevron-double-up chevron-down chevron-left chevron-right".split(),
        *"chevron-triple-down chevron-triple-left chevron-triple-right".split(),
        *"chevron-triple-up chevron-up circle circle-small close-octagon".split(),
        *"collapse-horizontal compare content-save-outline cube-outline".split(),
        *"cube-scan decimal dev-to devices expand-horizontal file-cog-outline".split(),
        *"file-export-outline file-image-outline focus-auto".split(),
        *"folder-open-outline format-list-bulleted heart-cog-outline".split(),
        *"help-circle-outline hexagon-outline hexagon-slice-6 history hubspot".split(),
        *"image-auto-adjust information-outline layers-outline magnify".split(),
        *"microscope mirror-variant numeric pause play plus-circle-outline".split(),
        *"power question-mark-rhombus redo serial-port state-machine stop".split(),
        *"table theme-light-dark toggle-switch-outline tune-variant undo".split(),
        *"video-off-outline video-outline view-comfy".split(),
    ],
}


def main(folders: dict[str, Path]) -> None:
    """Write one JSON a set: its licence, its author, and the icons wanted."""
    for prefix, names in WANTED.items():
        folder = folders[prefix]
        icons = json.loads((folder / "icons.json").read_text("utf-8"))
        info = json.loads((folder / "info.json").read_text("utf-8"))
        aliases = icons.get("aliases", {})
        bodies = {}
        for name in sorted(set(names)):
            parent = aliases.get(name, {}).get("parent", name)
            bodies[name] = icons["icons"][parent]["body"]
        side = icons.get("width", 16), icons.get("height", 16)
        data = {
            "name": info["name"],
            "author": info["author"],
            "license": info["license"],
            "width": side[0],
            "height": side[1],
            "icons": bodies,
        }
        text = json.dumps(data, indent=1, ensure_ascii=False)
        (OUT / f"{prefix}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main({name: Path(path) for name, path in (a.split("=") for a in sys.argv[1:])})
