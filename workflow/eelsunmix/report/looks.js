/* How plots look: on light ground, on dark ground, on paper; colours and contrast of maps, as the reader chose. */
"use strict";
const looks = (() => {
  const DARK = {
    "#ffffff": "#171a1f", "#1b1f24": "#e4e8ec", "#e9ecef": "#2b3036", "#4a525b": "#aab3bc", "#57606a": "#aab3bc",
    "#3b424a": "#14171a", "#6b7480": "#98a2ad", "#332288": "#9a8be8", "#0072B2": "#4aa8e0", "#a8adb4": "#7d858e",
    "#882255": "#cf6a9d", "#117733": "#3fa864", "#5F5F5F": "#9a9a9a", "#9A3A9A": "#c678c6",
    "rgba(255,255,255,0.8)": "rgba(23,26,31,0.8)", "rgba(27,31,36,0.16)": "rgba(228,232,236,0.18)",
  };
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = { ground: "", map: document.querySelector("[data-look=map]").value, contrast: 1 };

  const isDark = () => (chosen.ground ? chosen.ground === "dark" : system.matches);

  function recoloured(tree) {
    if (typeof tree === "string") return DARK[tree] || tree;
    if (Array.isArray(tree)) return typeof tree[0] === "number" ? tree : tree.map(recoloured);
    if (tree === null || typeof tree !== "object" || ArrayBuffer.isView(tree)) return tree;
    return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, recoloured(item)]));
  }

  /** Makes the colour axes as chosen: signed scales keep their colours, and both follow the contrast. */
  function withColours(layout) {
    const next = { ...layout };
    for (const key of Object.keys(layout).filter((name) => name.startsWith("coloraxis"))) {
      const { cmin, cmax, colorscale } = layout[key];
      const stops = chosen.map.split(" ").map((colour, i, all) => [i / (all.length - 1), colour]);
      const middle = cmin < 0 && typeof colorscale !== "string" ? (cmin + cmax) / 2 : cmin;
      next[key] = {
        ...layout[key],
        colorscale: typeof colorscale === "string" ? stops : colorscale,
        cmin: middle + (cmin - middle) / chosen.contrast,
        cmax: middle + (cmax - middle) / chosen.contrast,
      };
    }
    return next;
  }

  function dressed(figure, paper) {
    const { data, layout } = { data: figure.data, layout: withColours(figure.layout) };
    if (paper || !isDark()) return { data, layout };
    // The ground of maps stays: it shows pixels without a value.
    return { data: recoloured(data), layout: recoloured(layout) };
  }

  function apply() {
    document.documentElement.dataset.ground = isDark() ? "dark" : "light";
  }
  apply();

  /** On narrow pages the settings are folded away: the answer comes first. */
  const narrow = window.matchMedia("(max-width: 760px)");
  const fold = () => (document.getElementById("settings").open = !narrow.matches);
  narrow.addEventListener("change", fold);
  fold();

  /** What scrolls sideways can be reached, and so scrolled, with the keyboard. */
  function reach() {
    for (const box of document.querySelectorAll(".scroll, figure.plot")) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }
  return { chosen, dressed, apply, reach, isDark, system };
})();
