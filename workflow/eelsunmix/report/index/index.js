/* The table of samples: sorted by its headings, narrowed by words and lights, on light or dark ground. */
"use strict";
(() => {
  const table = document.getElementById("samples");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...body.rows];
  const [find, only, ground, state] = ["find", "only", "ground", "state"].map((id) => document.getElementById(id));
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  let order = "";

  function lightOrDark() {
    const dark = ground.value ? ground.value === "dark" : system.matches;
    document.documentElement.dataset.ground = dark ? "dark" : "light";
  }

  function tell() {
    const shown = rows.filter((row) => !row.hidden).length;
    const all = `${rows.length} sample${rows.length === 1 ? "" : "s"}`;
    state.textContent = (shown === rows.length ? all : `${shown} of ${all}`) + order;
    document.getElementById("none").hidden = shown > 0;
  }

  function narrow() {
    const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const fits = wanted.every((word) => texts.get(row).includes(word));
      row.hidden = !fits || (only.value !== "" && row.dataset.light !== only.value);
    }
    tell();
  }

  /** Numbers and words in their order; what has no value comes last either way. */
  function sort(column) {
    const head = heads[column];
    const down = head.getAttribute("aria-sort") === "ascending";
    const numeric = head.classList.contains("number") || head.dataset.key === "light";
    const value = (row) => row.cells[column]?.dataset.value ?? "";
    const compare = (one, other) => {
      const [a, b] = [value(one), value(other)];
      if (a === "" || b === "") return (a === "") - (b === "");
      return (down ? -1 : 1) * (numeric ? a - b : words.compare(a, b));
    };
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...[...rows].sort(compare));
    order = `, sorted by ${head.textContent.trim()}, ${down ? "descending" : "ascending"}`;
    tell();
  }

  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => sort(column)));
  find.addEventListener("input", narrow);
  only.addEventListener("change", narrow);
  ground.addEventListener("change", lightOrDark);
  system.addEventListener("change", lightOrDark);
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  document.body.dataset.live = "";
  lightOrDark();
  narrow();
})();
