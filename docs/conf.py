"""Configuration of the documentation site: `python -m sphinx -W -n --keep-going -b html docs build/docs`."""

from __future__ import annotations

from sphinx.application import Sphinx

project = "slurm-rest-api"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "slurm-rest-api"
html_static_path = ["_static"]
html_css_files = ["site.css"]
smartquotes = False
highlight_language = "none"
myst_heading_anchors = 4
# The build needs no network.
linkcheck_ignore = [r"https?://.*"]

# Documents above this folder, and the pages of the site that include them.
_PAGES = {
    "../README.md": "start.md",
    "../CHANGELOG.md": "CHANGELOG.md",
    "../CONTRIBUTING.md": "CONTRIBUTING.md",
    **{
        f"../benchmarks/results/{name}.md": "benchmarks.md"
        for name in ("live", "freshness", "peers", "asking", "history", "jobs", "load", "map", "reload", "cycle_cost")
    },
}


def _link_to_pages(app: Sphinx, docname: str, source: list[str]) -> None:
    for document, page in _PAGES.items():
        source[0] = source[0].replace(f"]({document}", f"]({page}")


def setup(app: Sphinx) -> None:
    """Connects the rewriting of links, so that they lead to pages of the site."""
    app.connect("source-read", _link_to_pages)
