"""The zip for a publication: what it says agrees with the stores, and no bit of it flips unseen."""

import json
import re
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import xarray as xr
import yaml
from click.testing import CliRunner
from rocrate.rocrate import ROCrate

from eelsunmix.citation import AUTHOR, LICENCE, TITLE
from eelsunmix.commands.entry import eelsunmix
from eelsunmix.configuration import read_configuration
from eelsunmix.errors import StoreError
from eelsunmix.export.exporting import export_sample
from eelsunmix.export.publication import archive as archives
from eelsunmix.export.publication.archive import _put_digest, verify_archive, write_archive
from eelsunmix.export.publication.bibtex import fields_of
from eelsunmix.export.publication.configuration import configuration_text
from eelsunmix.export.publication.methods_text import _microscope, _treated, _vacuum
from eelsunmix.methods import method_names
from eelsunmix.methods._references import references
from eelsunmix.plain import field_values, plain_values
from eelsunmix.proposal import drawing
from eelsunmix.report.sections.citation import BACKGROUNDS, LEAST_SQUARES, WORKFLOW
from eelsunmix.storage import read_manifest, sealed_page, verify, verify_page
from eelsunmix.storage.manifest import manifest_of
from exported_samples import WARNING, finished, stored

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Results of a sample, its page, and the export with the zip."""
    made = tmp_path_factory.mktemp("publication")
    finished(made, "measured", page=True)
    export_sample(made / "results" / "S1", ["tiff"], to=made / "out", publication=True)
    return made


@pytest.fixture(scope="module")
def unpacked(folder, tmp_path_factory):
    target = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(folder / "out" / "S1_publication.zip") as archive:
        archive.extractall(target)
    return target


def test_the_zip_holds_everything_and_the_folder_what_was_asked_for(folder, unpacked):
    assert {path.name for path in unpacked.iterdir()} == {
        *("README.txt", "methods.md", "references.bib", "configuration.yaml", "versions.json", "stores.json"),
        *("page.html", "manifest.json", "ro-crate-metadata.json", "csv", "hspy", "nexus", "tiff"),
    }
    assert {path.name for path in (folder / "out").iterdir()} == {
        *("tiff", "0_README.txt", "manifest.json", "S1_publication.zip"),
    }
    assert verify_page(unpacked / "page.html") == verify_page(folder / "reports" / "S1.html")
    verify(folder / "out")
    assert len(verify_archive(folder / "out" / "S1_publication.zip").files) > 50


def test_the_methods_paragraph_has_the_numbers_of_the_stores(folder, unpacked):
    said = (unpacked / "methods.md").read_text(encoding="utf-8")
    raw, rank, bs = (stored(folder, name) for name in ("raw", "rank", "bs"))
    versions = read_manifest(folder / "results/S1/comparison.zarr").versions
    assert f"eelsunmix {versions['eelsunmix']}" in said
    assert f"numpy {versions['numpy']}" in said
    assert raw.attrs["source"]["sha256"] in said
    assert "13 (y) x 17 (x) pixels, 200 channels of 3.33 eV from 216 eV" in said
    assert "A pixel measures 0.12 nm." in said
    assert f"The number of endmembers is {rank.attrs['n_endmembers']}, set by the user" in said
    assert f"{stored(folder, 'pca').sizes['component']} were kept" in said
    for edge in bs.attrs["edges"].values():
        assert f"(onset {edge['onset_eV']:g}) fitted {edge['fit_eV'][0]:g} to {edge['fit_eV'][1]:g}" in said
        assert f"summed {edge['integrate_eV'][0]:g} to {edge['integrate_eV'][1]:g}" in said
    for label in ("nmf", "vca"):
        fit = stored(folder, f"fit/{label}").attrs
        assert f"seed {fit['seed']}, learned from {fit['n_learning_pixels']} pixels" in said
        assert fit["message"] in said
    for one in stored(folder, "corrected").attrs["corrections"]:
        assert (one["summary"] in said) == one["applied"]
    assert WARNING in said


def test_what_a_file_says_begins_no_paragraph_and_no_tag_of_the_methods():
    hostile = "Titan</b><img src=x>\n\n# Results\u202e [a](b)"
    said = _microscope(SimpleNamespace(about={"microscope": {"microscope": hostile, "time": "12:00"}}))
    assert said == r"The file says: microscope Titan\</b>\<img src=x> # Results \[a\](b)."


def test_the_configuration_is_the_one_that_made_the_results(folder, unpacked):
    own = read_configuration([folder / "SI1.yaml"], must_exist=False).samples["S1"]
    again = read_configuration([unpacked / "configuration.yaml"], must_exist=False).samples["S1"]
    assert again == own


@pytest.mark.parametrize(
    "example", sorted((ROOT / "config" / "examples").glob("*.yaml")), ids=lambda path: path.stem
)
def test_the_configuration_of_every_example_is_written_so_that_it_is_read_the_same(example, tmp_path):
    for name, settings in read_configuration([example], must_exist=False).samples.items():
        sample = SimpleNamespace(name=name, source={}, stores={"bs": xr.Dataset()}, fits={})
        known = json.loads(json.dumps(plain_values(field_values(settings)), sort_keys=True))
        text = configuration_text(SimpleNamespace(sample=sample), known)
        (tmp_path / "again.yaml").write_text(text, encoding="utf-8")
        if settings.fit_on:
            assert f"The models come from the sample {settings.fit_on}" in text
        else:
            assert read_configuration([tmp_path / "again.yaml"], must_exist=False).samples[name] == settings


def test_every_paper_of_a_method_can_be_cited():
    papers = {paper for method in method_names() for paper in references(method)}
    for paper in [*papers, *WORKFLOW, *BACKGROUNDS.values(), LEAST_SQUARES]:
        kind, fields = fields_of(paper)
        assert kind == "article", paper
        assert set(fields) >= {"author", "journal", "volume", "pages", "year"}
        for text in fields.values():
            assert all(part in paper for part in re.split(" and ", text))


def test_bibtex_has_each_paper_once_and_the_software(unpacked):
    found = (unpacked / "references.bib").read_text(encoding="utf-8")
    keys = re.findall(r"@\w+\{([^,]+),", found)
    assert len(keys) == len(set(keys))
    assert keys.count("keenan2004") == 1
    assert {"eelsunmix", "brun2024", "lee1999", "nascimento2005", "heinz2001", "trebbia1988"} <= set(keys)
    assert found.count("{") == found.count("}")


def test_the_software_is_cited_as_its_citation_file_says():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["title"], cited["authors"][0]["name"], cited["license"]) == (TITLE, AUTHOR, LICENCE)


def test_the_crate_names_every_file_and_where_the_image_comes_from(folder, unpacked):
    graph = json.loads((unpacked / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    found = {one["@id"]: one for one in graph}
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    parts = {one["@id"] for one in found["./"]["hasPart"]}
    assert parts == files - {"ro-crate-metadata.json"}
    assert all(found[name]["@type"] == "File" for name in parts)
    assert found["#source"]["identifier"] == f"sha256:{stored(folder, 'raw').attrs['source']['sha256']}"
    assert (
        found["#eelsunmix"]["version"] == read_manifest(folder / "results/S1/bs.zarr").versions["eelsunmix"]
    )
    assert {"name", "description", "license", "datePublished"} <= set(found["./"])
    opened = ROCrate(unpacked)
    assert {one.id for one in opened.data_entities} == parts
    assert opened.dereference("#analysis")["instrument"].id == "#eelsunmix"


def test_the_same_results_make_the_same_maps(folder, unpacked, tmp_path):
    target = export_sample(folder / "results" / "S1", ["tiff", "csv"], to=tmp_path / "again")
    for part in ("tiff", "csv"):
        files = [path for path in (target / part).rglob("*") if path.is_file()]
        assert len(files) > 10
        for path in files:
            assert path.read_bytes() == (unpacked / path.relative_to(target)).read_bytes(), path.name


def test_a_page_of_other_stores_is_refused(folder, tmp_path):
    for part in ("results", "reports"):
        shutil.copytree(folder / part, tmp_path / part)
    page = tmp_path / "reports" / "S1.html"
    page.write_text(page.read_text(encoding="utf-8").replace("nmf", "NMF", 1), encoding="utf-8")
    with pytest.raises(StoreError, match=r"S1\.html: is damaged"):
        export_sample(tmp_path / "results" / "S1", [], to=tmp_path / "out", publication=True)
    page.unlink()
    with pytest.raises(StoreError, match=r"S1\.html: no such page"):
        export_sample(tmp_path / "results" / "S1", [], to=tmp_path / "out", publication=True)
    assert not (tmp_path / "out").exists()


# Damage


@pytest.fixture
def small(tmp_path):
    """A zip of three files, and where each lies in it."""
    contents = {"a/maps.tif": bytes(range(256)) * 9, "methods.md": b"plain text " * 30, "b.json": b"{}"}
    path = tmp_path / "small.zip"
    write_archive(path, contents, seals={"bs": "0f"}, sample="S1")
    return path


def test_the_methods_paragraph_has_what_was_done_to_spectra_and_endmembers():
    fit = {"brightness": "variable", "nuisance": 2, "nuisance_reason": "as above 283 eV", "anchored": True}
    said = list(_treated(fit))
    for word, text in zip(("same counts", "2, as above 283 eV", "own edges"), said, strict=True):
        assert word in text
    assert list(_treated({"brightness": "constant", "nuisance": 0, "anchored": False})) == []
    vacuum = xr.Dataset({"vacuum": (("y", "x"), [[True, False, True]])})
    assert " ".join(_vacuum(SimpleNamespace(stores={"corrected": vacuum}))).startswith("2 pixels without")
    assert list(_vacuum(SimpleNamespace(stores={"corrected": vacuum & False}))) == []


def test_every_flipped_bit_is_found(small):
    content = small.read_bytes()
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        small.write_bytes(flipped)
        with pytest.raises(StoreError) as caught:
            verify_archive(small)
        assert str(caught.value).startswith(f"{small}: ")
        assert len(str(caught.value).splitlines()) == 1


def test_a_flipped_bit_in_a_file_is_named(small):
    with zipfile.ZipFile(small) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
    content = small.read_bytes()
    for name in ("a/maps.tif", "methods.md"):
        flipped = bytearray(content)
        flipped[entries[name].header_offset + 30 + len(name) + entries[name].compress_size // 2] ^= 4
        small.write_bytes(flipped)
        with pytest.raises(StoreError, match=f"{name} is damaged"):
            verify_archive(small)


@pytest.mark.parametrize("length", [0, 10, 300, -1])
def test_a_zip_that_was_cut_is_found(small, length):
    small.write_bytes(small.read_bytes()[:length])
    with pytest.raises(StoreError, match=r"small\.zip: "):
        verify_archive(small)


def test_files_that_were_added_taken_or_exchanged_are_named(small, tmp_path):
    for change, said in (
        (lambda names: {**names, "new.txt": b"x"}, "new.txt does not belong"),
        (
            lambda names: {name: content for name, content in names.items() if name != "b.json"},
            "b.json is missing",
        ),
        (lambda names: {**names, "b.json": b"[]"}, "b.json is damaged"),
    ):
        with zipfile.ZipFile(small) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
            comment = archive.comment
        other = tmp_path / "other.zip"
        with zipfile.ZipFile(other, "w") as archive:
            for name, content in change(contents).items():
                archive.writestr(name, content)
            archive.comment = comment
        with pytest.raises(StoreError, match=said):
            verify_archive(other)


def test_a_bomb_is_not_unpacked(small, tmp_path):
    """A gigabyte of zeros under the name of a small file is read no further than that file is long."""
    with zipfile.ZipFile(small) as archive:
        manifest = archive.read("manifest.json")
    other = tmp_path / "bomb.zip"
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", manifest)
        with archive.open("a/maps.tif", "w") as file:
            for _ in range(40):
                file.write(bytes(2**20))
        archive.writestr("methods.md", b"plain text " * 30)
        archive.writestr("b.json", b"{}")
    with pytest.raises(StoreError, match=r"a/maps\.tif is damaged"):
        verify_archive(other)


def test_a_manifest_without_end_is_not_parsed(tmp_path, monkeypatch):
    """A zip of a few kilobytes may claim any length: JSON takes many times its length of memory."""
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b"[" + b" " * 2**24 + b"]")
    monkeypatch.setattr(archives, "parsed", lambda content: pytest.fail("was parsed"))
    with pytest.raises(StoreError, match=r"large\.zip: manifest\.json is damaged"):
        verify_archive(path)


def _with_entry(small, *, method=None, name=None):
    """Change the method of compression or the name of the second file, where the zip lists its files."""
    content = bytearray(small.read_bytes())
    with zipfile.ZipFile(small) as archive:
        place = content.index(b"PK\x01\x02", archive.start_dir + 4)
        data = archive.infolist()[1].header_offset + 30 + len(archive.namelist()[1])
    if method:
        content[place + 10] = method
        content[data : data + 9] = b"\x09\x04\x05\x00" + b"\xff" * 5
    if name:
        content[place + 8 : place + 10] = (0x800).to_bytes(2, "little")
        content[place + 46 : place + 46 + len(name)] = name
    small.write_bytes(content)


@pytest.mark.parametrize("change", [{"method": zipfile.ZIP_LZMA}, {"name": b"\xff"}])
def test_entries_that_python_cannot_read_are_one_line(small, change):
    _with_entry(small, **change)
    with pytest.raises(StoreError, match=r"small\.zip: .* damaged"):
        verify_archive(small)


def test_a_second_manifest_is_named_though_the_digest_agrees(small):
    with zipfile.ZipFile(small, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("manifest.json", archive.read("manifest.json"))
    _put_digest(small)
    with pytest.raises(StoreError, match=r"manifest\.json does not belong"):
        verify_archive(small)


def test_the_command_verifies_pages_and_calls_nothing_else_damaged(tmp_path):
    page, notes = tmp_path / "S1.html", tmp_path / "notes.txt"
    page.write_text(sealed_page("<title>S1 - eelsunmix</title>", page, seals={}))
    notes.write_text("mine")
    found = CliRunner().invoke(eelsunmix, ["verify", str(page), str(notes)])
    assert f"{page}: 1 file, all in order" in found.output
    assert f"{notes}: is no zip; name a zip, a page" in found.output
    windows = tmp_path / "SI1.windows.html"
    windows.write_text(drawing._CAPTION)
    found = CliRunner().invoke(eelsunmix, ["verify", str(windows)])
    assert found.exit_code == 2
    assert found.output.startswith(f"{windows}: the windows that `eelsunmix new` has drawn")
    notes = notes.rename(tmp_path / "SI1.yaml")
    found = CliRunner().invoke(eelsunmix, ["verify", str(notes)])
    said = f"{notes}: is a configuration; type: eelsunmix verify --configfile {notes}\n"
    assert (found.exit_code, found.output) == (2, said)
    found = CliRunner().invoke(eelsunmix, ["verify", str(notes), str(page)])
    assert found.exit_code == 2
    page.write_bytes(page.read_bytes().replace(b"S1", b"S2", 1))
    found = CliRunner().invoke(eelsunmix, ["verify", str(page), str(notes)])
    assert found.exit_code == 1  # damage counts for more than a slip
    assert f"{page}: is damaged (its checksum differs)" in found.output


def test_the_command_verifies_every_export_in_a_folder(folder, tmp_path):
    """It counted them as no stores, all in order."""
    for name in ("A", "B"):
        shutil.copytree(folder / "out", tmp_path / "exports" / name)
    found = CliRunner().invoke(eelsunmix, ["verify", str(tmp_path / "exports")])
    assert (found.exit_code, found.output.count("all in order")) == (0, 2)
    (tmp_path / "exports" / "B" / "0_README.txt").write_text("mine")
    found = CliRunner().invoke(eelsunmix, ["verify", str(tmp_path / "exports")])
    assert found.exit_code == 1
    assert "exports/B: 0_README.txt is damaged" in found.output


def test_exports_of_before_are_verified_and_replaced(tmp_path):
    """Their files lay in the folders of the formats, beside a README.txt."""
    finished(tmp_path, "measured", page=True)
    out = export_sample(tmp_path / "results" / "S1", ["tiff"], to=tmp_path / "out")
    settings = read_manifest(out).settings
    for path in (path for path in (out / "tiff").rglob("*.tif")):
        path.rename(out / "tiff" / path.name)
    for folder in [path for path in (out / "tiff").iterdir() if path.is_dir()]:
        folder.rmdir()
    (out / "0_README.txt").rename(out / "README.txt")
    (out / "manifest.json").unlink()
    (out / "manifest.json").write_bytes(manifest_of(out, inputs={}, settings=settings).to_json())
    assert CliRunner().invoke(eelsunmix, ["verify", str(out)]).exit_code == 0
    export_sample(tmp_path / "results" / "S1", ["tiff"], to=out)
    assert {path.name for path in out.iterdir()} == {"tiff", "0_README.txt", "manifest.json"}


def test_the_command_verifies_zips_and_folders(folder, tmp_path):
    archive, out = folder / "out" / "S1_publication.zip", folder / "out"
    found = CliRunner().invoke(eelsunmix, ["verify", str(archive), str(out)])
    assert found.exit_code == 0, found.output
    assert found.output.count("all in order") == 2
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    broken = tmp_path / "broken.zip"
    broken.write_bytes(content)
    shutil.copytree(out, tmp_path / "copy")
    (tmp_path / "copy" / "tiff" / "elements" / "S1_Ru_M23_bs.tif").write_bytes(b"II*")
    found = CliRunner().invoke(eelsunmix, ["verify", str(broken), str(tmp_path / "copy"), str(out)])
    assert found.exit_code == 1
    assert re.search(r"broken\.zip: \S+ is damaged", found.output)
    assert "tiff/elements/S1_Ru_M23_bs.tif is damaged" in found.output
    assert f"{out}: " in found.output
    assert "export it again" in found.output
