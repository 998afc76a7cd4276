// One neuron: its weights as a picture, and its sum, term by term.
const TERMS = 8;

// What a neuron adds up for these values, as an element.
page.neuron = (network, values, l, j) => {
  const blocks = page.blocks(network), block = blocks[l];
  const side = Math.sqrt(network.inputs.n);
  const input = values[block.input], weights = page.weightsInto(block, j);
  const products = Array.from(weights, (w, i) => w * input[i]);
  const order = products.map((_, i) => i)
    .sort((i, k) => Math.abs(products[k]) - Math.abs(products[i]));
  const shown = order.slice(0, TERMS).filter((i) => products[i] !== 0);
  const total = products.reduce((a, b) => a + b, 0);
  const name = (i) => (l ? `neuron ${i} of the layer before`
    : `pixel in row ${Math.floor(i / side)}, column ${i % side}`);
  const rest = total - shown.reduce((sum, i) => sum + products[i], 0);
  const rows = shown.map((i) => [name(i), input[i], weights[i], products[i]]);
  if (shown.length < products.length)
    rows.push([`the other ${products.length - shown.length}`, null, null, rest]);
  rows.push(["bias b", null, null, block.b[j]]);
  rows.push(["z, the sum", null, null, values[block.z][j]]);
  if (block.names.length)
    rows.push([`a, ${block.names.map(described).join(", then ")}`, null, null,
      values[block.a][j]]);
  const isOutput = l === blocks.length - 1;
  const what = isOutput ? `output “${page.className(network, j)}”` : `neuron ${j}`;
  const signed = (v) => (v > 0 ? `+${page.number(v)}` : page.number(v));
  const numbers = ["activation a", "weight w", "a · w"].map((title, k) =>
    ({ name: title, number: true, format: k ? signed : page.number }));
  const children = [page.element("h2", { tabindex: -1 }, `${block.title}, ${what}`)];
  const sum = page.table(["term", ...numbers], rows,
    { caption: `z = sum of a · w, plus b: the ${shown.length} largest terms first` });
  children.push(l ? sum : page.element("div", { class: "sum" }, page.element("div", {},
    pair(weights, "its weights"), pair(products, "its weights times what it sees")), sum));
  return page.element("div", {}, children);
};

function pair(values, caption) {
  const most = values.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  return page.element("figure", { class: "weights" },
    page.picture(values, `Picture of ${caption}, from -${page.number(most)} (orange) to `
      + `${page.number(most)} (blue)`, { signed: true }),
    page.element("figcaption", {}, caption));
}

const described = (name) => (name === "softmax" ? "softmax: e^z over the sum of all e^z"
  : `${name}(z)`);

// The weights into neuron j of a block.
page.weightsInto = ({ W, nIn, nOut }, j) =>
  Float64Array.from({ length: nIn }, (_, i) => W[i * nOut + j]);
