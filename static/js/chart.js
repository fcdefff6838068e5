// Has a chart drawn when somebody asks for its values at a moment; until then its picture stands
// there, which works without this, as does the table beside it.
(() => {
  "use strict";
  const { library, drawing } = document.currentScript.dataset;
  const drawn = new Map(); // figure element: its chart
  const load = (address) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`${address} could not be loaded; charts stay pictures.`));
      document.head.append(script);
    });
  let loading;
  const loaded = () => {
    loading ??= load(library).then(() => load(drawing));
    loading.catch(() => (loading = undefined)); // whoever asks next tries again
    return loading;
  };
  const draw = (figure) => {
    const plot = figure.querySelector("[data-chart-plot]");
    drawn.set(figure, window.drawChart(figure, plot));
    plot.querySelector(".chart-still").hidden = true;
  };
  const ensure = async (figure) => {
    await loaded();
    if (figure.isConnected && !drawn.has(figure)) draw(figure);
    return drawn.get(figure);
  };

  // --- keyboard: arrows a point, page keys a tenth of the chart, home and end
  const KEYS = ["ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"];
  const moved = (key, from, end) => {
    const leap = Math.max(1, Math.round(end / 10));
    const steps = [-1, 1, -leap, leap, -Infinity, Infinity];
    return Math.max(0, Math.min(end, from + steps[KEYS.indexOf(key)]));
  };
  const pointAt = ({ chart, curves, reader }, time) => {
    const index = reader.values.findIndex((one) => one.has(time) && one.get(time) !== null);
    if (index >= 0) chart.setCrosshairPosition(reader.values[index].get(time), time, curves[index]);
    reader.show(time);
  };
  const dress = (figure, plot) => {
    plot.querySelector(".chart-still").ariaHidden = "true"; // said by the plot from now on
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", plot.dataset.label);
    const live = figure.querySelector("[data-chart-said]");
    let place = null;
    plot.addEventListener("keydown", async (event) => {
      if (!KEYS.includes(event.key)) return;
      event.preventDefault();
      const found = await ensure(figure);
      if (!found) return;
      const end = found.reader.times.length - 1;
      place = moved(event.key, place ?? end + 1, end);
      pointAt(found, found.reader.times[place]);
      live.textContent = found.reader.said(found.reader.times[place]);
    });
    plot.addEventListener("blur", () => {
      place = null;
      live.textContent = "";
      const found = drawn.get(figure);
      found?.chart.clearCrosshairPosition();
      found?.reader.show(undefined);
    });
    plot.addEventListener("focus", () => ensure(figure));
    plot.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && ensure(figure));
    touched(figure, plot);
  };

  // --- a finger that scrolls the page over a chart does not ask for it; one that stays does
  const STAYS_MS = 120;
  const touched = (figure, plot) => {
    let wait;
    plot.addEventListener("pointerdown", ({ pointerType, clientX }) => {
      if (pointerType === "mouse" || drawn.has(figure)) return;
      wait = setTimeout(async () => {
        const found = await ensure(figure);
        const across = clientX - plot.getBoundingClientRect().left;
        const time = found?.chart.timeScale().coordinateToTime(across) ?? null;
        if (time !== null) pointAt(found, time);
      }, STAYS_MS);
    });
    plot.addEventListener("pointercancel", () => clearTimeout(wait));
  };

  // --- when charts come, go and change their theme
  const erase = (figure) => {
    const { chart, fit } = drawn.get(figure);
    drawn.delete(figure);
    fit.disconnect();
    chart.remove();
  };

  const known = new WeakSet();
  const scan = (root) => {
    const found = root.matches?.("[data-chart]") ? [root] : root.querySelectorAll("[data-chart]");
    for (const figure of found) {
      const plot = figure.querySelector("[data-chart-plot]");
      if (!plot || known.has(figure)) continue;
      known.add(figure);
      dress(figure, plot);
    }
  };
  const redraw = () => {
    for (const figure of [...drawn.keys()]) {
      erase(figure);
      if (figure.isConnected) draw(figure);
    }
  };
  document.addEventListener("htmx:load", (event) => scan(event.detail.elt));
  document.addEventListener("htmx:beforeCleanupElement", (event) => {
    for (const figure of [...drawn.keys()]) if (event.detail.elt.contains(figure)) erase(figure);
  });
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const start = () => scan(document);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
