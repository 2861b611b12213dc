/* Draws the figures of the page and lets its controls choose among their variants. Knows nothing of their content. */
"use strict";
page.ready.then((data) => {
  const { figures } = data;
  const hidden = new Set();
  const drawn = new Set();
  const config = {
    displaylogo: false,
    displayModeBar: "hover",
    responsive: false,
    showSendToCloud: false,
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
    toImageButtonOptions: { format: "png", scale: 3 },
  };
  /** Width at which plots are drawn for paper; the style sheet scales them down. */
  const PAPER_WIDTH = 960;

  function choice(name, count) {
    const chosen = [];
    for (let index = 0; index < count; index += 1) {
      const control =
        document.querySelector(`input[name="${name}-${index}"]:checked`) ||
        document.querySelector(`select[data-figure="${name}"][data-control="${index}"]`);
      chosen.push(control ? control.value : "0");
    }
    return chosen.join(".");
  }

  function fit(layout, width) {
    const room = layout.meta;
    const height = room ? room.fixed + (room.plot * (width - room.side)) / (room.width - room.side) : layout.height;
    return { ...layout, width, height: Math.round(height), autosize: false };
  }

  /** Says below the plot what was chosen: on paper the controls are gone. */
  function describe(canvas) {
    const shown = canvas.parentElement.querySelector(".shown");
    if (!shown) return;
    const chosen = Array.from(canvas.parentElement.querySelectorAll(".control"), (control) => {
      const select = control.querySelector("select");
      const option = select ? select.selectedOptions[0] : control.querySelector("input:checked + span");
      return `${control.querySelector("legend, label > span").textContent}: ${option.textContent}`;
    });
    shown.textContent = chosen.length ? ` Shown here: ${chosen.join("; ")}.` : "";
  }

  function draw(canvas, paper) {
    const name = canvas.dataset.plot;
    const variant = page.resolve(data, figures[name].variants[choice(name, Number(canvas.dataset.controls))]);
    for (const trace of variant.data) {
      if (trace.meta && hidden.has(trace.meta.method)) trace.visible = false;
    }
    const half = canvas.parentElement.classList.contains("half");
    const width = paper ? PAPER_WIDTH * (half ? 0.5 : 1) : canvas.clientWidth;
    drawn.add(name);
    describe(canvas);
    return Plotly.react(canvas, variant.data, fit(variant.layout, width), config);
  }

  const canvases = Array.from(document.querySelectorAll("[data-plot]"));
  const byName = new Map(canvases.map((canvas) => [canvas.dataset.plot, canvas]));

  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting && !drawn.has(entry.target.dataset.plot)) draw(entry.target, false);
      }
    },
    { rootMargin: "600px" },
  );

  function reserve(canvas) {
    const first = Object.values(figures[canvas.dataset.plot].variants)[0];
    canvas.style.minHeight = `${fit(first.layout, canvas.clientWidth).height}px`;
    observer.observe(canvas);
  }

  /** Draws what the reader has not reached yet, one plot at a time, so that printing finds all of them. */
  function drawRest() {
    const next = canvases.find((canvas) => !drawn.has(canvas.dataset.plot));
    if (!next) {
      document.documentElement.dataset.ready = "true";
      return;
    }
    draw(next, false).then(() => setTimeout(drawRest, 20));
  }

  function redraw(paper) {
    for (const canvas of canvases) {
      canvas.style.minHeight = "";
      draw(canvas, paper);
    }
  }

  document.addEventListener("change", (event) => {
    const control = event.target;
    if (control.dataset.figure) {
      const canvas = byName.get(control.dataset.figure);
      canvas.style.minHeight = "";
      draw(canvas, false);
    }
    if (control.dataset.toggle) {
      const method = control.dataset.toggle;
      if (control.checked) hidden.delete(method);
      else hidden.add(method);
      for (const row of document.querySelectorAll("tr[data-method]")) {
        row.hidden = hidden.has(row.dataset.method);
      }
      for (const name of drawn) draw(byName.get(name), false);
    }
  });

  let timer = 0;
  let printing = false;
  window.addEventListener("resize", () => {
    clearTimeout(timer);
    if (!printing) timer = setTimeout(() => drawn.forEach((name) => draw(byName.get(name), false)), 150);
  });
  window.addEventListener("beforeprint", () => {
    printing = true;
    document.querySelectorAll("details").forEach((details) => details.setAttribute("open", ""));
    redraw(true);
  });
  window.addEventListener("afterprint", () => {
    redraw(false);
    printing = false;
  });

  const links = new Map(
    Array.from(document.querySelectorAll("#contents a")).map((link) => [link.getAttribute("href").slice(1), link]),
  );
  const spy = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) links.get(entry.target.id).classList.toggle("here", entry.isIntersecting);
    },
    { rootMargin: "-20% 0px -70% 0px" },
  );
  document.querySelectorAll("main section").forEach((section) => spy.observe(section));

  canvases.forEach(reserve);
  setTimeout(drawRest, 60);
});
