// The weights into each neuron of the first layer as a picture, the most used first.
const MOST = 64;

page.renewedTab({
  id: "neurons",
  title: "Neurons",
  when: ({ network, digits }) => network && digits,
  keys: ["network"],
  draw: gallery,
});

function gallery(doc) {
  const model = page.model(), [block, next] = page.blocks(model);
  const rows = page.digits(doc).map(({ pixels }) => pixels);
  const use = page.use(model, block, next, rows);
  const order = Array.from(use, (_, j) => j);
  if (next) order.sort((i, j) => use[j] - use[i]);
  const readout = page.element("p", { class: "muted readout" },
    "Point at a picture, or reach it by Tab, for its numbers.");
  const grid = page.element("div", { class: "gallery" });
  const name = (j) => (next ? `neuron ${j}` : `output “${page.className(model, j)}”`);

  function cell(j) {
    const weights = page.weightsInto(block, j);
    const most = weights.reduce((a, w) => Math.max(a, Math.abs(w)), 0);
    const text = `${name(j)}: use ${page.number(use[j], 3)}, largest weight ${
      page.number(most, 3)}, bias ${page.number(block.b[j], 3)}`;
    const tell = () => { readout.textContent = text; };
    return page.element("button", { type: "button", "aria-label": text, onfocus: tell,
      onpointerenter: tell, onclick: tell },
    page.paint(page.element("canvas", { class: "picture", "aria-hidden": "true" }),
      weights, { signed: true }),
    next ? `${j}` : page.className(model, j));
  }

  function add(from, to) {
    grid.append(...order.slice(from, to).map(cell));
  }
  add(0, MOST);
  const n = order.length;
  const more = n > MOST && page.button(`Show the other ${n - MOST}`, () => {
    add(MOST, n);
    more.remove();
  });
  return [page.element("p", {}, sentence(n, next, rows.length)), readout, grid,
    more || page.element("span", {}),
    page.numbers(() => page.table(["neuron", ...["use", "bias"].map((title) =>
      ({ name: title, number: true }))], order.map((j) => [name(j), use[j], block.b[j]]),
    { caption: "First layer, in this order" }))];
}

function sentence(n, next, nDigits) {
  const head = `What the ${n} neurons of the first layer look for: a blue pixel speaks `
    + "for the neuron, an orange one against it, by each picture's largest weight.";
  if (!next) return `${head} Each is an output, in order.`;
  const over = nDigits ? `the mean of |a| over the ${nDigits} digits of this page, times `
    : "";
  return `${head} The most used come first: use is ${over}the sum of |w| into the next `
    + "layer.";
}
