"""The help of every command of `eelsunmix`, as the terminal shows it: the directive `command-help`."""

from typing import Any

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from eelsunmix.commands.entry import eelsunmix

WIDTH = 96


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive; it takes no argument."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}


class CommandHelp(SphinxDirective):
    """One section for each command."""

    def run(self) -> list[nodes.Node]:
        """Show the help of all commands."""
        top = click.Context(eelsunmix, info_name="eelsunmix", max_content_width=WIDTH, terminal_width=WIDTH)
        return [self._section(name, command, top) for name, command in eelsunmix.commands.items()]

    def _section(self, name: str, command: click.Command, top: click.Context) -> nodes.Node:
        title = f"eelsunmix {name}"
        section = nodes.section(ids=[nodes.make_id(title)], names=[title])
        context = click.Context(command, info_name=name, parent=top, max_content_width=WIDTH)
        context.terminal_width = WIDTH
        section += nodes.title(title, title)
        section += nodes.literal_block(text=command.get_help(context), language="text")
        return section
