"""What commands print: text of users and files must not steer the terminal on which it is read."""

import unicodedata

import click

_TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that change the direction of what follows, so that a name looks like another one."""


def say(text: object, *, err: bool = False) -> None:
    """Print lines, on the standard output or the standard error."""
    click.echo(harmless(str(text)), err=err)


def harmless(text: str) -> str:
    r"""Write characters that would steer a terminal as Python writes them; lines stay lines.

    Examples
    --------
    >>> harmless("Ti\u00a0L23\tok\nnext")
    'Ti\xa0L23\tok\nnext'
    >>> print(harmless("a\x1b[2J.yaml"))
    a\x1b[2J.yaml
    """
    return text if text.isprintable() else "".join(map(_harmless, text))


def _harmless(mark: str) -> str:
    steers = unicodedata.category(mark) in ("Cc", "Cs") or mark in _TURNING
    return ascii(mark)[1:-1] if steers and mark not in "\n\t" else mark
