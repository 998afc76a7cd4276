// How training went: a chart for each number that was measured, by epoch.
const CHARTS = [
  ["Loss", "loss", "val_loss", false],
  ["Accuracy", "accuracy", "val_accuracy", true],
  ["Learning rate", "learning_rate", null, null],
  ["Length of the gradient", "grad_norm", null, null],
];

page.tab({
  id: "curves",
  title: "Curves",
  when: (doc) => (doc.history?.epoch?.length ?? 0) > 0,
  render(root, doc) {
    const box = page.element("div", { class: "columns" });
    if (doc.members) root.append(page.element("p", {}, `Of member ${doc.members.shown}.`));
    root.append(box);
    const charts = new Map();
    const draw = () => {
      for (const [title, ...names] of CHARTS) {
        const settings = chartOf(page.document.history ?? {}, title, ...names);
        if (charts.has(title)) {
          if (settings) charts.get(title).update(settings);
        } else if (settings) charts.set(title, page.chart.lines(box, settings));
      }
    };
    draw();
    page.onUpdate((_, changes) => {
      if ("history" in changes) draw();
    });
  },
});

function chartOf(history, title, training, validation, upwards) {
  const known = (name) => history[name]?.some((v) => v !== null);
  if (!known(training) && !known(validation)) return null;
  const x = history.epoch;
  const format = title === "Accuracy" ? (v) => page.percent(v, 1) : page.number;
  const series = [];
  if (known(training)) series.push({ name: validation ? "training" : title,
    values: history[training], color: "--plus" });
  if (known(validation)) series.push({ name: "validation", dash: [6, 4],
    values: history[validation], color: "--minus" });
  if (upwards === null && new Set(series[0].values).size === 1) return null;
  const sentence = series.map((line) =>
    summary(validation ? `${title} in ${line.name}` : title, x, line.values, format,
      upwards)).join(" ");
  return { title, x, series, format, sentence };
}

// "Loss in training fell from 0.969 to 0.404, lowest at epoch 2."
function summary(name, x, values, format, upwards) {
  const known = values.map((v, k) => [x[k], v]).filter(([, v]) => v !== null);
  const first = known[0][1], last = known.at(-1)[1];
  if (known.length === 1) return `${name} was ${format(first)}.`;
  const verb = last > first ? "rose" : last < first ? "fell" : "stayed";
  const text = verb === "stayed" ? `${name} was ${format(first)} first and last`
    : `${name} ${verb} from ${format(first)} to ${format(last)}`;
  if (upwards === null) return `${text}.`;
  const best = known.reduce((a, b) => ((upwards ? b[1] > a[1] : b[1] < a[1]) ? b : a));
  return `${text}; best ${format(best[1])} at epoch ${best[0]}.`;
}
