"""The example notebook: run anew (manual_notebook.py FILE), and as a manual page.

Its cells are plain Python, so neither needs Jupyter.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["as_markdown", "execute"]


def execute(text: str) -> str:
    """Run the cells of a notebook, and give it with what they print and draw."""
    import matplotlib

    matplotlib.use("agg")
    notebook, scope = json.loads(text), {"__name__": "__main__"}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(code, start=1):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            source = "".join(cell["source"])
            exec(compile(source, f"cell {number}", "exec"), scope)
        cell["execution_count"] = number
        cell["outputs"] = [*_printed(said.getvalue()), *_drawn()]
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _printed(text: str) -> list[dict[str, Any]]:
    lines = text.splitlines(keepends=True)
    return [{"name": "stdout", "output_type": "stream", "text": lines}] if lines else []


def _drawn() -> list[dict[str, Any]]:
    from matplotlib import pyplot

    found = []
    for number in pyplot.get_fignums():
        file = io.BytesIO()
        pyplot.figure(number).savefig(file, format="png")
        picture = base64.b64encode(file.getvalue()).decode()
        data = {"image/png": picture, "text/plain": ["<Figure>"]}
        found.append({"data": data, "metadata": {}, "output_type": "display_data"})
    pyplot.close("all")
    return found


def as_markdown(text: str) -> str:
    """Give cells and what they printed and drew as Markdown, pictures inside."""
    out = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            out.append(source)
            continue
        out.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            if "image/png" in output.get("data", {}):
                picture = "".join(output["data"]["image/png"]).replace("\n", "")
                out.append(f'<img alt="drawn" src="data:image/png;base64,{picture}">')
            else:
                out.append(f"```text\n{''.join(output['text']).rstrip()}\n```")
    return "\n\n".join(out) + "\n"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(execute(file.read_text("utf-8")), "utf-8")
