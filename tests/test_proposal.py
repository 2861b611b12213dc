"""`eelsunmix new`: edges found, missed and false on spectra of known elements, and what is written."""

import errno
import os
import resource
import signal
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from edge_spectra import EDGE, spectrum_of
from eelsunmix.commands.proposing import _next, _said, propose
from eelsunmix.configuration import read_configuration
from eelsunmix.errors import InputError
from eelsunmix.examples import find_example
from eelsunmix.io.signals import FileAxis, Signal, describe
from eelsunmix.proposal import configuration_text, propose_edges
from eelsunmix.proposal.axis import agreed_offset, change_in_words, disagree, put_right, witnesses
from eelsunmix.proposal.drawing import windows_page
from eelsunmix.proposal.naming import NamedRise, hidden_by, name_rises
from eelsunmix.proposal.proposing import ProposedEdge
from eelsunmix.proposal.rises import Rise
from eelsunmix.storage.drafts import _machine
from eelsunmix.storage.handed_over import write_and_compare
from eelsunmix.storage.whole_files import write_page

STRONG_SNR = 10.0

SPECIMENS = [
    (("Ti_L23", "O_K"), 350, 860),
    (("C_K", "N_K", "O_K"), 200, 700),
    (("Fe_L23", "O_K"), 400, 900),
    (("Mn_L23", "O_K", "La_M45"), 450, 960),
    (("B_K", "N_K"), 140, 500),
    (("Co_L23", "O_K"), 400, 1000),
    (("Ni_L23", "O_K"), 420, 1000),
    (("Ca_L23", "C_K"), 220, 560),
    (("Ce_M45", "O_K"), 430, 1000),
    (("Si_K", "Al_K"), 1400, 2000),
]


@pytest.mark.slow
@pytest.mark.parametrize("dose", [3, 300])
def test_strong_edges_are_found_and_named_and_few_are_false(dose):
    strong, found, right, false, number = 0, 0, 0, 0, 0
    for place, (names, low, high) in enumerate(SPECIMENS):
        image, snr = spectrum_of(names, low, high, dose, seed=1000 + place)
        seen = [(one.named.rise.onset_eV, one.named.name) for one in propose_edges(image).edges]
        hits = {name: [edge for at, edge in seen if abs(at - EDGE[name].onset_eV) < 8] for name in names}
        number += len(seen)
        false += len(seen) - sum(len(edges) for edges in hits.values())
        for name in names:
            if snr[name] > STRONG_SNR:
                strong, found = strong + 1, found + bool(hits[name])
                right += hits[name] == [name]
    assert strong >= {3: 4, 300: 15}[dose]
    assert found == strong
    assert false <= 0.1 * number
    assert right >= 0.85 * strong, (right, strong)


@pytest.mark.parametrize("seed", range(6))
def test_a_spectrum_without_edges_shows_none(seed):
    image, _ = spectrum_of((), 300, 700, 100, seed=seed)
    assert propose_edges(image).edges == ()


@pytest.mark.parametrize(("dim", "unit", "step"), [("energy_loss", "eV", 0.5), ("energy", "keV", 0.5)])
@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_a_few_channels_show_nothing(dim, unit, step, n_channels):
    counts = np.random.default_rng(n_channels).poisson(500.0, (7, 5, n_channels)).astype(float)
    energies = (dim, 10.0 + step * np.arange(n_channels), {"units": unit})
    image = xr.DataArray(
        counts,
        dims=("y", "x", dim),
        coords={dim: energies, "valid_pixel": (("y", "x"), np.ones((7, 5), bool))},
        attrs={"counts_per_electron": 1.0},
    )
    assert propose_edges(image).drawn == []


def test_a_weak_edge_that_rises_slowly_is_found():
    image, snr = spectrum_of(("Ag_M45",), 280, 600, 40, seed=3)
    assert STRONG_SNR < snr["Ag_M45"] < 15
    assert [one.named.name for one in propose_edges(image).edges] == ["Ag_M45"]


def test_long_waves_of_the_gain_are_no_slow_edges():
    image, _ = spectrum_of((), 389, 800, 30_000, seed=8, changed=waves)
    assert propose_edges(image).edges == ()


def waves(energy, spectrum):
    return spectrum * (1 + 0.01 * np.sin(2 * np.pi * energy / 73))


def rises(*onsets):
    return [Rise(onset_eV=onset, sd_eV=0.7, evidence=300.0) for onset in onsets]


@pytest.mark.parametrize("shift", [-16.0, -6.0, 0.0, 6.0, 12.0])
def test_edges_together_tell_their_names_on_an_axis_that_is_off(shift):
    named = name_rises(rises(*(onset + shift for onset in (532, 640, 779, 855))), (440, 1050))
    assert [one.name for one in named] == ["O_K", "Mn_L23", "Co_L23", "Ni_L23"]


def test_a_lone_edge_keeps_its_alternatives():
    (one,) = name_rises(rises(284), (200, 500))
    assert one.name == "C_K"
    assert "Ru_M45" in dict(one.chances)
    assert sum(chance for _, chance in one.chances) <= 1 + 1e-9


def test_an_edge_of_no_element_has_no_name():
    (one,) = name_rises(rises(1700), (1600, 1790))
    assert one.name == ""


def test_a_stronger_edge_that_is_not_there_speaks_against_an_element():
    both = name_rises(rises(279, 461), (200, 700))
    alone = name_rises(rises(461), (200, 700))
    ru = [dict(one.chances).get("Ru_M23", 0.0) for one in (both[1], alone[0])]
    assert ru[0] > ru[1]


@pytest.mark.parametrize(("slowness", "name"), [(0.5, "In_M45"), (-0.8, "Ti_L23")])
def test_the_shape_of_an_edge_tells_elements_apart(slowness, name):
    seen = Rise(onset_eV=450.0, sd_eV=1.0, evidence=300.0, slowness=slowness)
    assert name_rises([seen], (350, 650))[0].name == name


def test_edges_that_another_hides_are_named():
    (fluorine,) = name_rises(rises(685), (600, 850))
    assert "Fe_L23" in hidden_by(fluorine)


@pytest.mark.parametrize("shift", [12.0, -9.0])
def test_an_offset_is_measured_and_written(shift):
    image, _ = spectrum_of(("Mn_L23", "O_K", "La_M45"), 450, 960, 300, seed=5, shift=shift)
    proposal = propose_edges(image)
    assert proposal.offset.offset_eV == pytest.approx(shift, abs=3)
    assert proposal.written_axis["offset_eV"] == pytest.approx(450, abs=3)
    assert [one.named.name for one in proposal.edges if one.edge] == ["O_K", "Mn_L23", "La_M45"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with an image that has an axis of its own, as a store."""
    monkeypatch.chdir(tmp_path)
    image, _ = spectrum_of(("Ti_L23", "O_K"), 350, 860, 100, seed=2)
    dataset = image.rename("counts").to_dataset()
    dataset.to_zarr(tmp_path / "SI 1.zarr", consolidated=False)
    return tmp_path


def test_the_next_command_can_be_pasted(folder):
    (folder / "my data").mkdir()
    said = propose([Path("SI 1.zarr")], output=Path("my data/a.yaml"))
    assert said.endswith("next: eelsunmix run 'my data/a.yaml'")


def test_what_is_written_runs_as_it_is(folder):
    said = propose([Path("SI 1.zarr")])
    assert "Ti_L23, score" in said
    assert said.endswith("next: eelsunmix run SI_1.yaml")
    settings = read_configuration([folder / "SI_1.yaml"]).samples["SI_1"]
    assert list(settings.edges) == ["Ti_L23", "O_K"]
    assert list(settings.methods) == ["recommended", "nmf", "ica", "vca"]
    page = (folder / "SI_1.windows.html").read_text(encoding="utf-8")
    assert "Ti_L23" in page
    assert 'src="http' not in page  # nothing is fetched


def test_a_configuration_is_not_written_over(folder):
    propose([Path("SI 1.zarr")])
    with pytest.raises(InputError, match=r"SI_1\.yaml: is there already; choose another name with --output"):
        propose([Path("SI 1.zarr")])
    propose([Path("SI 1.zarr")], force=True)
    propose([Path("SI 1.zarr")], output=Path("mine.yaml"))


@pytest.mark.parametrize("force", [False, True])
def test_a_configuration_that_came_while_the_edges_were_searched_is_not_written_over(
    folder, monkeypatch, force
):
    """As by a second command at the same time, whose drawing stays, too."""

    def searched(image):
        (folder / "SI_1.yaml").write_text("theirs")
        return propose_edges(image)

    monkeypatch.setattr("eelsunmix.commands.proposing.propose_edges", searched)
    with nullcontext() if force else pytest.raises(InputError, match=r"SI_1\.yaml: is there already; choose"):
        propose([Path("SI 1.zarr")], force=force)
    assert ((folder / "SI_1.yaml").read_text(encoding="utf-8") == "theirs") != force
    assert (folder / "SI_1.windows.html").exists() == force


HOSTILE = (
    "nm\ndask: {address: 'tcp://evil:8786'}\n#",
    "nm\x85dask: {}\x85#",
    "nm\u2028dask: {}\u2028#",
    "\x1b[2J",
)


@pytest.mark.guarantee("G9", 36)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_file_becomes_a_key(text):
    """The units and titles of all its signals stand in comments: a line break would end them."""
    axes = (FileAxis(size=7, units=text), FileAxis(size=40, units="eV", offset=100.0, scale=0.5))
    made = {"open": lambda chunks: None, "dtype": np.dtype("u2"), "kind": "", "reader": "test"}
    told = describe(Signal(axes=axes, title=text, **made))
    assert told.isprintable()
    image, _ = spectrum_of((), 40, 300, 100, seed=2)
    proposal = propose_edges(image)
    texts = [
        configuration_text({"S": Path("a.dm4")}, proposal, page="p", others=[told, text]),
        configuration_text({"S": Path(f"{text}.dm4")}, proposal, page=text),
    ]
    for written in texts:
        assert set(yaml.safe_load(written)) == {"samples", "components", "methods"}


@pytest.mark.guarantee("G7")
@pytest.mark.parametrize("name", ["a\nb.zarr", "a{sample}.zarr", "a\x1b[2J.zarr"])
def test_a_name_with_which_nothing_can_be_run_is_refused_before_the_work(folder, name):
    Path("SI 1.zarr").rename(name)
    with pytest.raises(InputError, match="or an invisible character; rename the file or folder") as refused:
        propose([Path(name)], output=Path("mine.yaml"))
    assert str(refused.value).isprintable()
    assert not Path("mine.yaml").exists()


@pytest.mark.parametrize("force", [False, True])
def test_no_image_and_no_file_of_others_is_written_over(folder, force):
    (folder / "image.npy").write_bytes(b"counts")
    (folder / "link.yaml").symlink_to(folder / "image.npy")
    (folder / "mine.windows.html").write_text("notes")
    for name, said in {
        "image.npy": "ends in .yaml",
        "link.yaml": "plain",
        "mine.yaml": "not made by",
    }.items():
        with pytest.raises(InputError, match=said):
            propose([Path("SI 1.zarr")], output=Path(name), force=force)
    assert (folder / "image.npy").read_bytes() == b"counts"
    assert (folder / "mine.windows.html").read_text() == "notes"


def test_a_proposal_that_is_stopped_while_it_writes_leaves_nothing(folder, monkeypatch):
    stop = "eelsunmix.storage.whole_files.write_and_compare"
    monkeypatch.setattr(stop, lambda *_: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit) as stopped:
        propose([Path("SI 1.zarr")])
    assert stopped.value.code == 128 + signal.SIGTERM
    assert [one.name for one in folder.iterdir()] == ["SI 1.zarr"]


def test_a_configuration_is_whole_or_absent_at_any_moment(folder, monkeypatch):
    """As a SIGKILL would leave it: an empty one would run nothing, and stop the same command."""
    seen = []

    def written(*arguments):
        seen.append(Path("SI_1.yaml").exists() and Path("SI_1.yaml").stat().st_size)
        return write_and_compare(*arguments)

    monkeypatch.setattr("eelsunmix.storage.whole_files.write_and_compare", written)
    propose([Path("SI 1.zarr")])
    assert seen == [False, Path("SI_1.yaml").stat().st_size]


def test_where_no_links_can_be_made_a_configuration_is_written_too(folder, monkeypatch):
    def refused(self, other):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    propose([Path("SI 1.zarr")])
    assert "Ti_L23" in Path("SI_1.yaml").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="is there already"):
        propose([Path("SI 1.zarr")])


def test_what_a_killed_proposal_has_left_goes_with_the_next_one(folder):
    killed = subprocess.Popen([sys.executable, "-S", "-c", ""])
    killed.wait()
    mine, left = (f".SI_1.yaml.tmp-{_machine()}-{number}-0a1b2c3d" for number in (os.getpid(), killed.pid))
    for name in (mine, left):
        (folder / name).touch()
    propose([Path("SI 1.zarr")])
    assert (folder / mine).exists()
    assert not (folder / left).exists()


def test_no_file_of_the_user_goes_with_the_drafts_however_old_it_is(tmp_path):
    names = ".1.yaml.tmp-{}", ".[1].yaml.tmp-mine", ".[1].yaml.tmp-a-1-2-notes", ".[1].yaml.tmp-{}.bak"
    mine = [tmp_path / name.format("node7-1-77-0a1b2c3d") for name in names]
    left = tmp_path / ".[1].yaml.tmp-node7-1-77-0a1b2c3d"
    for one in (*mine, left):
        one.touch()
        os.utime(one, (0, 0))
    write_page(tmp_path / "[1].yaml", "edges: []")
    assert set(tmp_path.iterdir()) == {*mine, tmp_path / "[1].yaml"}


def test_a_full_disk_leaves_the_configuration_that_was_there(folder):
    propose([Path("SI 1.zarr")])
    mine = "# my notes\n" + (folder / "SI_1.yaml").read_text(encoding="utf-8")
    (folder / "SI_1.yaml").write_text(mine, encoding="utf-8")
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, limit[1]))
    try:
        with pytest.raises(InputError, match="cannot be written"):
            propose([Path("SI 1.zarr")], force=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (folder / "SI_1.yaml").read_text(encoding="utf-8") == mine
    assert sorted(one.name for one in folder.iterdir()) == ["SI 1.zarr", "SI_1.windows.html", "SI_1.yaml"]


def test_several_files_are_several_samples(folder):
    (folder / "again").mkdir()
    (folder / "SI 1.zarr").rename(folder / "again" / "SI2.zarr")
    propose([Path("again/SI2.zarr"), Path("again/SI2.zarr")], output=Path("both.yaml"))
    assert list(read_configuration([folder / "both.yaml"]).samples) == ["SI2", "SI2_2"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent.dm4", "absent.dm4: no such file"),
        ("a.xyz", "no such file"),
        ("readme.txt", "unknown kind of file"),
        (
            "SI1.yaml",
            "^SI1.yaml: .yaml files are not read; it is a configuration, which `eelsunmix run` takes",
        ),
        ("SI1.yml", "^SI1.yml: .yml files are not read; it is a configuration, which `eelsunmix run` takes"),
        ("data", "^data: is a folder of no kind that is read; name an image in it$"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "readme.txt").write_text("no image")
    (tmp_path / "SI1.yaml").write_text("no image")
    (tmp_path / "SI1.yml").write_text("no image")
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError, match=said):
        propose([Path(name)])
    assert list(tmp_path.glob("*.yaml")) == [tmp_path / "SI1.yaml"]


def test_what_is_unsure_is_said_with_its_alternatives():
    image, _ = spectrum_of(("In_M45",), 360, 640, 300, seed=11)
    proposal = propose_edges(image)
    text = configuration_text({"S": Path("a.dm4")}, proposal, page="p.html")
    for one in proposal.edges:
        if one.named.chance < 0.75:
            assert "# or this, score" in text


REAL = [
    ("STO-LMO_EELS_SI.dm3", ["Ti_L23", "O_K", "Mn_L23", "La_M45"]),
    ("NMC_core-loss_2x21.dm3", ["O_K", "Mn_L23", "Co_L23", "Ni_L23"]),
]


@pytest.mark.parametrize(("name", "edges"), REAL, ids=[name for name, _ in REAL])
def test_measured_images_get_their_elements(tmp_path, monkeypatch, name, edges):
    path = find_example(name)
    if path is None:
        pytest.skip(f"needs {name} in EELSUNMIX_DATA")
    monkeypatch.chdir(tmp_path)
    propose([path.absolute()], output=Path("my.yaml"))
    assert list(read_configuration([tmp_path / "my.yaml"]).samples[path.stem].edges) == edges


def test_a_measured_image_of_x_rays_gets_its_lines(tmp_path, monkeypatch):
    path = find_example("EDS_80x80.hspy")
    if path is None:
        pytest.skip("needs EDS_80x80.hspy in EELSUNMIX_DATA")
    monkeypatch.chdir(tmp_path)
    assert "6401 eV: Fe_Ka, score 1.00" in propose([path.absolute()])
    settings = read_configuration([tmp_path / "EDS_80x80.yaml"]).samples["EDS_80x80"]
    assert {"Si_Ka", "Ca_Ka", "Fe_Ka", "Cu_Ka", "Ga_Ka"} <= set(settings.edges)
    assert settings.corrections.gain.method == "none"


def named(*pairs):
    """Edges with names that are sure, and how far each rises from the table."""
    return [
        NamedRise(
            rise=Rise(onset_eV=EDGE[name].onset_eV + shift, sd_eV=0.7, evidence=300.0),
            chances=((name, chance),),
        )
        for name, shift, chance in pairs
    ]


def test_an_unsure_dispersion_is_not_written():
    edges = named(("O_K", -15.6, 0.9), ("Mn_L23", -12.6, 0.9), ("Co_L23", -16.6, 0.9), ("Ni_L23", -21.6, 0.9))
    offset = agreed_offset(witnesses(edges))
    read = np.arange(440, 1054, 0.3)
    right, written = put_right(read, offset)
    assert written == {"offset_eV": pytest.approx(456.6)}
    assert right - read == pytest.approx(16.6)
    assert offset.sd_eV > 1.8  # the scatter of the edges, which no slope takes away


def test_a_sure_dispersion_is_written_and_said():
    shifts = {"C_K": -12.0, "O_K": -4.0, "Fe_L23": 4.0, "Ni_L23": 8.0, "Al_K": 33.0}
    offset = agreed_offset(witnesses(named(*((name, shift, 0.9) for name, shift in shifts.items()))))
    read = np.arange(200, 1700, 0.5)
    right, written = put_right(read, offset)
    assert written["dispersion_eV"] < 0.49
    said = change_in_words(read, right)
    assert "dispersion from 0.5 to 0.48" in said
    assert f"{right[-1] - read[-1]:+.1f} eV at 1700 eV" in said


def test_an_edge_of_some_doubt_keeps_others_from_moving_the_axis():
    edges = witnesses(
        named(("Ti_L23", 1.25, 0.74), ("O_K", -6.75, 0.95), ("Mn_L23", -7.75, 0.99), ("La_M45", -1.75, 0.99))
    )
    assert agreed_offset(edges[1:]) is not None
    assert agreed_offset(edges) is None
    assert disagree(edges, None)


def test_chemistry_alone_is_no_disagreement():
    assert not disagree(witnesses(named(("Ti_L23", 1.0, 0.9), ("O_K", -2.5, 0.9))), None)


def test_both_axes_are_named_where_one_is_put_right():
    image, _ = spectrum_of(("Mn_L23", "O_K", "La_M45"), 450, 960, 300, seed=5, shift=12.0)
    proposal = propose_edges(image)
    text = configuration_text({"S": Path("a.dm4")}, proposal, page="p.html")
    moved = 462 - proposal.written_axis["offset_eV"]
    assert f"offset from 462 to {462 - moved:.5g} eV" in text
    oxygen = next(one.named.rise.onset_eV for one in proposal.edges if one.named.name == "O_K")
    assert f"# place of both:  edges: {{O_K: {{onset_eV: {oxygen:.0f}}}" in text
    said = "\n".join(_said(image, proposal))
    assert f"{oxygen:.0f} eV as read, {oxygen - moved:.0f} eV on the axis put right: O_K" in said


def test_where_edges_disagree_alternatives_are_comments():
    image, _ = spectrum_of(("Ti_L23", "O_K"), 350, 860, 300, seed=5)
    edges = tuple(witnesses(named(("Ti_L23", 1.25, 0.74), ("O_K", -6.75, 0.95), ("Mn_L23", -7.75, 0.99))))
    proposal = replace(propose_edges(image), offset=None, witnesses=edges)
    text = configuration_text({"S": Path("a.dm4")}, proposal, page="p.html")
    assert "# axes: {energy: {offset_eV: 356.8}}" in text
    assert "\naxes:" not in text
    assert "left as read" in "\n".join(_said(image, proposal))


def unsure(onset, *chances):
    rise = Rise(onset_eV=onset, sd_eV=2.0, evidence=144.0)
    return ProposedEdge(named=NamedRise(rise=rise, chances=chances), reason="too unsure")


def test_an_edge_that_is_left_out_says_all_its_candidates_once():
    image, _ = spectrum_of((), 40, 300, 100, seed=2)
    lithium = unsure(51.0, ("Mg_L23", 0.45), ("Li_K", 0.35))
    again = unsure(90.0, ("Mg_L23", 0.4), ("Si_L23", 0.3))
    proposal = replace(propose_edges(image), edges=(lithium, again))
    assert "51 eV: left out, too unsure: Mg_L23 0.45, Li_K 0.35" in _said(image, proposal)
    text = configuration_text({"S": Path("a.dm4")}, proposal, page="p.html")
    assert [text.count(f"# {name}: {{}}") for name in ("Mg_L23", "Li_K", "Si_L23")] == [1, 1, 1]
    assert "name the edges that you know in a.yaml; none is written" in _next(proposal, Path("a.yaml"))[0]


def test_the_page_of_windows_explains_itself():
    image, _ = spectrum_of((), 40, 300, 100, seed=2)
    proposal = propose_edges(image)
    page = windows_page("S", proposal)
    assert page == windows_page("S", proposal)
    for word in ("score", "logarithmic", "overlap"):
        assert word in page.rpartition("</script>")[2]
