/* Draws the explorer on plain canvases until the plotting library runs: the same figures, without its tools. */
"use strict";
const early = (() => {
  const shown = new WeakMap();
  const INK = { tick: 4, font: "11px system-ui, sans-serif", title: "12px system-ui, sans-serif" };
  const DASHES = { dash: [9, 9], dot: [3, 3], dashdot: [9, 3, 3, 3], longdash: [15, 10], longdashdot: [15, 5, 3, 5] };
  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

  /** Limits of an axis as numbers on it: those of the layout, or of its lines. */
  function rangeOf(figure, key, scaled) {
    if (figure.layout[key].range && !figure.layout[key].autorange) return figure.layout[key].range;
    const name = key.replace("axis", "");
    let [low, high] = [Infinity, -Infinity];
    for (const trace of figure.data.filter((one) => (one.yaxis || "y") === name)) {
      for (const y of trace.y) {
        const value = scaled(y);
        if (!Number.isFinite(value)) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (low > high) return [0, 1];
    const room = 0.055 * (high - low) || 1;
    return [low - room, high + room];
  }

  /** An axis as the library describes its own: places in px from its offset. */
  function axisOf(figure, key) {
    const { layout } = figure;
    const { l, r, t, b } = layout.margin;
    const [first, last] = layout[key].domain || [0, 1];
    const across = key.startsWith("x");
    const room = across ? layout.width - l - r : layout.height - t - b;
    const length = (last - first) * room;
    const log = layout[key].type === "log";
    const scaled = log ? Math.log10 : Number;
    const range = rangeOf(figure, key, scaled);
    const part = (value) => (scaled(value) - range[0]) / (range[1] - range[0]);
    return {
      range, log, across,
      _offset: across ? l + first * room : t + (1 - last) * room,
      _length: length,
      d2p: (value) => length * (across ? part(value) : 1 - part(value)),
      p2d: (place) => range[0] + (range[1] - range[0]) * (across ? place / length : 1 - place / length),
    };
  }

  /** Places of ticks in px from the offset, with their texts. */
  function ticksOf(axis) {
    const [low, high] = [...axis.range].sort((a, b) => a - b);
    const rough = (high - low) / Math.max(2, axis._length / (axis.across ? 70 : 40));
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = axis.log ? Math.max(1, Math.round(rough)) : power * [1, 2, 5, 10].find((one) => one * power >= rough);
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * step; k += 1) {
      const value = axis.log ? 10 ** (k * step) : Number((k * step).toPrecision(12));
      found.push({ at: axis.d2p(value), text: Math.abs(value) >= 10000 ? `${value / 1000}k` : String(value).replace("-", "−") });
    }
    return found;
  }

  function text(pen, words, x, y, style) {
    pen.save();
    Object.assign(pen, { fillStyle: "#57606a", font: INK.font, textAlign: "center", textBaseline: "middle" }, style);
    pen.translate(x, y);
    pen.rotate((style.turn || 0) * Math.PI);
    pen.fillText(exporting.plain(words), 0, 0);
    pen.restore();
  }

  /** Frame, ticks and titles of one panel, whose axes are named as in the layout. */
  function frame(pen, figure, x, y, titled) {
    const { layout } = figure;
    const [right, bottom] = [x._offset + x._length, y._offset + y._length];
    const ink = layout.font.color;
    pen.strokeStyle = "#8a929c";
    pen.lineWidth = 1;
    pen.strokeRect(x._offset, y._offset, x._length, y._length);
    pen.beginPath();
    for (const { at, text: words } of ticksOf(y)) {
      pen.moveTo(x._offset - INK.tick, y._offset + at);
      pen.lineTo(x._offset, y._offset + at);
      text(pen, words, x._offset - INK.tick - 3, y._offset + at, { textAlign: "right", fillStyle: ink });
    }
    for (const { at, text: words } of titled ? ticksOf(x) : []) {
      pen.moveTo(x._offset + at, bottom);
      pen.lineTo(x._offset + at, bottom + INK.tick);
      text(pen, words, x._offset + at, bottom + INK.tick + 8, { fillStyle: ink });
    }
    pen.stroke();
    const title = { font: INK.title, fillStyle: ink };
    text(pen, layout[y.key].title.text, 12, y._offset + y._length / 2, { ...title, turn: -0.5 });
    if (titled) text(pen, layout[x.key].title.text, (x._offset + right) / 2, bottom + 32, title);
  }

  /** Colours of 256 steps, between those that are given. */
  function palette(stops) {
    const strip = document.createElement("canvas");
    Object.assign(strip, { width: 256, height: 1 });
    const pen = strip.getContext("2d");
    const gradient = pen.createLinearGradient(0, 0, 256, 0);
    stops.forEach((colour, i) => gradient.addColorStop(i / (stops.length - 1), colour));
    pen.fillStyle = gradient;
    pen.fillRect(0, 0, 256, 1);
    return { strip, codes: new Uint32Array(pen.getImageData(0, 0, 256, 1).data.buffer) };
  }

  function drawMap(pen, figure, x, y) {
    const { layout, data: [trace] } = figure;
    const { cmin, cmax } = layout.coloraxis;
    const { strip, codes } = palette(layout.meta.colours);
    const [rows, columns] = [trace.z.length, trace.z[0].length];
    const image = document.createElement("canvas");
    Object.assign(image, { width: columns, height: rows });
    const pixels = new ImageData(columns, rows);
    const found = new Uint32Array(pixels.data.buffer);
    trace.z.forEach((line, row) => line.forEach((value, column) => {
      if (isNumber(value)) found[row * columns + column] = codes[Math.max(0, Math.min(255, Math.round((255 * (value - cmin)) / (cmax - cmin))))];
    }));
    image.getContext("2d").putImageData(pixels, 0, 0);
    const ends = (axis, first, step, size) => [first - step / 2, first + (size - 0.5) * step].map((value) => axis._offset + axis.d2p(value));
    const [left, right] = ends(x, trace.x0, trace.dx, columns);
    const [top, bottom] = ends(y, trace.y0, trace.dy, rows);
    pen.fillStyle = layout.plot_bgcolor;
    pen.fillRect(x._offset, y._offset, x._length, y._length);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, left, top, right - left, bottom - top);
    const below = y._offset + y._length + 44;
    pen.drawImage(strip, x._offset, below, x._length, 9);
    [cmin, (cmin + cmax) / 2, cmax].forEach((value, i) =>
      text(pen, String(Number(value.toPrecision(3))), x._offset + (i * x._length) / 2, below + 20, { textAlign: ["left", "center", "right"][i], fillStyle: layout.font.color }));
  }

  function drawLines(pen, figure, x, panels) {
    for (const trace of figure.data) {
      const y = panels[trace.yaxis || "y"];
      pen.save();
      pen.beginPath();
      pen.rect(x._offset, y._offset, x._length, y._length);
      pen.clip();
      pen.beginPath();
      pen.strokeStyle = trace.line.color;
      pen.lineWidth = trace.line.width;
      pen.setLineDash(DASHES[trace.line.dash] || []);
      for (let i = 0; i < trace.x.length; i += 1) {
        const height = y.d2p(trace.y[i]);
        if (Number.isFinite(height)) pen.lineTo(x._offset + x.d2p(trace.x[i]), y._offset + height);
      }
      pen.stroke();
      pen.restore();
    }
  }

  /** Marks and names of edges, and the names of the lines above them. */
  function drawNames(pen, figure, x, top) {
    const { layout } = figure;
    pen.setLineDash([2, 3]);
    for (const shape of layout.shapes.filter((one) => one.type === "line" && one.x0 >= x.range[0] && one.x0 <= x.range[1])) {
      pen.beginPath();
      pen.moveTo(x._offset + x.d2p(shape.x0), top);
      pen.lineTo(x._offset + x.d2p(shape.x0), layout.height - layout.margin.b);
      pen.stroke();
    }
    pen.setLineDash([]);
    for (const name of layout.annotations) text(pen, name.text, x._offset + x.d2p(name.x), top - 7 - name.yshift, { fillStyle: name.font.color });
    if (!layout.showlegend) return;
    let [left, line] = [x._offset, top - 52];
    for (const trace of figure.data.filter((one, i, all) => one.showlegend !== false && all.findIndex((other) => other.name === one.name) === i)) {
      const width = 42 + pen.measureText(trace.name).width;
      if (left + width > layout.width) [left, line] = [x._offset, line - 19];
      pen.fillStyle = trace.line.color;
      pen.fillRect(left, line - 1, 26, 2);
      text(pen, trace.name, left + 31, line, { textAlign: "left", fillStyle: layout.font.color });
      left += width + 8;
    }
  }

  /** Shows a figure, one map or the lines of a spectrum, in place of the one before. */
  function draw(box, data, layout) {
    const figure = { data, layout };
    const axes = Object.fromEntries(Object.keys(layout).filter((key) => /^[xy]axis/.test(key)).map((key) => [key, { ...axisOf(figure, key), key }]));
    const canvas = box.querySelector("canvas.early") || box.appendChild(document.createElement("canvas"));
    const sharp = window.devicePixelRatio || 1;
    canvas.className = "early";
    box.style.minHeight = `${layout.height}px`;
    Object.assign(canvas, { width: layout.width * sharp, height: layout.height * sharp });
    Object.assign(canvas.style, { width: `${layout.width}px`, height: `${layout.height}px` });
    const pen = canvas.getContext("2d");
    pen.scale(sharp, sharp);
    pen.fillStyle = layout.paper_bgcolor;
    pen.fillRect(0, 0, layout.width, layout.height);
    const { xaxis: x, yaxis: y, yaxis2: below } = axes;
    if (layout.meta && layout.meta.map) drawMap(pen, figure, x, y);
    else drawLines(pen, figure, x, { y, y2: below });
    frame(pen, figure, x, y, !below);
    if (below) frame(pen, figure, x, below, true);
    if (layout.shapes) drawNames(pen, figure, x, y._offset);
    shown.set(box, { data, layout, full: { dragmode: layout.dragmode, ...axes } });
  }

  /** Leaves the place to the library. */
  function leave(box) {
    if (!shown.delete(box)) return;
    box.style.minHeight = "";
    box.querySelectorAll("canvas.early").forEach((canvas) => canvas.remove());
  }

  return { draw, leave, shown: (box) => shown.get(box) };
})();
