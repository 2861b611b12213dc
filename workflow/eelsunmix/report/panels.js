/* Lays the panels of a figure out anew where some are hidden, so that no hole is left. Counts in px. */
"use strict";
const panels = (() => {
  const axisKey = (letter, index) => `${letter}axis${index ? index + 1 : ""}`;
  const axisName = (letter, index) => `${letter}${index ? index + 1 : ""}`;

  /** Rows or columns that are hidden as a whole vanish; other holes are filled by what follows. */
  function places(grid, hidden) {
    const all = grid.methods.map((method, index) => index);
    const shown = all.filter((index) => !hidden.has(grid.methods[index]));
    const row = (index) => Math.floor(index / grid.columns);
    const column = (index) => index % grid.columns;
    const rows = [...new Set(shown.map(row))];
    const columns = [...new Set(shown.map(column))].sort((a, b) => a - b);
    const whole = all.every((i) => !rows.includes(row(i)) || !columns.includes(column(i)) || shown.includes(i));
    return new Map(
      shown.map((index, i) => [
        index,
        whole && grid.titled
          ? [rows.indexOf(row(index)), columns.indexOf(column(index))]
          : [Math.floor(i / grid.columns), i % grid.columns],
      ]),
    );
  }

  function moved(figure, hidden) {
    const { layout } = figure;
    const grid = layout.meta && layout.meta.grid;
    if (!grid || !grid.methods.some((method) => hidden.has(method))) return figure;
    const place = places(grid, hidden);
    if (!place.size) return figure;
    const rows = 1 + Math.max(...[...place.values()].map(([row]) => row));
    const oldHeight = layout.meta.plot;
    const height = rows * grid.height + (rows - 1) * grid.gapY;
    const width = grid.columns * grid.width + (grid.columns - 1) * grid.gapX;
    const box = ([row, column]) => {
      const left = (column * (grid.width + grid.gapX)) / width;
      const top = 1 - (row * (grid.height + grid.gapY)) / height;
      return { x: [left, Math.min(1, left + grid.width / width)], y: [Math.max(0, top - grid.height / height), top] };
    };
    const next = { ...layout, meta: { ...layout.meta, plot: height }, height: layout.height - oldHeight + height };
    // Legends stand a number of px above the panels.
    if (next.legend) next.legend = { ...next.legend, y: 1 + ((next.legend.y - 1) * oldHeight) / height };
    moveAxes(next, grid, place, box);
    moveTexts(next, grid, place);
    moveBars(next, figure.data, grid, place, box, { oldHeight, height, width });
    const data = figure.data.filter((trace) => place.has(panelOf(trace)));
    return { data, layout: next };
  }

  function panelOf(trace) {
    return Number((trace.xaxis || "x").slice(1) || 1) - 1;
  }

  function moveAxes(layout, grid, place, box) {
    const title = (letter) =>
      grid.methods.map((_, i) => layout[axisKey(letter, i)].title.text).find((text) => text) || "";
    const titles = { x: title("x"), y: title("y") };
    const ticked = (letter) => grid.methods.some((_, i) => layout[axisKey(letter, i)].showticklabels !== false);
    const ticks = { x: ticked("x"), y: ticked("y") };
    const taken = new Set([...place.values()].map(([row, column]) => `${row},${column}`));
    grid.methods.forEach((_, index) => {
      const where = place.get(index);
      for (const letter of "xy") {
        const key = axisKey(letter, index);
        if (!where) {
          // The other axes zoom with the first one, which has to stay.
          if (index) delete layout[key];
          else layout[key] = { ...layout[key], visible: false, domain: [0, 0.001] };
          continue;
        }
        const outer = letter === "x" ? !taken.has(`${where[0] + 1},${where[1]}`) : where[1] === 0;
        const one = { ...layout[key], domain: box(where)[letter] };
        one.title = { ...one.title, text: outer ? titles[letter] : "" };
        if ("showticklabels" in one) one.showticklabels = outer && ticks[letter];
        layout[key] = one;
      }
    });
  }

  /** Texts and shapes of hidden panels go; those of a whole row, column or figure go to the first one shown. */
  function moveTexts(layout, grid, place) {
    const shown = [...place.keys()].sort((a, b) => a - b);
    const index = (reference) => Number(/^[xy](\d*)/.exec(reference)[1] || 1) - 1;
    const target = (item) => {
      const panel = index(item.xref);
      if (place.has(panel) && item.name !== "column") return panel;
      if (item.name === "column") return shown.find((i) => i % grid.columns === panel % grid.columns);
      if (item.name === "first") return shown[0];
      return undefined;
    };
    for (const list of ["annotations", "shapes"]) {
      layout[list] = (layout[list] || []).flatMap((item) => {
        if (!/^[xy]\d*( domain)?$/.test(item.xref)) return [item];
        const panel = target(item);
        if (panel === undefined) return [];
        const suffix = (reference) => (reference.includes("domain") ? " domain" : "");
        const xref = axisName("x", panel) + suffix(item.xref);
        return [{ ...item, xref, yref: axisName("y", panel) + suffix(item.yref) }];
      });
    }
  }

  function moveBars(layout, data, grid, place, box, size) {
    const last = Math.max(...[...place.values()].map(([, column]) => column));
    const right = (column) => (column * (grid.width + grid.gapX) + grid.width) / size.width;
    for (const key of Object.keys(layout).filter((name) => name.startsWith("coloraxis"))) {
      const users = data.filter((trace) => trace.coloraxis === key).map(panelOf);
      const user = users.find((panel) => place.has(panel));
      const bar = layout[key].colorbar;
      if (user === undefined || !bar) {
        layout[key] = { ...layout[key], showscale: false };
        continue;
      }
      const { x, y } = box(place.get(user));
      const beside = { y: y[0], len: y[1] - y[0] };
      const found = {
        tile: { ...beside, x: x[1] + 7 / size.width },
        row: { ...beside, x: right(last) + 7 / size.width },
        column: { x: x[0], len: x[1] - x[0], y: (bar.y * size.oldHeight) / size.height },
        figure: { x: right(last) + 12 / size.width, len: Math.min(1, (bar.len * size.oldHeight) / size.height) },
      };
      layout[key] = { ...layout[key], colorbar: { ...bar, ...found[grid.bars] } };
    }
  }

  return { moved };
})();
