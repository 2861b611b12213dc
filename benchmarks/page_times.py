"""When a page is there, by its own clock: what is measured is the middle of some runs, pages in turn.

    python benchmarks/page_times.py RUNS PAGE...

Of the first screen the maps; of the explorer the map, its spectrum, and the spectrum of a pixel that is
clicked as soon as the map is there; the plotting library; and the end of all plots.  Other work on the
machine counts too.
"""

import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import Page

WATCH = """
window.seen = {};
const PLACES = {
  picture: "#answer .frame img",
  map: "#explorer-map :is(canvas.early, .heatmaplayer image)",
  spectrum: "#explorer-spectrum :is(canvas.early, .scatterlayer path)",
};
function click(map) {
  const box = map.getBoundingClientRect();
  const at = { clientX: box.left + 0.5 * box.width, clientY: box.top + 0.3 * box.height };
  for (const kind of ["pointerdown", "pointerup"]) {
    map.dispatchEvent(new PointerEvent(kind, { ...at, bubbles: true, button: 0 }));
  }
}
function look() {
  const now = performance.now();
  for (const [name, place] of Object.entries(PLACES)) {
    const found = seen[name] ? null : document.querySelector(place);
    if (!found) continue;
    seen[name] = now;
    if (name === "map") setTimeout(() => click(found));
  }
  const said = document.querySelector("#explorer-where");
  if (!seen.clicked && said && said.textContent.includes("(1 pixel)")) {
    seen.clicked = -1;
    requestAnimationFrame(() => setTimeout(() => { seen.clicked = performance.now(); }));
  }
  if (!seen.library && window.Plotly) seen.library = now;
  if (!seen.all && document.documentElement.dataset.ready === "true") seen.all = now;
}
new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true });
"""
NAMES = ("picture", "map", "spectrum", "clicked", "library", "all")


def times_of(path):
    """Seconds from the begin of loading."""
    with Page(path, width=1400, height=1000, before=WATCH) as page:
        page.wait_for("seen.all && seen.clicked > 0", seconds=300)
        assert page.problems == []
        return {name: page.evaluate(f"seen.{name}") / 1000 for name in NAMES}


def main(runs, paths):
    """Print the times of all runs, and their medians."""
    found = {path: [] for path in paths}
    for _ in range(runs):
        for path in paths:
            found[path].append(times_of(path))
            print(f"load {os.getloadavg()[0]:.1f}", written(found[path][-1]), path, flush=True)
    for path in paths:
        print(
            "median",
            written({name: statistics.median(one[name] for one in found[path]) for name in NAMES}),
            path,
        )


def written(times):
    """Names and seconds on one line."""
    return "  ".join(f"{name} {seconds:.2f}" for name, seconds in times.items())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
