"""The site: ``make docs`` writes it to build/docs, and a warning ends the build. Nothing is fetched."""

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # what the pages of the reference are made by

project = "harness"
author = "The harness authors"
release = importlib.metadata.version("prompt-harness")
html_title = f"harness {release}"
html_theme = "furo"
html_show_copyright = False
html_copy_source = False
smartquotes = False

extensions = ["myst_parser", "sphinx.ext.autodoc", "reference"]
exclude_patterns = ["pictures"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "undoc-members": True, "exclude-members": "__init__, __new__"}
python_use_unqualified_type_names = True

# A name that the pages do not define is an error where it is ours; of others' names there is nothing to check against.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!harness\.).*")]
INSIDE = ("task.definition.TaskSpec", "results.columns.Examples", "prompt.template.Template", "engines.journal.Journal")
nitpick_ignore = [("py:class", f"harness.{name}") for name in INSIDE]
