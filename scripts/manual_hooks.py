"""What mkdocs does beside its own for the manual (`make docs`).

Pages that lie elsewhere in the checkout (README, examples, changelog) become pages of
the site, and links to them, as they work in the checkout, lead there. Tables of keys
are made of the models that read them. Formulas become MathML, which browsers draw by
themselves. Last, nothing on any page may be fetched from the internet.
"""

from __future__ import annotations

import os
import posixpath
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import manual_notebook  # noqa: E402
import manual_tables  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "LICENSE": "licence.md",
    "CITATION.cff": "citation.md",
    "models/README.md": "models.md",
    "examples/README.md": "examples/index.md",
    **{
        f"examples/{path.name}": f"examples/{path.stem}.md"
        for path in sorted((ROOT / "examples").glob("*.*"))
        if path.suffix in (".py", ".ipynb")
    },
}
"""Files of the checkout, and the pages of the site that they become."""
_SOURCES = {page: source for source, page in ELSEWHERE.items()}
_LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)((?:#[^)\s]*)?\))")
_TABLE = re.compile(r"<!-- table: ([a-z ]+) -->")
_FORMULA = re.compile(
    r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL
)
_FETCHED = re.compile(
    r"<(?:script|img|iframe|link|source|video)\b[^>]*?(?:src|href)=[\"']?(?:https?:)?//"
    r"[^\"'>\s]*",
)


def source_of(page: str) -> str:
    """Where a page of the site lies in the checkout."""
    return _SOURCES.get(page, f"docs/{page}")


def link_in_site(link: str, page: str) -> str:
    """Give a link as it works in the checkout as it works in the site.

    One that leads to no page of the site stays, so that mkdocs complains of it.
    """
    folder = posixpath.dirname(source_of(page))
    target = posixpath.normpath(posixpath.join(folder, link))
    if target in ELSEWHERE:
        target = ELSEWHERE[target]
    elif target.startswith("docs/"):
        target = target.removeprefix("docs/")
    else:
        return link
    return posixpath.relpath(target, posixpath.dirname(page) or ".")


def page_of(source: str) -> str:
    """Markdown of a file that lies elsewhere in the checkout."""
    path = ROOT / source
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        return f"# {path.name}\n\n```python\n{text}```\n"
    if path.suffix == ".ipynb":
        return manual_notebook.as_markdown(text)
    if path.suffix == ".md":
        return text
    return f"# {path.stem.capitalize()}\n\n```text\n{text}```\n"


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere."""
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, content=page_of(source)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Put tables in, and let links lead to pages of the site."""
    here = page.file.src_uri
    markdown = _TABLE.sub(lambda found: manual_tables.TABLES[found[1]](), markdown)
    return _LINK.sub(
        lambda found: found[1] + link_in_site(found[2], here) + found[3], markdown
    )


def on_page_content(html: str, **_: Any) -> str:
    """Make MathML of the formulas."""

    def drawn(found: re.Match[str]) -> str:
        formula = found[2].replace("&amp;", "&").replace("&lt;", "<")
        shown = "block" if found[1] == "div" else "inline"
        return convert(formula.replace("&gt;", ">"), display=shown)

    return _FORMULA.sub(drawn, html)


def on_post_build(*, config: MkDocsConfig) -> None:
    """Refuse a page that a browser would fetch something for from the internet."""
    found = {}
    for folder, _, names in os.walk(config.site_dir):
        for name in (n for n in names if n.endswith((".html", ".css"))):
            path = Path(folder, name)
            text = path.read_text("utf-8")
            found[path.name] = [
                *_FETCHED.findall(text),
                *re.findall(r"(?:@import |url\()[\"']?(?:https?:)?//[^\"')]*", text),
            ]
    fetched = {name: parts[:3] for name, parts in found.items() if parts}
    if fetched:
        msg = f"pages that are not whole offline: {fetched}"
        raise PluginError(msg)
