// A network written by gpunet. It needs nothing else.
//
//   In a page:  a script element with src="FILE", then gpunet.predict(row)
//   In Node:    const { predict, classify } = require("./FILE")  (import works too)
//
// row: an array of cells, or an object with the names of the columns. A missing cell
// is null or NaN. predict returns the outputs, classify the class of the row, layers
// the values behind every step: the scaled inputs first. steps are what is computed;
// answer(inputs) is what they and the outputs' scale make of scaled inputs.
"use strict";
(() => {
const network = null;

function open(network) {
const isFloat32 = network.dtype === "float32";
const toDtype = isFloat32 ? Math.fround : (z) => z;

function tensor(base64) { // loops: a callback for each of a million bytes is slow
  const text = atob(base64), size = isFloat32 ? 4 : 8;
  const view = new DataView(new ArrayBuffer(text.length));
  for (let k = 0; k < text.length; k++) view.setUint8(k, text.charCodeAt(k));
  const values = new Float64Array(text.length / size);
  for (let k = 0; k < values.length; k++)
    values[k] = isFloat32 ? view.getFloat32(4 * k, true) : view.getFloat64(8 * k, true);
  return values;
}

const steps = network.layers.map((layer) => layer.layer !== "dense"
  ? layer : { ...layer, W: tensor(layer.W), b: tensor(layer.b) });
const columns = network.columns?.map((c) => {
  const codes = c.codes && new Map(c.categories.map((name, k) => [name, c.codes[k]]));
  return { ...c, codes };
});

function sigmoid(z) {
  const e = Math.exp(Math.min(z, 40));
  return e / (1 + e);
}

const functions = {
  relu: (z) => Math.max(z, 0),
  leaky_relu: (z, alpha) => (z > 0 ? z : alpha * z),
  elu: (z, alpha) => (z > 0 ? z : alpha * Math.expm1(z)),
  sigmoid: sigmoid,
  tanh: Math.tanh,
  silu: (z) => z * sigmoid(z),
  softplus: (z) => Math.log1p(Math.exp(-Math.abs(z))) + Math.max(z, 0),
  comparator: (z) => (z > 0 ? 1 : 0),
  gelu: (z) => z * sigmoid(1.5957691216057308 * (z + 0.044715 * z * z * z)),
  softmax: null, // of a whole layer
};

function apply(layer, x) {
  if (layer.layer === "dense") {
    const z = Array.from(layer.b);
    for (let i = 0, k = 0; i < x.length; i++)
      for (let j = 0; j < z.length; j++) z[j] += x[i] * layer.W[k++];
    return z;
  }
  if (layer.function !== "softmax")
    return x.map((z) => functions[layer.function](z, layer.alpha));
  const most = Math.max(...x);
  const e = x.map((z) => Math.exp(z - most));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
}

function refuse(place, reason) {
  throw new RangeError(`predict: ${place}: ${reason}`);
}

function listed(row) {
  const n = network.row ? network.row.length : network.inputs.n;
  if (Array.isArray(row) || ArrayBuffer.isView(row)) {
    if (row.length !== n) refuse("row", `must have ${n} cells, got ${row.length}`);
    return Array.from(row);
  }
  if (!network.row || row === null || typeof row !== "object")
    refuse("row", `must be an array of ${n} cells${network.row ? ", or an object" : ""}`);
  return network.row.map((name, k) => {
    const used = columns.some((c) => c.column === k);
    if (used && !Object.hasOwn(row, name)) refuse("row", `lacks the column ${name}`);
    return row[name];
  });
}

function isMissing(cell) {
  return cell === null || cell === undefined || Number.isNaN(cell);
}

function toNumber(cell, place) {
  if (typeof cell === "string" && cell.trim() === "") return NaN;
  const number = isMissing(cell) ? NaN : Number(cell);
  if (Number.isNaN(number) && !isMissing(cell)) refuse(place, `${cell} is not a number`);
  return number;
}

function codeOf(c, cell, place) {
  const isText = c.categories && c.categories.some((v) => typeof v === "string");
  const value = !isText ? toNumber(cell, place) : isMissing(cell) ? NaN : String(cell);
  let code = value;
  if (Number.isNaN(value)) code = c.missing;
  else if (c.codes) code = c.codes.has(value) ? c.codes.get(value) : c.unknown;
  if (code === null) {
    const missing = Number.isNaN(value) || value === "";
    refuse(place, missing ? "is missing" : `${value} was not seen in training`);
  }
  return code;
}

function inputs(row) {
  const cells = listed(row);
  if (!columns)
    return cells.map((cell) => {
      if (isMissing(cell)) refuse("row", "a cell is missing");
      return toDtype(toNumber(cell, "row"));
    });
  const { names, mean, factor } = network.inputs;
  const x = [];
  for (const c of columns) {
    const code = codeOf(c, cells[c.column], `column ${network.row[c.column]}`);
    if (c.one_hot) for (let k = 0; k < c.one_hot; k++) x.push(code === k ? 1 : 0);
    else x.push(code);
  }
  return x.map((v, k) => {
    const z = toDtype((v - mean[k]) * factor[k]);
    if (!Number.isFinite(z)) refuse(names[k], `${v} is out of range`);
    return z;
  });
}

function layers(row) {
  const values = [inputs(row)];
  for (const step of steps) values.push(apply(step, values.at(-1)));
  return values;
}

function answer(x) {
  const y = steps.reduce((values, step) => apply(step, values), x);
  const { mean, factor } = network.outputs;
  return mean ? y.map((v, k) => v * factor[k] + mean[k]) : y;
}

function predict(row) {
  return answer(inputs(row));
}

function classify(row) {
  const { task, classes } = network.outputs;
  if (task === "regress") throw new TypeError("classify: the network predicts numbers");
  const y = predict(row);
  if (task === "multilabel") return y.map((v) => (v >= 0.5 ? 1 : 0));
  const k = y.length === 1 ? Number(y[0] >= 0.5) : y.indexOf(Math.max(...y));
  return classes ? classes[k] : k;
}

return { predict, classify, layers, steps, answer };
}

// gpunet's own page has no network yet here: it opens one after the other.
const { predict, classify, layers, steps } = network ? open(network) : {};
if (typeof module === "object" && module.exports) {
  module.exports = { predict, classify, layers, steps };
} else {
  globalThis.gpunet = network ? { predict, classify, layers, steps } : { open };
}
})();
