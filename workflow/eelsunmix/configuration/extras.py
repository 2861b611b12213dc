"""Methods that ask for a library which is not installed."""

from collections.abc import Iterable, Iterator

from eelsunmix.configuration.nodes import Node
from eelsunmix.configuration.problems import Problem
from eelsunmix.methods import method_class, method_names, missing_extra
from eelsunmix.mistakes import Keys


def missing_libraries(written: Iterable[tuple[Node, Keys]]) -> Iterator[Problem]:
    """Check sections `methods`; yields one problem for each method that cannot be fitted here.

    Parameters
    ----------
    written : iterable of (Node, tuple)
        The sections and the keys that lead to them.
    """
    for section, path in written:
        for label, node in section.value.items() if section.is_mapping else ():
            name = method.value if (method := node.child("method")) else label
            if name in method_names() and (message := missing_extra(method_class(name))):
                yield Problem(node.file, message, node.line, (*path, label))
