"""Settings of Sphinx for the site. The command of `__main__` adds those that depend on the language."""

from pathlib import Path
from typing import Final

from sphinx.application import Sphinx
from sphinx.highlighting import lexer_classes

from documentation_site.search_language import PairsOfCharacters

_HERE: Final = Path(__file__).parent

project = "sms10692"
master_doc = "docs/index"
extensions = ["myst_parser"]
myst_heading_anchors = 4
# A block whose language has no highlighter, such as the configuration of a program, is shown in one colour.
suppress_warnings = ["misc.highlighting_failure"]
templates_path = [str(_HERE / "templates")]

html_theme = "furo"
pygments_dark_style = "github-dark"
html_static_path = [str(_HERE / "static")]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_search_scorer = str(_HERE / "search_scorer.js")
html_search_language = PairsOfCharacters.lang
html_copy_source = False
html_use_index = False
html_show_copyright = False
html_domain_indices = False


def setup(app: Sphinx) -> None:
    """Add the search language, and show blocks of `conf` without colours. Sphinx calls this function."""
    app.add_search_language(PairsOfCharacters)
    lexer_classes["conf"] = lexer_classes["none"]
