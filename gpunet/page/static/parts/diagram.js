// page.parts.diagram(network) -> a figure: neurons as circles, the weights as lines.
//
// Blue lines are positive, orange dashed ones negative; thicker is larger. Of a large
// layer the first and last neurons stand for all.
const MOST = 16, WIDTH = 720, HEIGHT = 300, TOP = 24, LABEL = 26;

page.parts.diagram = (network) => {
  const dense = network.steps.filter((step) => step.layer === "dense");
  const sizes = [dense[0].W.length / dense[0].b.length, ...dense.map((d) => d.b.length)];
  const columns = sizes.map((n, k) => column(n, k, sizes.length));
  const lines = dense.flatMap((step, k) =>
    edges(step, columns[k], columns[k + 1], sizes[k + 1]));
  const names = ["inputs", ...sizes.slice(1, -1).map(() => "hidden"),
    sizes.at(-1) === 1 ? "output" : "outputs"];
  const text = `${sizes.length} layers of ${sizes.join(", ")} neurons`;
  const svg = page.svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
    "aria-label": text, class: "diagram" }, lines,
  columns.map((places, k) => neurons(places, sizes[k], names[k])));
  return page.element("figure", {}, svg, page.element("figcaption", { class: "muted" },
    "Each line is a weight: blue adds, orange and dashed subtracts, thicker is stronger.",
    sizes.some((n) => n > MOST) ? ` Of a large layer ${MOST} neurons are drawn.` : ""));
};

// Returns the drawn neurons of a layer: which, and where.
function column(n, k, layers) {
  const x = 40 + (k * (WIDTH - 80)) / Math.max(layers - 1, 1);
  const shown = Math.min(n, MOST);
  const gap = Math.min(26, (HEIGHT - TOP - LABEL) / shown);
  const middle = (HEIGHT - LABEL + TOP / 2) / 2;
  return Array.from({ length: shown }, (_, row) => {
    const late = n > MOST && row >= MOST / 2; // below the dots
    return { neuron: late ? n - shown + row : row, x, r: Math.min(8, gap * 0.36),
      y: middle + (row - (shown - 1) / 2) * gap + (n > MOST ? (late ? 6 : -6) : 0) };
  });
}

function edges(step, from, to, width) {
  const pairs = from.flatMap((a) => to.map((b) =>
    ({ a, b, w: step.W[a.neuron * width + b.neuron] })));
  const largest = Math.max(...pairs.map(({ w }) => Math.abs(w)), 1e-30);
  return pairs.map(({ a, b, w }) => {
    const share = Math.abs(w) / largest;
    return page.svg("line", { x1: a.x + a.r, y1: a.y, x2: b.x - b.r, y2: b.y,
      stroke: w < 0 ? "var(--minus)" : "var(--plus)",
      "stroke-dasharray": w < 0 ? "4 3" : null,
      "stroke-width": (0.3 + 1.9 * share).toFixed(2),
      "stroke-opacity": (0.12 + 0.7 * share).toFixed(2) });
  });
}

function neurons(places, n, name) {
  const circles = places.map(({ x, y, r }) => page.svg("circle", { cx: x, cy: y, r,
    fill: "var(--surface)", stroke: "var(--text)", "stroke-width": 1.2 }));
  const { x } = places[0], half = places.length / 2;
  const middle = n > MOST ? (places[half - 1].y + places[half].y) / 2 : 0;
  const dots = n > MOST ? [-4, 0, 4].map((step) => page.svg("circle",
    { cx: x, cy: middle + step, r: 1.3, fill: "var(--muted)" })) : [];
  return [...circles, ...dots, page.svg("text", { x, y: HEIGHT - 6,
    "text-anchor": "middle", fill: "var(--muted)", "font-size": 13 },
  `${n.toLocaleString("en")} ${name}`)];
}
