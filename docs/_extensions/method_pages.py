"""What the pages of methods show of the code: `method-picture`, `method-options` and `method-papers`."""

import re
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from eelsunmix.configuration.reference import reference
from eelsunmix.methods import method_class

PICTURES = "/_build/pictures"


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directives; the argument of each is the name of a method."""
    for kind in (MethodPicture, MethodOptions, MethodPapers):
        app.add_directive(kind.name_of_directive, kind)
    return {"parallel_read_safe": True}


class _OfMethod(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Show what the method has to show, written in Markdown."""
        place = nodes.container()
        self.state.nested_parse(StringList(self.text(self.arguments[0]).splitlines()), 0, place)
        return place.children

    def text(self, method: str) -> str:
        """Return what is shown."""
        raise NotImplementedError


class MethodPicture(_OfMethod):
    """What the method makes of the scene that all pages share; `make docs` draws it."""

    name_of_directive: ClassVar[str] = "method-picture"

    def text(self, method: str) -> str:
        """Return the link of the picture, with a text for those who do not see it."""
        return f"![Maps, spectra and profiles of {method}, beside the truth]({PICTURES}/{method}.png)"


class MethodOptions(_OfMethod):
    """The options, as the reference of the configuration has them."""

    name_of_directive: ClassVar[str] = "method-options"

    def text(self, method: str) -> str:
        """Return the table of the reference."""
        section = reference([method]).split(f"### `method: {method}`\n")[1].split("\n#")[0]
        return section[section.index("| key") :]


class MethodPapers(_OfMethod):
    """The papers that the docstring of the method names."""

    name_of_directive: ClassVar[str] = "method-papers"

    def text(self, method: str) -> str:
        """Return a list of the papers."""
        return "\n".join(f"- {paper}" for paper in papers(method_class(method).__doc__ or ""))


def papers(docstring: str) -> list[str]:
    r"""Return what stands under References, one text for each.

    Examples
    --------
    >>> papers("Do it.\n\n    References\n    ----------\n    .. [1] A. Lee,\n       Nature.\n")
    ['A. Lee, Nature.']
    """
    listed = re.split(r"References\n *-+\n", docstring)[1]
    return [" ".join(one.split()) for one in re.split(r"\.\. \[\d+\]", listed)[1:]]
