/* Figures leave the page as PNG, SVG and CSV under names that tell what they are. */
"use strict";
const exporting = (() => {
  const clean = (text) => text.trim().replace(/[^\p{L}\p{N}.+-]+/gu, "_").replace(/^_+|_+$/g, "");

  /** Sample, chosen edge, figure; or the only method shown instead of the figure. */
  function fileName(canvas, hidden) {
    const sample = document.querySelector("nav .sample").textContent;
    const figure = canvas.dataset.plot || canvas.id;
    const parts = [...document.querySelectorAll(`[data-figure="${canvas.dataset.plot || "explorer"}"]:checked`)];
    const edge = parts
      .filter((input) => input.closest(".control").dataset.label === "Edge")
      .map((input) => input.nextElementSibling.textContent);
    const methods = new Set(canvas.data.map((trace) => trace.meta && trace.meta.method).filter((name) => name));
    const shown = [...methods].filter((name) => !hidden.has(name));
    const single = shown.length === 1 ? shown : [];
    return [sample, ...edge.filter((name) => name !== "all"), figure, ...single].map(clean).join("_");
  }

  function picture(canvas, format, hidden) {
    return Plotly.downloadImage(canvas, {
      format, scale: format === "png" ? 3 : 1, filename: fileName(canvas, hidden),
      width: canvas.clientWidth, height: canvas._fullLayout.height,
    });
  }

  const quoted = (value) => {
    const text = value === null || value === undefined || Number.isNaN(value) ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  const SIGNS = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
  const plain = (text) => String(text).replace(/<[^>]*>/g, "").replace(/&(lt|gt|amp);/g, (sign) => SIGNS[sign]);

  /** Maps: one row for each pixel, one column for each map. */
  function tableOfMaps(canvas, traces) {
    const [first] = traces;
    const names = ["xaxis", "yaxis"].map((axis) => titleOf(canvas, axis));
    const rows = [[...names, ...traces.map((trace) => nameOf(canvas, trace))]];
    first.z.forEach((line, row) =>
      Array.from(line).forEach((_, column) => {
        const place = [first.x0 + column * first.dx, first.y0 + row * first.dy];
        rows.push([...place.map((value) => Number(value.toPrecision(7))), ...traces.map((trace) => trace.z[row][column])]);
      }),
    );
    return rows;
  }

  function titleOf(canvas, kind) {
    const keys = Object.keys(canvas.layout).filter((key) => key.startsWith(kind));
    return plain(keys.map((key) => (canvas.layout[key].title || {}).text).find((text) => text) || kind[0]);
  }

  /** What the texts above a map and left of its row say. */
  function nameOf(canvas, trace) {
    const name = plain((trace.meta && trace.meta.name) || trace.name || "");
    const unit = trace.meta && trace.meta.unit;
    return unit ? `${name} (${plain(unit)})` : name;
  }

  /** Lines and bars: one row for each point. */
  function tableOfLines(canvas, traces) {
    const rows = [["panel", "series", titleOf(canvas, "xaxis"), titleOf(canvas, "yaxis")]];
    for (const trace of traces) {
      const panel = panelTitle(canvas, trace);
      Array.from(trace.y || []).forEach((y, i) => rows.push([panel, plain(trace.name || ""), trace.x ? trace.x[i] : i, y]));
    }
    return rows;
  }

  function panelTitle(canvas, trace) {
    const reference = `${trace.xaxis || "x"} domain`;
    const found = (canvas.layout.annotations || []).find((item) => item.xref === reference && item.text.includes("<b>"));
    return found ? plain(found.text) : "";
  }

  function numbers(canvas) {
    const shown = canvas.data.filter((trace) => trace.visible !== false);
    const maps = shown.filter((trace) => trace.type === "heatmap" && "x0" in trace);
    const lines = shown.filter((trace) => trace.type !== "heatmap" && trace.hoverinfo !== "skip");
    const matrices = shown.filter((trace) => trace.type === "heatmap" && !("x0" in trace));
    if (maps.length) return tableOfMaps(canvas, maps);
    if (matrices.length) return matrices.flatMap((one) => [[nameOf(canvas, one), ...one.x], ...one.z.map((row, i) => [one.y[i], ...row])]);
    return tableOfLines(canvas, lines);
  }

  const csv = (canvas) => numbers(canvas).map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";

  function save(canvas, hidden) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(canvas)], { type: "text/csv" }));
    link.download = `${fileName(canvas, hidden)}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  return { fileName, picture, csv, save, plain };
})();
