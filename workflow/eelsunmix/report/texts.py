"""Names, paths, sentences and settings as a reader wants to see them."""

import html
import json
import re
import shlex
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

from eelsunmix.report.formatting import DASH, tidy
from eelsunmix.words import frame_in_words


def shown_path(text: Any) -> str:
    """Write the path of a file relative to the folder that the page is made in; outside of it, its name.

    Examples
    --------
    >>> shown_path("data/SI1.dm4"), shown_path("/mnt/microscope/SI2.dm4")
    ('data/SI1.dm4', 'SI2.dm4')
    """
    path = Path(str(text))
    if not path.is_absolute():
        return str(text)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else path.name


def export_command(sample: str, *formats: str) -> str:
    """Return the command that takes the results of a sample home.

    Examples
    --------
    >>> export_command("SI 1", "hspy", "csv")
    "eelsunmix export 'SI 1' --hspy --csv"
    """
    return " ".join(["eelsunmix export", shlex.quote(sample), *(f"--{one}" for one in formats)])


def sentence(text: Any) -> str:
    """Begin a text with a capital, unless its first word is a name with capitals, digits or _; end it.

    Examples
    --------
    >>> sentence("the variance is 3"), sentence("nmf_kl: failed."), sentence("")
    ('The variance is 3.', 'nmf_kl: failed.', '')
    """
    text = ended(one_style(text))
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text


def ended(text: str) -> str:
    """Put a full stop after a text that ends without any sign."""
    return text + "." * text[-1:].isalnum()


def one_style(text: Any) -> str:
    r"""Write the numbers of a sentence as all of the page are: a space before %, a minus that is one, no −0.

    So are the names of edges, but not where they are parts of a key of the configuration.

    Examples
    --------
    >>> one_style("-3% to 12 % of NMC-1"), one_style("Ti-O, 2.5e-07"), one_style("-0.00, -0.01, -0")
    ('−3\xa0% to 12\xa0% of NMC-1', 'Ti-O, 2.5e-07', '0.00, −0.01, 0')
    >>> one_style("Ti_L23: move edges.Ti_L23.fit_eV"), one_style("Mg_Ka and Au_Ma")
    ('Ti L23: move edges.Ti_L23.fit_eV', 'Mg Ka and Au Ma')
    """
    text = re.sub(r"(?<=\d) ?%", "\u00a0%", str(text))
    text = re.sub(r"± (?=\d)", "±\u00a0", text)
    text = re.sub(r"(?<![\w.)-])-(?=\d)", "−", text)
    text = re.sub(r"(?<![\w.])([A-Z][a-z]?)_([K-N][abl]?\d*)\b(?!\.\w)", r"\1 \2", text)
    return re.sub(r"−(?=0(?:\.0+)?(?!\.?\d|[×e]))", "", text)


def frame_of_all(image: xr.DataArray, frame: int) -> str:
    """Name a frame of a series by its number of all, and its coordinate.

    Examples
    --------
    >>> tilt = ("frame", [-5.0, 5.0], {"units": "deg", "long_name": "tilt"})
    >>> frame_of_all(xr.DataArray([1.0, 2.0], dims="frame", coords={"frame": tilt}), 0)
    '1 of 2 (tilt −5 deg)'
    """
    name = frame_in_words(image, frame).removeprefix("frame ")
    return one_style(name.replace(str(frame + 1), f"{frame + 1} of {image.sizes['frame']}", 1))


def plain(text: Any) -> str:
    """Make any text harmless in a label of a plot, where plotly reads a few HTML tags and ``%{...}``.

    Examples
    --------
    >>> plain("<img src=x> %{x}")
    '&lt;img src=x&gt; % {x}'
    """
    return html.escape(str(text), quote=False).replace("%{", "% {")


def value(thing: Any) -> str:
    """Write any value of a configuration or of metadata in one line."""
    if isinstance(thing, bool) or thing is None:
        return {True: "yes", False: "no", None: DASH}[thing]
    if isinstance(thing, int):
        return str(thing)
    if isinstance(thing, float):
        return tidy(thing)
    if isinstance(thing, list | tuple):
        return ", ".join(value(item) for item in thing)
    if isinstance(thing, dict):
        return "; ".join(f"{key} {value(item)}" for key, item in thing.items())
    return str(thing)


def as_yaml(settings: Any) -> str:
    """Write settings as YAML, whatever simple types they hold."""
    simple = json.loads(json.dumps(dict(settings), default=str))
    return str(yaml.safe_dump(simple, sort_keys=False, allow_unicode=True, width=100))
