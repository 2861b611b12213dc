/* Draws the explorer on plain canvases until the plotting library runs: its maps, lines, windows and
 * edges, without grid, tools, and dashes in the legend. */
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
    const values = figure.data.filter((one) => (one.yaxis || "y") === name).flatMap((one) => Array.from(one.y, (y) => scaled(y))).filter(isNumber);
    if (!values.length) return [0, 1];
    const [low, high] = [Math.min, Math.max].map((end) => values.reduce((a, b) => end(a, b)));
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

  /** Round numbers between two, about as many as wanted. */
  function evenly(low, high, wanted) {
    const rough = (high - low) / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((one) => one * power >= rough);
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * step; k += 1) found.push(Number((k * step).toPrecision(12)));
    return found;
  }

  /** Numbers at ticks; of logarithms round numbers within a decade, else powers of ten, of a few decades with 2 and 5. */
  function numbersOn({ range, log, across, _length }) {
    const [low, high] = [...range].sort((a, b) => a - b);
    const wanted = Math.max(2, _length / (across ? 70 : 40));
    if (!log) return evenly(low, high, wanted);
    if (high - low < 1) return evenly(10 ** low, 10 ** high, wanted);
    const first = Math.floor(low);
    const parts = high - low < 3 ? [1, 2, 5] : [1];
    const found = evenly(first, high, Math.min(wanted, high - first)).flatMap((k) => parts.map((part) => Number((part * 10 ** k).toPrecision(1))));
    return found.filter((value) => value >= 10 ** low && value <= 10 ** high);
  }

  const written = (value) => (Math.abs(value) >= 10000 ? `${value / 1000}k` : String(value).replace("-", "−"));
  const ticksOf = (axis) => numbersOn(axis).map((value) => ({ at: axis.d2p(value), text: written(value) }));

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

  /** Colours of 256 steps, between the stops of a scale. */
  function palette(stops) {
    const strip = document.createElement("canvas");
    Object.assign(strip, { width: 256, height: 1 });
    const pen = strip.getContext("2d");
    const gradient = pen.createLinearGradient(0, 0, 256, 0);
    stops.forEach(([at, colour]) => gradient.addColorStop(at, colour));
    pen.fillStyle = gradient;
    pen.fillRect(0, 0, 256, 1);
    return { strip, codes: new Uint32Array(pen.getImageData(0, 0, 256, 1).data.buffer) };
  }

  function drawMap(pen, figure, x, y) {
    const { layout, data: [trace] } = figure;
    const { cmin, cmax } = layout.coloraxis;
    const part = (value) => (cmax > cmin ? (value - cmin) / (cmax - cmin) : 0.5);
    const { strip, codes } = palette(layout.coloraxis.colorscale);
    const [rows, columns] = [trace.z.length, trace.z[0].length];
    const image = document.createElement("canvas");
    Object.assign(image, { width: columns, height: rows });
    const pixels = new ImageData(columns, rows);
    const found = new Uint32Array(pixels.data.buffer);
    trace.z.forEach((line, row) => line.forEach((value, column) => {
      if (isNumber(value)) found[row * columns + column] = codes[Math.max(0, Math.min(255, Math.round(255 * part(value))))];
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
    [...new Set([cmin, (cmin + cmax) / 2, cmax])].forEach((value, i) =>
      text(pen, String(Number(value.toPrecision(3))), x._offset + (i * x._length) / 2, below + 20, { textAlign: ["left", "center", "right"][i], fillStyle: layout.font.color }));
  }

  /** Goes along a line: a gap where it has no value, to the floor where it has no logarithm. */
  function follow(pen, trace, x, y) {
    let last = null;
    for (let i = 0; i < trace.x.length; i += 1) {
      const value = trace.y[i];
      const at = [x._offset + x.d2p(trace.x[i]), y._offset + (y.log && value <= 0 ? 2 * y._length : y.d2p(value))];
      if (last && trace.line.shape === "hvh") [last[1], at[1]].forEach((height) => pen.lineTo((last[0] + at[0]) / 2, height));
      if (last) pen.lineTo(...at);
      else pen.moveTo(...at);
      last = Number.isFinite(at[1]) ? at : null;
    }
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
      follow(pen, trace, x, y);
      pen.stroke();
      pen.restore();
    }
  }

  /** Windows of the chosen edge, and the line at which nothing is left. */
  function drawGround(pen, { layout }, x, y, below) {
    for (const shape of layout.shapes.filter((one) => one.type === "rect")) {
      const [left, right] = [shape.x0, shape.x1].map((value) => Math.max(0, Math.min(x._length, x.d2p(value))));
      pen.fillStyle = shape.fillcolor;
      pen.fillRect(x._offset + left, y._offset, right - left, y._length);
    }
    const zero = below.d2p(0);
    pen.fillStyle = layout[below.key].zerolinecolor;
    if (zero >= 0 && zero <= below._length) pen.fillRect(x._offset, Math.floor(below._offset + zero), x._length, 1);
  }

  /** Marks and names of edges, and the names of the lines above them. */
  function drawNames(pen, figure, x, top) {
    const { layout } = figure;
    pen.save();
    pen.setLineDash([2, 3]);
    for (const shape of layout.shapes.filter((one) => one.type === "line" && one.x0 >= x.range[0] && one.x0 <= x.range[1])) {
      pen.beginPath();
      pen.moveTo(x._offset + x.d2p(shape.x0), top);
      pen.lineTo(x._offset + x.d2p(shape.x0), layout.height - layout.margin.b);
      pen.stroke();
    }
    pen.restore();
    for (const name of layout.annotations) text(pen, name.text, x._offset + x.d2p(name.x), top - 7 - name.yshift, { fillStyle: name.font.color });
    if (!layout.showlegend) return;
    pen.font = INK.font;
    let [left, line] = [x._offset, top - 52];
    for (const trace of figure.data.filter((one, i, all) => one.showlegend !== false && all.findIndex((other) => other.name === one.name) === i)) {
      const width = 42 + pen.measureText(exporting.plain(trace.name)).width;
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
    else {
      drawGround(pen, figure, x, y, below);
      drawLines(pen, figure, x, { y, y2: below });
    }
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
