"""How Sphinx builds the site: `make docs`."""

import shutil
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

# The one place that names the package of the Python client.
CLIENT = "zooscope.client"

project = "Zooscope"
copyright = "the Zooscope authors, Apache-2.0"  # noqa: A001 - Sphinx's name
release = version = version_of("zooscope")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
nitpicky = True
# Other people's types: their pages are on the internet, where a build must not need to look.
nitpick_ignore_regex = [
    ("py:.*", r"(collections|datetime|httpx|pathlib|types|typing|os|socket|ssl)\..*")
]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

napoleon_use_ivar = True
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": True}
maximum_signature_line_length = 80
python_use_unqualified_type_names = True

html_theme = "furo"  # system fonts, nothing loaded from elsewhere
html_title = "Zooscope"
html_show_sourcelink = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Let pages say `{{ client }}` for the client's package, and ship the pictures of `<picture>`."""
    app.connect("source-read", _name_the_client)
    app.connect("build-finished", _copy_pictures)


def _name_the_client(app: Sphinx, page: str, source: list[str]) -> None:
    del app, page
    source[0] = source[0].replace("{{ client }}", CLIENT)


def _copy_pictures(app: Sphinx, error: Exception | None) -> None:
    """Sphinx copies images of Markdown, not those of HTML; pages use HTML for light and dark pairs."""
    if error is None:
        folder = Path(app.srcdir, "pictures")
        shutil.copytree(folder, Path(app.outdir, folder.name), dirs_exist_ok=True)
