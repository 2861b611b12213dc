/* The explorer: a pixel or an area of any map -> its spectrum, what BS and the methods make of it, what is left. */
"use strict";
/* The maps of the first screen are pictures, there before the data: a click on one counts once these are. */
document.addEventListener("click", (event) => {
  const frame = event.target.closest && event.target.closest("#answer .frame");
  if (!frame) return;
  const box = frame.getBoundingClientRect();
  const [across, down] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  page.data.then(() => figuresOfPage.explorer && figuresOfPage.explorer.pickPart(across, down, frame));
});
page.data.then((data) => {
  const packed = data.explorer;
  if (!packed) return;
  const map = document.getElementById("explorer-map");
  const plot = document.getElementById("explorer-spectrum");
  const panel = document.getElementById("explorer-panel");
  const where = document.getElementById("explorer-where");
  const backdrop = document.getElementById("explorer-backdrop");
  let content;
  let area;

  /** Unpacked when it is first needed. */
  function known() {
    if (!content) {
      content = page.resolve(data, packed);
      content.energy = Array.from(content.energy);
      const { across, down } = content.pixels;
      area = { left: 0, right: across.size - 1, top: 0, bottom: down.size - 1 };
    }
    return content;
  }

  const clamp = (value, size) => Math.max(0, Math.min(size - 1, value));
  const pixelAt = (axis, value) => clamp(Math.round((value - axis.first) / axis.step), axis.size);

  /** Places of the pixels of the area that have a value, and their number. */
  function pixelsOf({ left, right, top, bottom }) {
    const found = [];
    for (let row = top; row <= bottom; row += 1) {
      for (let column = left; column <= right; column += 1) {
        if (Number.isFinite(content.total[row][column])) found.push([row, column]);
      }
    }
    return found;
  }

  const meanOf = (image, pixels) => {
    let sum = 0;
    let count = 0;
    for (const [row, column] of pixels) {
      const value = image[row][column];
      if (Number.isFinite(value)) {
        sum += value;
        count += 1;
      }
    }
    return count ? sum / count : NaN;
  };

  /** Adds up lines, each times its factor. */
  function mixture(lines, factors) {
    const sum = new Float64Array(content.energy.length);
    lines.forEach((line, k) => {
      if (factors[k]) for (let i = 0; i < sum.length; i += 1) sum[i] += factors[k] * line[i];
    });
    return sum;
  }

  function spectrumOf(pixels) {
    const { spectra } = content;
    if (spectra.score) return mixture(spectra.loading, spectra.score.map((image) => meanOf(image, pixels)));
    const sum = new Float64Array(content.energy.length);
    const columns = content.pixels.across.size;
    for (const [row, column] of pixels) {
      const codes = spectra.codes[row * columns + column];
      for (let i = 0; i < sum.length; i += 1) sum[i] += codes[i];
    }
    return sum.map((value) => (value * spectra.unit) / pixels.length);
  }

  /** Mean over the pixels of each abundance; of shares times what brings the mixture to the counts of the pixel. */
  function amountsOf(method, pixels) {
    if (!method.shares) return method.abundance.map((image) => meanOf(image, pixels));
    method.sums = method.sums || method.endmember.map((line) => line.reduce((sum, value) => sum + value, 0));
    const amounts = method.abundance.map(() => 0);
    for (const [row, column] of pixels) {
      const shares = method.abundance.map((image) => image[row][column] || 0);
      const counts = shares.reduce((sum, share, k) => sum + share * method.sums[k], 0);
      const factor = counts > 0 ? content.total[row][column] / counts / pixels.length : 0;
      shares.forEach((share, k) => (amounts[k] += share * factor));
    }
    return amounts;
  }

  /** Channels whose centre lies in a window; energies are rounded to 32 bits here. */
  function inside([low, high]) {
    const slack = 1e-3 * Math.abs(content.energy[1] - content.energy[0]);
    return content.energy.map((_, i) => i).filter((i) => content.energy[i] >= low - slack && content.energy[i] <= high + slack);
  }

  /** The straight line through the mean counts of the windows below and above a line of X-rays. */
  function straightUnder(edge, spectrum) {
    const mean = (channels, of) => channels.reduce((sum, i) => sum + of(i), 0) / channels.length;
    const windows = [inside(edge.fit), inside(edge.above)];
    const channels = inside([edge.fit[0], edge.above[1]]);
    if (windows.some((one) => !one.length)) return { channels, values: [] };
    const [x0, x1] = windows.map((one) => mean(one, (i) => content.energy[i]));
    const [y0, y1] = windows.map((one) => mean(one, (i) => spectrum[i]));
    return { channels, values: channels.map((i) => y0 + ((y1 - y0) * (content.energy[i] - x0)) / (x1 - x0)) };
  }

  /** The mean background of the pixels from the window of the fit to the end of that of integration. */
  function backgroundOf(edge, pixels) {
    const channels = inside([Math.min(edge.fit[0], edge.integrate[0]), Math.max(edge.fit[1], edge.integrate[1])]);
    const window = inside(edge.integrate);
    if (!channels.length || !window.length) return { channels, values: [] };
    const NODES = 24;
    const nodes = Array.from({ length: NODES }, (_, i) => Math.round((i * (channels.length - 1)) / (NODES - 1)));
    const fitted = inside(edge.fit);
    const pivot = (content.energy[fitted[0]] + content.energy[fitted[fitted.length - 1]]) / 2;
    // The background is exp(-exponent times this), as it was fitted; see eelsunmix.background.models.
    const place = (channel) => (edge.curve === "exponential" ? content.energy[channel] / pivot - 1 : Math.log(content.energy[channel] / pivot));
    const sampled = nodes.map((i) => place(channels[i]));
    // Of many pixels, channels in the middle of blocks stand for the window.
    const block = Math.max(1, Math.floor((window.length * pixels.length) / 500000));
    const inWindow = window.filter((_, i) => i % block === Math.floor(block / 2) || window.length < block).map(place);
    const sums = new Float64Array(NODES);
    let count = 0;
    for (const [row, column] of pixels) {
      const r = edge.exponent[row][column];
      const b = edge.background[row][column];
      if (!Number.isFinite(r) || !Number.isFinite(b)) continue;
      const scale = (b * inWindow.length) / window.length / inWindow.reduce((sum, e) => sum + Math.exp(-r * e), 0);
      sampled.forEach((e, i) => (sums[i] += scale * Math.exp(-r * e)));
      count += 1;
    }
    if (!count) return { channels, values: [] };
    let node = 0;
    const values = channels.map((channel, i) => {
      while (node < NODES - 2 && nodes[node + 1] < i) node += 1;
      const step = nodes[node + 1] - nodes[node];
      const part = step ? (i - nodes[node]) / step : 0;
      return (sums[node] * (1 - part) + sums[node + 1] * part) / count;
    });
    return { channels, values };
  }

  const option = (index) => {
    const input = document.querySelector(`[data-figure="explorer"][data-control="${index}"]:checked`);
    const select = document.querySelector(`select[data-figure="explorer"][data-control="${index}"]`);
    return input ? Number(input.value) : select ? Number(select.value) : 0;
  };

  function traces(pixels) {
    const { energy } = content;
    const shown = content.methods.filter((method) => !figuresOfPage.hidden.has(method.name));
    const spectrum = spectrumOf(pixels);
    const chosen = option(0);
    const edges = content.edges.filter((_, i) => !chosen || i === chosen - 1);
    const line = (x, y, name, style, more) => ({ type: "scatter", mode: "lines", x, y, name, line: style, ...more });
    const found = [line(energy, spectrum, content.spectra.score ? "PCA" : "measured", { color: "#1b1f24", width: 1.2, shape: "hvh" }, {})];
    edges.forEach((edge, i) => {
      const { channels, values } = edge.above ? straightUnder(edge, spectrum) : backgroundOf(edge, pixels);
      found.push(line(channels.map((c) => energy[c]), values, "BS background", { color: "#c2185b", width: 2.2 }, { legendgroup: "BS", showlegend: i === 0 }));
    });
    // The one that the page recommends lies on top of the others.
    for (const method of [...shown].sort((a, b) => (a.name === content.front) - (b.name === content.front))) {
      const model = mixture(method.endmember, amountsOf(method, pixels));
      const noise = Math.sqrt(content.noise / pixels.length);
      const rest = spectrum.map((value, i) => (value - model[i]) / (noise * Math.sqrt(Math.max(model[i], content.noise))));
      const style = { color: method.style.color, dash: method.style.dash, width: 1.6 };
      found.push(line(energy, model, escaped(method.name), style, { legendgroup: method.name }));
      found.push(line(energy, rest, escaped(method.name), { ...style, width: 1 }, { legendgroup: method.name, showlegend: false, yaxis: "y2" }));
    }
    return { found, edges, single: Boolean(chosen) };
  }

  function layoutOf(edges, single, width, several) {
    const axis = (title, more) => ({
      title: { text: title, font: { size: 12 }, standoff: 6 }, ticks: "outside", ticklen: 4, tickfont: { size: 11 },
      tickcolor: "#8a929c", linecolor: "#8a929c", showline: true, mirror: true, gridcolor: "#e9ecef", zeroline: false, ...more,
    });
    const logarithmic = option(1) === 1;
    const low = Math.min(...edges.map((edge) => edge.fit[0]));
    const high = Math.max(...edges.map((edge) => (edge.above || edge.integrate)[1]));
    const room = 0.12 * (high - low);
    const range = single && edges.length ? [low - room, high + room] : [content.energy[0], content.energy[content.energy.length - 1]];
    const shaded = (bounds, fillcolor) => ({
      type: "rect", xref: "x", yref: "y domain", x0: bounds[0], x1: bounds[1], y0: 0, y1: 1, line: { width: 0 }, layer: "below", fillcolor,
    });
    const onsets = edges.filter((edge) => edge.onset).map((edge) => ({
      type: "line", xref: "x", yref: "paper", x0: edge.onset, x1: edge.onset, y0: 0, y1: 1, line: { color: "#8a929c", width: 1, dash: "dot" },
    }));
    // Names of edges stand on up to three lines above the plot, the legend above them, the tool bar above all.
    const free = [-Infinity, -Infinity, -Infinity];
    const inside = edges.filter((edge) => edge.onset >= range[0] && edge.onset <= range[1]).sort((a, b) => a.onset - b.onset);
    const names = inside.flatMap((edge, i) => {
      const height = [i % 2, 1 - (i % 2), 2].find((one) => edge.onset >= free[one]);
      if (height === undefined) return [];
      free[height] = edge.onset + (42 * (range[1] - range[0])) / (width - 84);
      return [{ text: escaped(edge.name), x: edge.onset, y: 1, xref: "x", yref: "paper", yanchor: "bottom", yshift: height * 12, showarrow: false, font: { size: 11, color: "#57606a" } }];
    });
    const entries = ["measured", "BS background", ...content.methods.map((method) => method.name)];
    const lines = Math.ceil((1.15 * entries.reduce((sum, name) => sum + 50 + 6.8 * name.length, 0)) / (width - 84));
    const docked = panel.classList.contains("docked"); // there the table is the legend
    const top = docked ? 72 : 98 + 19 * lines;
    const PLOT = docked ? Math.max(130, 0.46 * window.innerHeight - top - 116) : 350;
    return {
      width, height: PLOT + top + 46, font: { family: "system-ui, sans-serif", size: 12, color: "#1b1f24" },
      paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff", margin: { l: 70, r: 14, t: top, b: 46 },
      legend: { orientation: "h", x: 0, y: 1 + 40 / PLOT, yanchor: "bottom", font: { size: 11 }, bgcolor: "rgba(0,0,0,0)" }, showlegend: !docked,
      hovermode: "x", uirevision: `${option(0)}`,
      xaxis: axis(escaped(content.energy_title), { range, anchor: "y2", mirror: "all" }),
      yaxis: axis(docked ? "counts" : "counts per pixel and channel", { domain: [0.36, 1], type: logarithmic ? "log" : "linear", uirevision: `${option(0)}.${option(1)}`, autorange: true }),
      yaxis2: axis(docked ? "σ" : several ? "residual (σ of mean)" : "residual (σ)", { domain: [0, 0.28], zeroline: true, zerolinecolor: "#6b7480" }),
      shapes: [...onsets, ...(single ? edges.flatMap((edge) => [edge.fit, edge.above].filter(Boolean).map((one) => shaded(one, "rgba(107,116,128,0.16)")).concat([shaded(edge.integrate, "rgba(0,114,178,0.14)")])) : [])],
      annotations: names,
    };
  }

  const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  /** In view only: the counts of the range that is shown set the scale. */
  function ranged(figure) {
    const [low, high] = figure.layout.xaxis.range;
    if (figure.layout.yaxis.type === "log") return figure;
    let bottom = Infinity;
    let top = -Infinity;
    figure.data[0].x.forEach((x, i) => {
      if (x < low || x > high) return;
      bottom = Math.min(bottom, figure.data[0].y[i]);
      top = Math.max(top, figure.data[0].y[i]);
    });
    const room = 0.06 * (top - bottom) || 1;
    figure.layout.yaxis = { ...figure.layout.yaxis, autorange: false, range: [bottom - room, top + 2 * room] };
    return figure;
  }

  function show(paper) {
    known();
    const pixels = pixelsOf(area);
    say(pixels);
    if (!pixels.length) return Promise.resolve();
    const { found, edges, single } = traces(pixels);
    const width = paper ? 940 : plot.clientWidth;
    const figure = looks.dressed(ranged({ data: found, layout: layoutOf(edges, single, width, pixels.length > 1) }), paper);
    tabulate(pixels, paper);
    figuresOfPage.markAll();
    markPictures();
    return figuresOfPage.show(plot, figure);
  }

  const rounded = (value, digits = 4) => (Number.isFinite(value) ? Number(value.toPrecision(digits)).toLocaleString("en").replace(/,/g, "\u202f").replace("-", "−") : "–");

  function decimals(deviation) {
    const places = deviation > 0 ? Math.max(0, Math.min(3, 1 - Math.floor(Math.log10(deviation)))) : 0;
    return { minimumFractionDigits: places, maximumFractionDigits: places };
  }

  function say(pixels) {
    const { across, down, unit } = content.pixels;
    const at = (axis, from, to) => {
      const [first, last] = [axis.first + axis.step * from, axis.first + axis.step * to].map((v) => Number(v.toPrecision(4)));
      return from === to ? `${axis.name} ${first} ${unit}` : `${axis.name} ${first} to ${last} ${unit}`;
    };
    const counts = pixels.length ? `${rounded(meanOf(content.total, pixels))} counts${pixels.length > 1 ? " per pixel" : ""}` : "not used";
    const number = pixels.length === 1 ? "1 pixel" : `${pixels.length} pixels`;
    where.textContent = `${at(across, area.left, area.right)}, ${at(down, area.top, area.bottom)} (${number}): ${counts}.`;
  }

  /** Net counts of each edge here, by BS and by each method. */
  function tabulate(pixels, paper) {
    const table = document.getElementById("explorer-counts");
    const row = (tag, texts, style) => {
      const line = document.createElement("tr");
      texts.forEach((text, i) => {
        const cell = document.createElement(i === 0 ? "th" : tag);
        if (cell.tagName === "TH") cell.scope = tag === "th" ? "col" : "row";
        if (i) cell.className = "number";
        cell.textContent = text;
        if (style && !i) cell.style.setProperty("--line", `${style.dash && style.dash !== "solid" ? "dashed" : "solid"} ${style.color}`);
        line.append(cell);
      });
      return line;
    };
    if (!content.edges.length) return;
    const sds = content.edges.map((edge) => sighting.deviation(edge, pixels, content.pixels.averaged));
    const nets = content.edges.map((edge) => meanOf(edge.net, pixels));
    // Counts have as many decimals as their standard deviation deserves.
    const written = (value, k) => (Number.isFinite(value) ? value.toLocaleString("en", decimals(sds[k])).replace(/,/g, "\u202f").replace(/^-(?=[0.]*$)/, "").replace("-", "−") : "–");
    const head = document.createElement("thead");
    head.append(row("th", ["net counts", ...content.edges.map((edge) => edge.name)]));
    const body = document.createElement("tbody");
    body.append(row("td", ["BS ± 1 sd", ...nets.map((net, k) => `${written(net, k)} ±\u00a0${written(sds[k], k)}`)], { color: "#c2185b" }));
    // Over the whole image, where an element is and where BS overshoots would cancel.
    const whole = figuresOfPage.explorer.box().whole;
    tell(whole ? ["Choose a pixel or an area to be told which edges are seen there."] : content.edges.map((edge, k) => sighting.inWords(edge, nets[k], sds[k], (value) => written(value, k))));
    for (const method of content.methods) {
      if (figuresOfPage.hidden.has(method.name)) continue;
      body.append(row("td", [method.name, ...method.counts.map((image, k) => written(meanOf(image, pixels), k))], looks.dressed({ data: method.style, layout: {} }, paper).data));
    }
    table.replaceChildren(head, body);
  }

  function tell(sentences) {
    const items = sentences.filter(Boolean).map((text) => Object.assign(document.createElement("li"), { textContent: text }));
    document.getElementById("explorer-seen").replaceChildren(...items);
  }

  function drawMap() {
    known();
    const { across, down, unit } = content.pixels;
    const chosen = content.backdrops[Number(backdrop.value)];
    const values = chosen.image.flatMap((line) => Array.from(line)).filter(Number.isFinite).sort((a, b) => a - b);
    const at = (part) => values[Math.min(values.length - 1, Math.floor(part * values.length))] || 0;
    const [cmin, cmax] = (at(0.005) < at(0.995) ? [0.005, 0.995] : [0, 1]).map(at);
    // A map that is not flat would push its spectrum out of view where it stands above it.
    const flat = map.closest(".flat");
    const width = Math.min(map.clientWidth, flat ? Infinity : 560);
    const tick = { ticks: "outside", ticklen: 3, tickfont: { size: 11 }, showgrid: false, zeroline: false, linecolor: "#8a929c", showline: true, mirror: true };
    const span = (axis) => [axis.first - Math.abs(axis.step) / 2, axis.first - Math.abs(axis.step) / 2 + axis.size * Math.abs(axis.step)];
    const layout = {
      width, height: Math.round(Math.max(60, (width - 66) * content.aspect)) + 100,
      margin: { l: 52, r: 14, t: 10, b: 90, autoexpand: false },
      paper_bgcolor: "#ffffff", plot_bgcolor: "#c4c8cd", font: { family: "system-ui, sans-serif", size: 12, color: "#1b1f24" },
      coloraxis: {
        cmin, cmax, colorscale: "Cividis",
        colorbar: { orientation: "h", thickness: 9, x: 0.5, y: 0, yanchor: "top", ypad: 44, xpad: 0, len: 1, tickfont: { size: 10 }, exponentformat: "SI", nticks: 5 },
      },
      xaxis: { ...tick, title: { text: escaped(`${across.name} (${unit})`), standoff: 4 }, range: span(across), nticks: 6 },
      yaxis: { ...tick, title: { text: escaped(`${down.name} (${unit})`), standoff: 4 }, range: span(down).reverse(), nticks: 6 },
      hoverlabel: { font: { size: 11 } }, separators: ".\u202f", meta: { map: true }, dragmode: false, showlegend: false,
    };
    const trace = {
      type: "heatmap", z: chosen.image, x0: across.first, dx: across.step, y0: down.first, dy: down.step, coloraxis: "coloraxis",
      hoverongaps: false, meta: { name: chosen.title, unit: chosen.unit }, hovertemplate: `${escaped(across.name)} %{x:.4~g}, ${escaped(down.name)} %{y:.4~g} ${escaped(unit)}: %{z:,.4~r} ${chosen.unit}<extra></extra>`,
    };
    const figure = looks.dressed({ data: [trace], layout }, false);
    return figuresOfPage.show(map, figure, true).then(() => figuresOfPage.mark(map));
  }

  const drawAll = () => drawMap().then(() => show(false));

  /** Takes the pixels between two corners, in the units of the axes, and shows their spectrum. */
  function pick(first, second, canvas) {
    known();
    const { across, down } = content.pixels;
    const columns = [first.x, second.x].map((x) => pixelAt(across, x)).sort((a, b) => a - b);
    const rows = [first.y, second.y].map((y) => pixelAt(down, y)).sort((a, b) => a - b);
    area = { left: columns[0], right: columns[1], top: rows[0], bottom: rows[1] };
    if (canvas && canvas !== map) dock(canvas);
    return show(false).then(() => canvas && canvas.layout && figuresOfPage.mark(canvas));
  }

  /** Takes the pixel at a place of a map, in parts of its width and height. */
  function pickPart(across, down, frame) {
    known();
    const at = (axis, part) => axis.first + axis.step * Math.floor(part * axis.size);
    const place = { x: at(content.pixels.across, across), y: at(content.pixels.down, down) };
    return pick(place, place, frame);
  }

  /** Frames the chosen pixels on the pictures of the first screen. */
  function markPictures() {
    const { across, down } = content.pixels;
    const percent = (part, axis) => `${(100 * part) / axis.size}%`;
    for (const frame of document.querySelectorAll("#answer .frame")) {
      frame.querySelectorAll(".mark").forEach((box) => box.remove());
      if (figuresOfPage.explorer.box().whole) continue;
      const box = frame.appendChild(document.createElement("div"));
      box.className = "mark";
      Object.assign(box.style, {
        left: percent(area.left, across), width: percent(area.right - area.left + 1, across),
        top: percent(area.top, down), height: percent(area.bottom - area.top + 1, down),
      });
    }
  }

  /** Brings the spectrum to a reader who is far from it, and keeps the map that was clicked in view above it. */
  function dock(clicked) {
    if (!panel.classList.contains("docked")) {
      const box = document.getElementById("figure-explorer").getBoundingClientRect();
      if (box.bottom > 160 && box.top < window.innerHeight - 160) return;
      document.getElementById("explorer-room").style.minHeight = `${panel.offsetHeight}px`;
      panel.classList.add("docked");
    }
    const { top, bottom } = clicked.getBoundingClientRect();
    const hidden = bottom + 24 - 0.54 * window.innerHeight;
    if (hidden > 0) window.scrollBy({ top: Math.min(hidden, Math.max(0, top - 24)), behavior: "instant" });
  }

  function undock() {
    panel.classList.remove("docked");
    document.getElementById("explorer-room").style.minHeight = "";
    show(false);
  }

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  map.addEventListener("keydown", (event) => {
    known();
    const { across, down } = content.pixels;
    if (event.key === "Escape") area = { left: 0, right: across.size - 1, top: 0, bottom: down.size - 1 };
    else if (STEPS[event.key]) {
      const [x, y] = STEPS[event.key];
      if (event.shiftKey) {
        area = { ...area, right: Math.max(area.left, clamp(area.right + x, across.size)), bottom: Math.max(area.top, clamp(area.bottom + y, down.size)) };
      } else {
        const single = area.left === area.right && area.top === area.bottom;
        const from = single ? area : { left: Math.floor((area.left + area.right) / 2), top: Math.floor((area.top + area.bottom) / 2) };
        const to = { x: clamp(from.left + x, across.size), y: clamp(from.top + y, down.size) };
        area = { left: to.x, right: to.x, top: to.y, bottom: to.y };
      }
    } else return;
    event.preventDefault();
    show(false);
  });
  document.getElementById("explorer-close").addEventListener("click", undock);
  backdrop.addEventListener("change", drawMap);

  figuresOfPage.explorer = {
    pick,
    pickPart,
    show,
    drawAll,
    /** The area in the units of the axes, for the marks on maps; undefined before the first choice. */
    box() {
      if (!content) return undefined;
      const { across, down } = content.pixels;
      const edge = (axis, index, side) => axis.first + axis.step * (index + side);
      return {
        x: [edge(across, area.left, -0.5), edge(across, area.right, 0.5)],
        y: [edge(down, area.top, -0.5), edge(down, area.bottom, 0.5)],
        whole: pixelsOf(area).length > 1 && area.left === 0 && area.top === 0 && area.right === across.size - 1 && area.bottom === down.size - 1,
      };
    },
  };
  drawAll();
  page.ready.then(drawAll);
});
