// Draws a chart that <c-ui.chart> has written into a page, with lightweight-charts; loaded by chart.js.
(() => {
  "use strict";
  const { LightweightCharts: lib } = window;
  const DEFINITIONS = {
    line: lib.LineSeries,
    area: lib.AreaSeries,
    histogram: lib.HistogramSeries,
    baseline: lib.BaselineSeries,
  };
  const DASHES = {
    solid: lib.LineStyle.Solid,
    dashed: lib.LineStyle.Dashed,
    dotted: lib.LineStyle.Dotted,
    long: lib.LineStyle.LargeDashed,
  };
  const MARKS = {
    deposit: ["belowBar", "arrowUp", "gain"],
    withdrawal: ["aboveBar", "arrowDown", "loss"],
    note: ["aboveBar", "circle", "quiet"],
  };

  // --- figures, written as the server writes them; making a format takes longer than using it
  const formats = new Map();
  const format = (Kind, options) => {
    const key = JSON.stringify(options);
    if (!formats.has(key)) formats.set(key, new Kind("en-GB", options));
    return formats.get(key);
  };
  const fixed = (value, places) =>
    format(Intl.NumberFormat, { minimumFractionDigits: places, maximumFractionDigits: places })
      .format(value)
      .replace(/^-(?=[0.,]*$)/, "")
      .replace("-", "−");
  const written = (spec, value) => {
    if (value === null || value === undefined) return "–";
    if (spec.unit === "money") return `${fixed(value, spec.places)} ${spec.currency}`.trimEnd();
    if (spec.unit === "percent") return `${fixed(value * 100, 2)}\u00a0%`;
    const text = fixed(value, 2).replace(/\.?0+$/, "");
    return spec.unit === "multiple" ? `${text} ×` : text;
  };
  // ``span`` is how far the curves of the pane reach: where it is small, marks need more places.
  const onAxis = (spec, span) => (value) => {
    if (spec.unit === "percent") return `${fixed(value * 100, span < 0.01 ? 2 : 1)} %`;
    if (spec.unit === "money") {
      return fixed(value, span < 10 || (value && Math.abs(value) < 100) ? spec.places : 0);
    }
    return written(spec, value);
  };
  const spanOf = (series, pane) => {
    const values = series
      .filter((spec) => spec.pane === pane)
      .flatMap((spec) => spec.points.map(([, value]) => value))
      .filter((value) => value !== null);
    const edge = (choose) => values.reduce((one, other) => choose(one, other), values[0] ?? 0);
    return edge(Math.max) - edge(Math.min);
  };
  const moment = (time) => {
    const day = typeof time === "string";
    const at = new Date(day ? `${time}T00:00:00Z` : time * 1000);
    const options = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
    if (!day) Object.assign(options, { hour: "2-digit", minute: "2-digit" });
    return format(Intl.DateTimeFormat, options).format(at) + (day ? "" : " UTC");
  };

  // --- colours, as the tokens give them where the chart stands; all put there before any is read
  const TONES = ["1", "2", "3", "4", "5", "gain", "loss", "quiet", "sign"];
  const palette = (figure) => {
    const probe = document.createElement("div");
    probe.hidden = true;
    const parts = [...TONES.map((tone) => [tone, `series-${tone}`]), ["grid", "chart-grid"], ["ground", "chart-ground"]];
    for (const [, name] of parts) probe.appendChild(document.createElement("i")).className = name;
    figure.append(probe);
    const colours = parts.map(([part], i) => [part, getComputedStyle(probe.children[i]).color]);
    probe.remove();
    return Object.fromEntries(colours);
  };
  const faded = (colour, alpha) => colour.replace("rgb(", "rgba(").replace(")", `, ${alpha})`);

  const frame = (plot, colours) => {
    const style = getComputedStyle(plot);
    return {
      autoSize: true,
      layout: {
        attributionLogo: false, // it would add a style element, which the policy forbids
        background: { color: "transparent" },
        textColor: style.color,
        fontFamily: style.fontFamily,
        fontSize: parseFloat(style.fontSize),
        panes: { separatorColor: colours.grid, separatorHoverColor: colours.grid, enableResize: false },
      },
      grid: { vertLines: { visible: false }, horzLines: { color: colours.grid } },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.06 } },
      timeScale: { borderVisible: false, fixLeftEdge: true, fixRightEdge: true, minBarSpacing: 0.01 },
      crosshair: {
        mode: lib.CrosshairMode.Normal,
        vertLine: { color: colours.quiet, labelVisible: false },
        horzLine: { visible: false, labelVisible: false },
      },
      localization: { locale: "en-GB", timeFormatter: moment },
      handleScroll: false, // the wheel and the finger scroll the page
      handleScale: false,
    };
  };

  const look = (spec, colours, span) => {
    const colour = colours[spec.tone];
    const options = {
      lastValueVisible: false,
      priceLineVisible: false,
      lineWidth: 2,
      lineStyle: DASHES[spec.dash],
      crosshairMarkerBorderColor: colours.ground,
      priceFormat: {
        type: "custom",
        formatter: onAxis(spec, span),
        minMove: spec.unit === "percent" ? 0.0001 : 0.01,
      },
    };
    if (spec.kind === "area") {
      return {
        ...options,
        lineColor: colour,
        topColor: faded(colour, 0.22),
        bottomColor: faded(colour, 0.02),
      };
    }
    if (spec.kind === "baseline") {
      const above = spec.tone === "sign" ? colours.gain : colour;
      const below = spec.tone === "sign" ? colours.loss : colour;
      return {
        ...options,
        baseValue: { type: "price", price: spec.base },
        topLineColor: above,
        topFillColor1: faded(above, 0.2),
        topFillColor2: faded(above, 0.04),
        bottomLineColor: below,
        bottomFillColor1: faded(below, 0.04),
        bottomFillColor2: faded(below, 0.2),
      };
    }
    return { ...options, color: colour, base: spec.base };
  };

  const point = (spec, colours, time, value) => {
    if (value === null) return { time };
    if (spec.kind === "histogram" && spec.tone === "sign") {
      return { time, value, color: value < spec.base ? colours.loss : colours.gain };
    }
    return { time, value };
  };

  // --- the values at a moment, in the legend
  const readout = (figure, series, markers) => {
    const values = series.map((spec) => new Map(spec.points));
    const times = [...new Set(series.flatMap((spec) => spec.points.map(([time]) => time)))].sort(
      (a, b) => (a < b ? -1 : 1),
    );
    const cells = figure.querySelectorAll("[data-chart-value]");
    const when = figure.querySelector("[data-chart-when]");
    const lasts = series.map((spec) => spec.points.findLast(([, value]) => value !== null)?.[1]);
    const at = (time) => series.map((spec, index) => written(spec, values[index].get(time)));
    const happened = (time) => markers.filter((one) => one[0] === time).map((one) => one[2]);
    const show = (time) => {
      const words = time === undefined ? series.map((s, i) => written(s, lasts[i])) : at(time);
      words.forEach((text, index) => (cells[index].textContent = text));
      const shown = time ?? times.at(-1);
      when.textContent = [moment(shown), ...happened(shown)].join(" · ");
    };
    const said = (time) =>
      [moment(time), ...at(time).map((text, i) => `${series[i].name} ${text}`), ...happened(time)]
        .join(", ");
    show(undefined);
    return { times, values, show, said };
  };

  // --- one chart
  window.drawChart = (figure, plot) => {
    const { series, markers } = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    const colours = palette(figure);
    const chart = lib.createChart(plot, frame(plot, colours));
    const withinDays = series.some((spec) => typeof spec.points[0]?.[0] === "number");
    chart.timeScale().applyOptions({ timeVisible: withinDays, secondsVisible: false });
    const curves = series.map((spec) => {
      const options = look(spec, colours, spanOf(series, spec.pane));
      const curve = chart.addSeries(DEFINITIONS[spec.kind], options, spec.pane);
      curve.setData(spec.points.map(([time, value]) => point(spec, colours, time, value)));
      return curve;
    });
    chart.panes().forEach((pane, index) => pane.setStretchFactor(index ? 0.4 : 1));
    lib.createSeriesMarkers(
      curves[0],
      markers.map(([time, kind]) => {
        const [position, shape, tone] = MARKS[kind];
        return { time, position, shape, color: colours[tone], size: 1 };
      }),
    );
    chart.timeScale().fitContent();
    const fit = new ResizeObserver(() => requestAnimationFrame(() => chart.timeScale().fitContent()));
    fit.observe(plot);
    const reader = readout(figure, series, markers);
    chart.subscribeCrosshairMove(({ time }) => reader.show(time));
    return { chart, curves, reader, fit };
  };
})();
