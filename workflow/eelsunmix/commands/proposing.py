"""`eelsunmix new`: a spectrum image in, a configuration and a drawing of its windows out."""

import os
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import xarray as xr

from eelsunmix.configuration.documents import SUFFIXES
from eelsunmix.configuration.names import path_fault, sample_name_fault
from eelsunmix.errors import InputError, in_brief
from eelsunmix.execution.stopping import stopping_in_order
from eelsunmix.execution.unused_libraries import leave_out_unused_libraries
from eelsunmix.io import open_image
from eelsunmix.io.files import check_path, read_signals
from eelsunmix.io.signals import describe
from eelsunmix.profile_geometry import length_unit
from eelsunmix.proposal import Proposal, configuration_text, propose_edges
from eelsunmix.proposal.axis import change_in_words, disagree, positions
from eelsunmix.proposal.drawing import is_windows_page, windows_page
from eelsunmix.proposal.layers import layered_along
from eelsunmix.proposal.line_text import lines_said
from eelsunmix.proposal.proposing import SURE, ProposedEdge
from eelsunmix.storage.whole_files import write_page


@stopping_in_order()
def propose(
    files: Sequence[Path], *, output: Path | None = None, signal: str | None = None, force: bool = False
) -> str:
    """Write a configuration for spectrum images and say what was found.

    Parameters
    ----------
    files : sequence of Path
        Images that share their edges; the first is searched.
    output : Path, optional
        By default named after the first file, in the current folder.
    signal : str, optional
        Where a file holds several.
    force : bool
        Write over a configuration that is there.

    Raises
    ------
    InputError
        If a file cannot be read, the configuration is there already, or it cannot be written. What was there
        before is then as it was.
    """
    leave_out_unused_libraries()
    samples = _names(files)
    target = output or Path(f"{next(iter(samples))}.yaml")
    page = target.with_suffix(".windows.html")
    for path in files:
        _check_characters(path)
        check_path(path)
    _check_target(target, force)
    _check_page(page)
    image, masked = _opened(files[0], signal)
    proposal = propose_edges(image)
    layered = layered_along(image, proposal)
    listed = [f"{number}: {describe(one)}" for number, one in enumerate(read_signals(files[0]))]
    text = configuration_text(
        samples,
        proposal,
        page=page.name,
        signal=signal,
        others=listed if len(listed) > 1 else (),
        masked=masked,
        strip=_strip(image),
        layered=layered,
    )
    _write(target, text, page, windows_page(next(iter(samples)), proposal), force)
    wrote = f"wrote {target} and {page}"
    return "\n".join([*_said(image, proposal), *_profile_said(layered), wrote, *_next(proposal, target)])


def _profile_said(layered: str | None) -> list[str]:
    said = f"profile: chosen along {layered}: the image varies along it alone, or is a line scan"
    return [said] if layered else []


def _strip(image: xr.DataArray) -> tuple[str, float, float] | None:
    """First tenth of the longer side in nm; None for one pixel, or where the file has no size of it."""
    side = max(("y", "x"), key=lambda dim: image.sizes[dim])
    places = image[side].to_numpy()
    if length_unit(image) != "nm" or places.size < 2:
        return None
    return side, round(float(places[0]), 3), round(float(places[max(1, places.size // 10)]), 3)


def _next(proposal: Proposal, target: Path) -> list[str]:
    run = f"eelsunmix run {shlex.quote(str(target))}"
    if proposal.drawn:
        return [f"next: {run}"]
    kind = "lines" if proposal.x_rays else "edges"
    missing = f"next: name the {kind} that you know in {target}; none is written, so without them"
    return [f"{missing} nothing checks the methods", f"then: {run}"]


def _names(files: Sequence[Path]) -> dict[str, Path]:
    """Names of samples, made of those of the files."""
    samples: dict[str, Path] = {}
    for path in files:
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", path.stem).strip("_.-")[:60] or "sample"
        name = f"{name}_image" if sample_name_fault(name) else name
        if name.lower() in {known.lower() for known in samples}:
            name = f"{name}_{len(samples) + 1}"
        if fault := sample_name_fault(name):
            raise InputError(f"{path}: {name} {fault}; rename the file")
        samples[name] = path
    return samples


def _check_characters(path: Path) -> None:
    """Refuse a name with which no configuration can be run, or that would end a comment of this one."""
    if fault := path_fault(str(path)):
        raise InputError(f"{in_brief(str(path), 200)}: {fault}")


def _check_target(target: Path, force: bool) -> None:
    """Refuse a name under which an image, or whatever else is no configuration, could be written over."""
    if target.suffix.lower() not in SUFFIXES:
        raise InputError(f"{target}: a configuration ends in .yaml; choose such a name with --output")
    if not target.parent.is_dir():
        raise InputError(f"{target}: no such folder {target.parent}; make it first")
    if os.path.lexists(target) and (target.is_symlink() or not target.is_file()):
        raise InputError(f"{target}: is no plain file; choose another name with --output")
    if target.exists() and not force:
        raise _occupied(target)


def _occupied(target: Path) -> InputError:
    return InputError(f"{target}: is there already; choose another name with --output, or add --force")


def _write(target: Path, text: str, page: Path, drawing: str, force: bool) -> None:
    """Write both, or neither; of two commands at once, the later one is refused and its drawing dropped."""
    if force:
        write_page(page, drawing)
        write_page(target, text)
        return
    try:
        write_page(target, text, is_new=True)
    except FileExistsError as error:  # what came while the edges were searched
        raise _occupied(target) from error
    try:
        write_page(page, drawing)
    except BaseException:  # also of who stops us
        with suppress(OSError):
            target.unlink()
        raise


def _check_page(page: Path) -> None:
    if os.path.lexists(page) and not is_windows_page(page):
        raise InputError(f"{page}: is there already and was not made by this command; move it aside")


def _opened(path: Path, signal: str | None) -> tuple[xr.DataArray, bool]:
    chosen: str | int | None = int(signal) if signal is not None and signal.isdecimal() else signal
    try:
        return open_image(path, signal=chosen), False
    except InputError as error:
        if "invalid_pixels: mask" not in str(error):
            raise
    return open_image(path, signal=chosen, invalid_pixels="mask"), True


def _said(image: xr.DataArray, proposal: Proposal) -> list[str]:
    size = " x ".join(map(str, image.shape[:-1]))
    axis = image[image.dims[-1]]
    first, last = float(axis[0]), float(axis[-1])
    lines = [f"{size} pixels, {axis.size} channels from {first:g} to {last:g} {axis.attrs.get('units', '')}"]
    if proposal.x_rays:
        return [*lines, *lines_said(proposal.x_rays)]
    lines += _axis_said(proposal)
    if not proposal.edges:
        return [*lines, "no edge was found; name those that you expect in the configuration"]
    return [*lines, *(_edge_said(one, proposal) for one in proposal.edges)]


def _axis_said(proposal: Proposal) -> list[str]:
    if offset := proposal.offset:
        side = "below" if offset.offset_eV < 0 else "above"
        return [
            f"energy axis: the edges rise {abs(offset.offset_eV):.1f} eV {side} the table (standard error "
            f"{offset.sd_eV:.1f}); put right in the configuration: "
            + change_in_words(proposal.read_energies, proposal.energies)
        ]
    if disagree(proposal.witnesses, proposal.offset):
        return [
            "energy axis: left as read, for the edges do not lie off the table together: "
            f"{positions(proposal.witnesses)}; alternatives are comments in the configuration"
        ]
    return []


def _edge_said(one: ProposedEdge, proposal: Proposal) -> str:
    named = one.named
    seen = named.rise.onset_eV
    at = f"{seen:.0f} eV"
    if proposal.offset:
        at += f" as read, {seen - proposal.offset.at(seen):.0f} eV on the axis put right"
    if one.edge is None:
        return f"{at}: left out, {one.reason or 'its name is taken'}{_candidates(one, 0, ': ')}"
    doubt = _candidates(one, 1, " (unsure; or ", ")") if named.chance < SURE else ""
    return f"{at}: {named.name}, score {named.chance:.2f}{doubt}"


def _candidates(one: ProposedEdge, first: int, before: str, after: str = "") -> str:
    named = ", ".join(f"{name} {chance:.2f}" for name, chance in one.named.chances[first:4] if name)
    return f"{before}{named}{after}" if named else ""
