"""Judge the project's own bars and the paper's conclusions on the stores of the benchmark.

Run ``python benchmarks/bars.py [results/benchmark]`` after ``snakemake benchmark``.
"""

import sys
from pathlib import Path

from eelsunmix.benchmark.results import collect
from eelsunmix.storage import open_store
from paper_claims import claims, sentences
from project_bars import as_lines, bars


def main() -> None:
    """Read every store below a folder, and judge."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results/benchmark")
    stores = sorted(folder.glob("*/*/*.zarr"))
    if not stores:
        sys.exit(f"{folder}: no store of the benchmark; run `snakemake --cores all benchmark` first")
    results = collect(map(open_store, stores))
    found = claims(results)
    print(*as_lines(bars(results)), "", *sentences(found), "", sep="\n")
    for claim in found:
        print(
            f"{claim.scene} {claim.counts:g} {claim.setting}: {claim.text}: {claim.holds}. {claim.evidence}"
        )
    for place in results.places:
        for label in results.labels:
            for reason, count in results.failures(place, label).items():
                print(f"{place[0]} {place[1]:g} {label}: failed on {count} images: {reason}")


if __name__ == "__main__":
    main()
