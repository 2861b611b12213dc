"""Use eelsunmix as a wheel installs it: a small scene up to its page; what is refused without PyTorch."""

import importlib.metadata
import importlib.util
import sys
from pathlib import Path

import eelsunmix as eu
from eelsunmix.edges import Edge
from eelsunmix.errors import InputError
from eelsunmix.report import write_report
from eelsunmix.storage import installed_versions

FILES = ("py.typed", "examples.json")
KINDS = (".html", ".css", ".js", ".csv")
WORKFLOW = ("workflow/Snakefile", "rules/unmix.smk", "profiles/default/config.yaml", "examples/demo.yaml")


def main() -> None:
    """Raise AssertionError at the first thing that is not as promised."""
    for absent in ("torch", "snakemake", "distributed"):
        assert importlib.util.find_spec(absent) is None, f"{absent} is installed: this shows nothing"
    files = [str(file) for file in importlib.metadata.files("eelsunmix")]
    for ending in (*FILES, *KINDS, *WORKFLOW, "licenses/LICENSE"):
        assert any(file.endswith(ending) for file in files), f"the wheel has no {ending}"

    write_page(Path("page.html"))
    assert "</html>" in Path("page.html").read_text(encoding="utf-8")

    scene = eu.synthetic.multilayer(shape=(10, 31), counts=2000.0, seed=1)
    for method in ("daeu", "mtaeu", "cnnaeu"):
        try:
            eu.unmix(scene.spectrum_image, method, n_endmembers=3)
        except InputError as error:
            assert str(error).endswith("pip install 'eelsunmix[networks]'"), error
            assert "\n" not in str(error)
        else:
            raise AssertionError(f"{method} ran without PyTorch")
    sys.stdout.write(f"eelsunmix {importlib.metadata.version('eelsunmix')} works alone\n")


def write_page(path: Path) -> None:
    """Take a simulated scene through every stage, to its report."""
    raw = eu.synthetic.multilayer(shape=(10, 31), counts=2000.0, seed=1).to_dataset()
    corrected = eu.correct_image(raw.counts)
    image = corrected.counts
    pca = eu.denoise(image)
    rank = eu.estimate_endmembers(image, pca)
    edges = {"Ru_M23": Edge(element="Ru", onset_eV=461.0, fit_eV=(400.0, 455.0), integrate_eV=(458.0, 500.0))}
    bs = eu.subtract_background(image, edges)
    fits = {name: eu.fit(image, name, n_endmembers=3, seed=0) for name in ("nmf", "vca", "ica")}
    maps = {name: eu.apply(model, image) for name, model in fits.items()}
    eu.publish(maps["vca"], "vca.zarr")
    assert eu.open_store("vca.zarr").abundance.sizes["endmember"] == 3
    comparison = eu.compare(image, bs, fits, maps, edges=edges, truth=raw)
    stores = {"raw": raw, "corrected": corrected, "pca": pca, "rank": rank, "bs": bs}
    write_report(
        path,
        sample="A",
        stores=stores | {"comparison": comparison},
        fits=fits,
        maps=maps,
        benchmarks=[],
        settings={},
        seals={},
        versions=installed_versions(),
    )


if __name__ == "__main__":
    main()
