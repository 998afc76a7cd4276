// Activations and losses: a value, and the slope that training needs.
//
// The formulas of gpunet/activations/formulas.py and gpunet/losses.py, for one neuron
// or one example. A name may have a number after a colon: "leaky_relu:0.01".
page.training ??= {};

const sigmoid = (z) => {
  const e = Math.exp(Math.min(z, 40));
  return e / (1 + e);
};
const gelu = (z) => sigmoid(1.5957691216057308 * (z + 0.044715 * z * z * z));

// value(z) is a; slope(z, a) is da/dz.
const activations = {
  identity: { value: (z) => z, slope: () => 1 },
  sigmoid: { value: sigmoid, slope: (z, a) => a * (1 - a) },
  tanh: { value: Math.tanh, slope: (z, a) => 1 - a * a },
  relu: { value: (z) => Math.max(z, 0), slope: (z) => (z > 0 ? 1 : 0) },
  leaky_relu: {
    value: (z, alpha) => (z > 0 ? z : alpha * z),
    slope: (z, a, alpha) => (z >= 0 ? 1 : alpha),
  },
  elu: {
    value: (z, alpha) => (z > 0 ? z : alpha * Math.expm1(z)),
    slope: (z, a, alpha) => (z > 0 ? 1 : a + alpha),
  },
  gelu: {
    value: (z) => z * gelu(z),
    slope: (z) => {
      const s = gelu(z);
      return s + z * s * (1 - s) * 1.5957691216057308 * (1 + 0.134145 * z * z);
    },
  },
  silu: {
    value: (z) => z * sigmoid(z),
    slope: (z, a) => sigmoid(z) + a * (1 - sigmoid(z)),
  },
  softplus: {
    value: (z) => Math.log1p(Math.exp(-Math.abs(z))) + Math.max(z, 0),
    slope: (z) => sigmoid(z),
  },
};

function softmax(z) {
  const most = Math.max(...z);
  const e = z.map((v) => Math.exp(v - most));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
}

const sum = (y, term) => y.reduce((total, v, j) => total + term(v, j), 0);

function squares(factor) {
  return {
    cost: (y, t) => factor(y.length) * sum(y, (v, j) => (v - t[j]) ** 2),
    slope: (y, t) => y.map((v, j) => 2 * factor(y.length) * (v - t[j])),
  };
}

// cost(y, t) of one example; slope(y, t) is dcost/dy; link(y) is what predict shows.
const losses = {
  half_squared_error: squares(() => 0.5),
  squared_error: squares(() => 1),
  mean_squared_error: squares((n) => 1 / n),
  absolute_error: {
    cost: (y, t) => sum(y, (v, j) => Math.abs(v - t[j])),
    slope: (y, t) => y.map((v, j) => Math.sign(v - t[j])),
  },
  huber: {
    cost: (y, t, delta) =>
      sum(y, (v, j) => {
        const c = Math.min(Math.max(v - t[j], -delta), delta);
        return c * (v - t[j] - 0.5 * c);
      }),
    slope: (y, t, delta) => y.map((v, j) => Math.min(Math.max(v - t[j], -delta), delta)),
  },
  sigmoid_cross_entropy: {
    cost: (y, t, s) =>
      sum(y, (v, j) => {
        const target = (1 - s) * t[j] + 0.5 * s;
        return Math.max(v, 0) - v * target + Math.log1p(Math.exp(-Math.abs(v)));
      }),
    slope: (y, t, s) => y.map((v, j) => sigmoid(v) - ((1 - s) * t[j] + 0.5 * s)),
    link: (y) => y.map(sigmoid),
  },
  softmax_cross_entropy: {
    cost: (y, t, s) => {
      const most = Math.max(...y);
      const log = most + Math.log(sum(y, (v) => Math.exp(v - most)));
      return sum(y, (v, j) => ((1 - s) * t[j] + s / y.length) * (log - v));
    },
    slope: (y, t, s) =>
      softmax(y).map((a, j) => a - ((1 - s) * t[j] + s / y.length)),
    link: softmax,
  },
};

const DEFAULTS = { leaky_relu: 0.01, elu: 1, huber: 1 };

// Return the functions called `name` with their number, or undefined.
function named(table, name) {
  const [kind, number] = String(name).split(":");
  if (!Object.hasOwn(table, kind)) return undefined;
  const parameter = number === undefined ? (DEFAULTS[kind] ?? 0) : Number(number);
  return { name, parameter, ...table[kind] };
}

page.training.activation = (name) => named(activations, name);
page.training.loss = (name) => named(losses, name);
page.training.ACTIVATIONS = Object.keys(activations);
