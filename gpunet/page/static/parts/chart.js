// page.chart.lines(root, {title, x, xLabel, series, sentence, format, height}) -> chart
//
// series: [{name, values, color: "--plus", dash, width, band: [low, high], bandNames}], a
// value for each x, null where nothing was measured. Below the lines: a sentence, and the numbers
// behind a button. chart.update({x, series, sentence}) draws new numbers.
page.chart = {};
page.chart.lines = (root, settings) => {
  const figure = page.element("figure", {}), format = settings.format ?? page.number;
  root.append(figure);
  let plot = null;
  const chart = { figure, update, remove };
  const place = page.element("div", { "aria-hidden": "true" });
  const sentence = page.element("p", {});

  function data() {
    const { x, series } = settings;
    return [x, ...series.flatMap((line) =>
      (line.band ? [line.values, ...line.band] : [line.values]))];
  }

  function options() {
    const lines = [{ label: settings.xLabel ?? "epoch" }], bands = [];
    for (const line of settings.series) {
      const stroke = page.color(line.color ?? "--accent");
      const k = lines.length;
      lines.push({ label: line.name, stroke, width: line.width ?? 2, dash: line.dash,
        points: { show: settings.x.length === 1, size: 7 },
        value: (_, v) => (v === null || v === undefined ? "" : format(v)) });
      if (!line.band) continue;
      for (const side of line.bandNames)
        lines.push({ label: `${line.name}, ${side}`, points: { show: false }, width: 0,
          stroke: "transparent", value: (_, v) => (v === null ? "" : format(v)) });
      bands.push({ series: [k + 2, k + 1], fill: transparent(stroke, 0.18) });
    }
    const axis = { stroke: page.color("--muted"), font: "13px system-ui, sans-serif",
      grid: { stroke: page.color("--line"), width: 1 },
      ticks: { stroke: page.color("--line"), width: 1 } };
    return { width: width(), height: settings.height ?? 260, series: lines, bands,
      scales: { x: { time: false } }, cursor: { y: false, drag: { x: false, y: false } },
      axes: [{ ...axis, incrs: settings.xLabel ? undefined : whole },
        { ...axis, size: 72, values: (_, marks) => marks.map((v) => format(v)) }] };
  }
  const whole = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
  const width = () => Math.max(place.clientWidth, 200);

  function draw() {
    plot?.destroy();
    plot = new uPlot(options(), data(), place);
    sentence.textContent = settings.sentence ?? "";
  }

  function update(changes) {
    const same = changes.series?.length === settings.series.length;
    Object.assign(settings, changes);
    sentence.textContent = settings.sentence ?? "";
    if (same && plot) plot.setData(data());
    else draw();
  }

  function remove() {
    forget();
    plot?.destroy();
    figure.remove();
  }

  function numbers() {
    const columns = [settings.xLabel ?? "epoch", ...settings.series.flatMap((line) =>
      (line.band ? [line.name, ...line.bandNames] : [line.name]))];
    const all = data();
    return page.table(columns.map((name, k) => ({ name, number: true,
      format: k ? format : page.number })),
    settings.x.map((_, row) => all.map((values) => values[row])),
    { caption: settings.title, titled: true });
  }

  figure.append(page.element("figcaption", {}, page.element("h3", {}, settings.title)),
    place, sentence, page.numbers(numbers));
  draw();
  const forget = page.onTheme(draw);
  new ResizeObserver(() => {
    if (plot && width() !== plot.width && place.clientWidth)
      plot.setSize({ width: width(), height: plot.height });
  }).observe(place);
  return chart;
};

function transparent(color, share) {
  return color.replace(/^rgb\(([^)]*)\)$/, `rgba($1, ${share})`);
}
