"""An executed notebook as a page of the manual."""

from __future__ import annotations

import json

__all__ = ["as_markdown", "code_of"]


def code_of(text: str) -> str:
    """Give the code of a notebook's cells, one after the other."""
    cells = json.loads(text)["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


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
            data = output.get("data", {})
            if "image/png" in data:
                picture = "".join(data["image/png"]).replace("\n", "")
                out.append(f'<img alt="drawn" src="data:image/png;base64,{picture}">')
            else:
                said = output.get("text") or data.get("text/plain", "")
                out.append("```text\n" + "".join(said).rstrip() + "\n```")
    return "\n\n".join(out) + "\n"
