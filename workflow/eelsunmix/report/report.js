/* Draws the figures of the page and lets its controls choose among their variants. Knows nothing of their content. */
"use strict";
const figuresOfPage = { hidden: new Set(), explorer: null };
page.data.then((data) => {
  const { figures } = data;
  const { hidden } = figuresOfPage;
  const drawn = new Set();
  const zooms = new Map();
  /** Width at which plots are drawn for paper; the style sheet scales them down. */
  const PAPER_WIDTH = 960;
  /** How much the style sheet scales plots for paper, and what then fits on a page. */
  const PAPER_ZOOM = 0.715;
  const PAPER_HEIGHT = 960 / PAPER_ZOOM;
  let areas = true;

  const SHAPES = {
    picture: "M80 180h840v640h-840zM160 260v480h680v-480zM200 700l200-260 150 180 90-100 160 180z",
    drawing: "M120 860l90-260 480-480 170 170-480 480zM250 640l90 90 400-400-90-90z",
    rows: "M100 150h800v120h-800zM100 440h800v120h-800zM100 730h800v120h-800z",
    frame: "M100 100h800v800h-800zM220 220v560h560v-560z",
  };
  const icon = (shape) => ({ width: 1000, height: 1000, path: SHAPES[shape] });

  const configs = new WeakMap();

  /** One object for each canvas: where two redraws of it overlap and differ in theirs, plotly starts over for ever. */
  function configOf(canvas) {
    if (!configs.has(canvas)) configs.set(canvas, newConfig(canvas));
    return configs.get(canvas);
  }

  function newConfig(canvas) {
    const button = (name, title, shape, click) => ({ name, title, icon: icon(shape), click });
    const picture = (format) => () => exporting.picture(canvas, format, hidden);
    const area = button("area", "Drag to choose an area for the explorer", "frame", () => dragWith(false));
    return {
      displaylogo: false,
      displayModeBar: "hover",
      responsive: false,
      showSendToCloud: false,
      modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d", "toImage"],
      modeBarButtonsToAdd: [
        button("png", "Download as PNG", "picture", picture("png")),
        button("svg", "Download as SVG", "drawing", picture("svg")),
        button("csv", "Download the numbers as CSV", "rows", () => exporting.save(canvas, hidden)),
        ...(figuresOfPage.explorer && canvas.dataset.maps ? [area] : []),
      ],
    };
  }

  /** What a canvas shows, and its layout with places in px; null before anything is drawn. */
  const shownOn = (canvas) =>
    early.shown(canvas) || (canvas._fullLayout ? { data: canvas.data, layout: canvas.layout, full: canvas._fullLayout } : null);

  /** Shows a figure of the explorer; anew, so that no part of the former one is left, or by what differs. */
  figuresOfPage.show = async (canvas, { data: traces, layout }, anew) => {
    if (!window.Plotly) return early.draw(canvas, traces, layout);
    early.leave(canvas);
    return (anew ? Plotly.newPlot : Plotly.react)(canvas, traces, layout, configOf(canvas));
  };

  /** Dragging on a map chooses an area, or zooms: the same on all maps. */
  function dragWith(mode) {
    areas = mode === false;
    for (const name of drawn) {
      const canvas = byName.get(name);
      if (canvas.dataset.maps) Plotly.relayout(canvas, { dragmode: areas ? false : "zoom" });
    }
  }

  function choice(name, count) {
    const chosen = [];
    for (let index = 0; index < count; index += 1) {
      const control =
        document.querySelector(`input[name="${name}-${index}"]:checked`) ||
        document.querySelector(`:is(select, [type=range])[data-figure="${name}"][data-control="${index}"]`);
      chosen.push(control ? control.value : "0");
    }
    return chosen.join(".");
  }

  function fit(layout, width) {
    const room = layout.meta && layout.meta.width ? layout.meta : null;
    const height = room ? room.fixed + (room.plot * (width - room.side)) / (room.width - room.side) : layout.height;
    return { ...layout, width, height: Math.round(height), autosize: false };
  }

  const optionsOf = (slider) => slider.dataset.options.split("|");

  /** What a control has chosen, in words. */
  function textOf(input) {
    if (input.type === "range") return optionsOf(input)[Number(input.value)];
    return input.tagName === "SELECT" ? input.selectedOptions[0].textContent : input.nextElementSibling.textContent;
  }

  /** Says below the plot what was chosen: on paper the controls are gone. */
  function describe(canvas) {
    const shown = canvas.parentElement.querySelector(".shown");
    if (!shown) return;
    const chosen = Array.from(canvas.parentElement.querySelectorAll(".control"), (control) => {
      const input = control.querySelector("select, [type=range], input:checked");
      return `${control.dataset.label}: ${textOf(input)}`;
    });
    shown.textContent = chosen.length ? ` Shown here: ${chosen.join("; ")}.` : "";
  }

  /** Zooms of line plots stay as long as their axes mean the same. */
  function withMemory(layout) {
    const next = { ...layout, uirevision: "page" };
    for (const key of Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))) {
      const { title, type, range } = layout[key];
      next[key] = { ...layout[key], uirevision: JSON.stringify([title && title.text, type, range]) };
    }
    return next;
  }

  /** Zooms of maps are kept here: their plots are made anew, so that no part of the former one is left. */
  function zoomed(layout, name) {
    const zoom = zooms.get(name);
    if (!zoom) return layout;
    const next = { ...layout };
    for (const key of Object.keys(layout).filter((axis) => /^[xy]axis\d*$/.test(axis))) {
      next[key] = { ...layout[key], range: zoom[key[0]] };
    }
    return next;
  }

  function listen(canvas, name) {
    canvas.on("plotly_relayout", (change) => {
      const keys = Object.keys(change);
      if (keys.some((key) => /^[xy]axis.*range|autorange/.test(key))) {
        const reset = keys.some((key) => key.endsWith("autorange"));
        const { xaxis, yaxis } = canvas._fullLayout;
        if (reset) zooms.delete(name);
        else zooms.set(name, { x: [...xaxis.range], y: [...yaxis.range] });
      }
      if (change.dragmode === "zoom" || change.dragmode === "pan") areas = false;
      mark(canvas);
    });
  }

  function draw(canvas, paper) {
    const name = canvas.dataset.plot;
    const variant = page.resolve(data, figures[name].variants[choice(name, Number(canvas.dataset.controls))]);
    for (const trace of variant.data) {
      if (trace.meta && hidden.has(trace.meta.method)) trace.visible = false;
    }
    const isMap = variant.layout.meta && variant.layout.meta.map;
    const half = canvas.parentElement.classList.contains("half");
    const inCard = canvas.closest(".card-parts:not(.flat) > div");
    const width = paper ? (inCard ? 360 : PAPER_WIDTH * (half ? 0.5 : 1)) : canvas.clientWidth;
    const { data: traces, layout } = looks.dressed(panels.moved(variant, hidden), paper);
    drawn.add(name);
    stale.delete(name);
    canvas.style.minHeight = "";
    describe(canvas);
    // What is taller than a page is made smaller, or it would be cut.
    const tall = paper ? fit(layout, width).height / PAPER_HEIGHT : 1;
    canvas.style.setProperty("--print-zoom", PAPER_ZOOM / Math.max(1, tall));
    if (!isMap) return Plotly.react(canvas, traces, withMemory(fit(layout, width)), configOf(canvas));
    canvas.dataset.maps = "true";
    const dragmode = areas && figuresOfPage.explorer ? false : "zoom";
    const full = zoomed(fit({ ...layout, dragmode }, width), name);
    return Plotly.newPlot(canvas, traces, full, configOf(canvas)).then(() => {
      listen(canvas, name);
      mark(canvas);
    });
  }

  const canvases = Array.from(document.querySelectorAll("[data-plot]"));
  const byName = new Map(canvases.map((canvas) => [canvas.dataset.plot, canvas]));
  const stale = new Set();
  const inView = new Set();

  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const name = entry.target.dataset.plot;
        if (entry.isIntersecting) inView.add(name);
        else inView.delete(name);
        if (entry.isIntersecting && (!drawn.has(name) || stale.has(name))) draw(entry.target, false);
        else if (entry.isIntersecting) mark(entry.target);
      }
    },
    { rootMargin: "300px" },
  );

  /** Keeps the room of all plots; widths are asked first, or each change would lay the page out anew. */
  function reserve() {
    const widths = canvases.map((canvas) => canvas.clientWidth);
    canvases.forEach((canvas, i) => {
      const first = Object.values(figures[canvas.dataset.plot].variants)[0];
      canvas.style.minHeight = `${fit(first.layout, widths[i]).height}px`;
    });
  }

  /** Draws what the reader has not reached yet, one plot at a time, so that printing finds all of them. */
  function drawRest() {
    const next = canvases.find((canvas) => !drawn.has(canvas.dataset.plot) || stale.has(canvas.dataset.plot));
    if (!next) {
      looks.reach();
      document.documentElement.dataset.ready = "true";
      return;
    }
    Promise.resolve(draw(next, false)).then(() => page.whenIdle(drawRest));
  }

  /** Redraws what is in view at once, the rest when there is time. */
  function refresh(names) {
    if (!window.Plotly) return; // the first drawing asks the controls anyway
    document.documentElement.dataset.ready = "false";
    for (const name of names) {
      if (inView.has(name)) draw(byName.get(name), false);
      else stale.add(name);
    }
    setTimeout(drawRest, 30);
  }

  function redrawAll(paper) {
    if (window.Plotly) for (const canvas of canvases) draw(canvas, paper);
    if (figuresOfPage.explorer) figuresOfPage.explorer.show(paper);
  }

  /** Brings a slider to a place, and says where it is. */
  function slide(slider, place) {
    slider.value = place;
    slider.nextElementSibling.textContent = textOf(slider);
  }
  document.addEventListener("input", (event) => {
    if (event.target.matches(".slider input")) slide(event.target, event.target.value);
  });

  /** Sets the controls of all figures that offer the same choice, and returns the names of these figures. */
  function follow(control) {
    const label = control.closest(".control").dataset.label;
    const wanted = textOf(control);
    const names = [control.dataset.figure];
    for (const other of document.querySelectorAll(".control")) {
      if (other.dataset.label !== label || other.contains(control)) continue;
      const slider = other.querySelector("[type=range]");
      if (slider) {
        slide(slider, optionsOf(slider).indexOf(wanted));
        names.push(slider.dataset.figure);
        continue;
      }
      const select = other.querySelector("select");
      const inputs = select ? [...select.options] : [...other.querySelectorAll("input")];
      const match = inputs.find((input) => (select ? input.textContent : textOf(input)) === wanted);
      if (!match || (select ? match.selected : match.checked)) continue;
      if (select) match.selected = true;
      else match.checked = true;
      names.push((select || match).dataset.figure);
    }
    return names;
  }

  document.addEventListener("change", (event) => {
    const control = event.target;
    if (control.dataset.figure) {
      const names = follow(control);
      refresh(names.filter((name) => byName.has(name)));
      if (names.includes("explorer")) figuresOfPage.explorer.show(false);
    }
    if (control.dataset.toggle) {
      const method = control.dataset.toggle;
      if (control.checked) hidden.delete(method);
      else hidden.add(method);
      for (const row of document.querySelectorAll("[data-method]")) {
        row.hidden = hidden.has(row.dataset.method);
      }
      refresh([...drawn].filter((name) => figures[name].methods));
      if (figuresOfPage.explorer) figuresOfPage.explorer.show(false);
    }
    if (control.dataset.look) {
      looks.chosen[control.dataset.look] = control.type === "range" ? Number(control.value) : control.value;
      looks.apply();
      refresh([...drawn].filter((name) => control.dataset.look === "ground" || byName.get(name).dataset.maps));
      if (figuresOfPage.explorer) figuresOfPage.explorer.drawAll();
    }
  });
  looks.system.addEventListener("change", () => {
    looks.apply();
    refresh([...drawn]);
  });

  /** The axes of the map under the pointer, and the place in their units. */
  function placeOn(canvas, event) {
    const found = mapOn(canvas);
    if (!found) return null;
    const frame = pictureOf(canvas).getBoundingClientRect();
    const [left, top] = [event.clientX - frame.left, event.clientY - frame.top];
    for (const trace of found.data) {
      if (trace.type !== "heatmap") continue;
      const { x, y } = axesOf(found, trace);
      if (left >= x._offset && left <= x._offset + x._length && top >= y._offset && top <= y._offset + y._length) {
        return { x: x.p2d(left - x._offset), y: y.p2d(top - y._offset), left, top };
      }
    }
    return null;
  }

  function mapOn(canvas) {
    const found = shownOn(canvas);
    return found && found.layout.meta && found.layout.meta.map ? found : null;
  }

  const pictureOf = (canvas) => canvas.querySelector("canvas.early, .main-svg");
  const choosesAreas = (canvas) => shownOn(canvas).full.dragmode === false;

  function axesOf({ full }, trace) {
    const key = (name, letter) => `${letter}axis${(name || letter).slice(1)}`;
    return { x: full[key(trace.xaxis, "x")], y: full[key(trace.yaxis, "y")] };
  }

  let press = null;
  document.addEventListener("pointerdown", (event) => {
    const canvas = event.target.closest && event.target.closest(".canvas");
    if (!canvas || event.button !== 0 || event.target.closest(".modebar") || !figuresOfPage.explorer) return;
    const start = placeOn(canvas, event);
    if (start) press = { canvas, start, end: start };
  });
  document.addEventListener("pointermove", (event) => {
    if (!press) return;
    const at = placeOn(press.canvas, event);
    if (at) press.end = at;
    if (choosesAreas(press.canvas)) sketch();
  });
  document.addEventListener("pointerup", () => {
    if (!press) return;
    const { canvas, start, end } = press;
    press = null;
    document.querySelectorAll(".sketch").forEach((box) => box.remove());
    const still = Math.hypot(end.left - start.left, end.top - start.top) < 4;
    if (still) figuresOfPage.explorer.pick(start, start, canvas);
    else if (choosesAreas(canvas)) figuresOfPage.explorer.pick(start, end, canvas);
  });

  function sketch() {
    const { canvas, start, end } = press;
    const box = canvas.querySelector(".sketch") || canvas.appendChild(document.createElement("div"));
    box.className = "sketch";
    const frame = canvas.getBoundingClientRect();
    const plot = pictureOf(canvas).getBoundingClientRect();
    set(box, Math.min(start.left, end.left) + plot.left - frame.left, Math.min(start.top, end.top) + plot.top - frame.top, Math.abs(end.left - start.left), Math.abs(end.top - start.top));
  }

  function set(box, left, top, width, height) {
    Object.assign(box.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  }

  /** Frames the chosen pixels on every map of a figure. */
  function mark(canvas) {
    canvas.querySelectorAll(".mark").forEach((box) => box.remove());
    const area = figuresOfPage.explorer && figuresOfPage.explorer.box();
    const found = mapOn(canvas);
    if (!area || area.whole || !found) return;
    const frame = canvas.getBoundingClientRect();
    const plot = pictureOf(canvas).getBoundingClientRect();
    for (const trace of found.data) {
      if (trace.type !== "heatmap" || trace.visible === false) continue;
      const { x, y } = axesOf(found, trace);
      const ends = (axis, range) => range.map((value) => Math.max(0, Math.min(axis._length, axis.d2p(value)))).sort((a, b) => a - b);
      const [left, right] = ends(x, area.x);
      const [top, bottom] = ends(y, area.y);
      if (right - left < 0.5 || bottom - top < 0.5) continue;
      const box = canvas.appendChild(document.createElement("div"));
      box.className = "mark";
      set(box, plot.left - frame.left + x._offset + left, plot.top - frame.top + y._offset + top, right - left, bottom - top);
    }
  }
  figuresOfPage.mark = mark;
  figuresOfPage.markAll = () => {
    for (const name of inView) if (drawn.has(name)) mark(byName.get(name));
    const map = document.getElementById("explorer-map");
    if (map) mark(map);
  };

  let timer = 0;
  let printing = false;
  window.addEventListener("resize", () => {
    clearTimeout(timer);
    if (printing) return;
    timer = setTimeout(() => {
      refresh([...drawn]);
      if (figuresOfPage.explorer) figuresOfPage.explorer.drawAll();
    }, 150);
  });
  window.addEventListener("beforeprint", () => {
    printing = true;
    document.querySelectorAll("details").forEach((details) => details.setAttribute("open", ""));
    redrawAll(true);
  });
  window.addEventListener("afterprint", () => {
    redrawAll(false);
    printing = false;
  });

  const links = new Map(
    Array.from(document.querySelectorAll("#contents a[href^='#']")).map((link) => [link.getAttribute("href").slice(1), link]),
  );
  const spy = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) links.get(entry.target.id).classList.toggle("here", entry.isIntersecting);
    },
    { rootMargin: "-20% 0px -70% 0px" },
  );
  document.querySelectorAll("main section").forEach((section) => spy.observe(section));

  reserve();
  page.ready.then(() => {
    canvases.forEach((canvas) => observer.observe(canvas));
    setTimeout(drawRest, 60);
  });
});
