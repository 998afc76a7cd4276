// A network of dense layers: forward and backward, as gpunet/layers.py has them.
//
// Numbers of a batch are one Float64Array, row after row: neuron j of example k is
// z[k * nOut + j]. W has a row for each input: W[i * nOut + j] leads from i to j.
page.training ??= {};

// z = x W + b
function forward({ W, b, nIn, nOut }, x) {
  const batch = x.length / nIn;
  const z = new Float64Array(batch * nOut);
  for (let k = 0; k < batch; k++)
    for (let j = 0; j < nOut; j++) {
      let sum = 0;
      for (let i = 0; i < nIn; i++) sum += x[k * nIn + i] * W[i * nOut + j];
      z[k * nOut + j] = sum + b[j];
    }
  return z;
}

// dW = x^T dz,  db = sum of dz over the batch
function gradients({ nIn, nOut }, x, dz) {
  const batch = x.length / nIn;
  const dW = new Float64Array(nIn * nOut);
  const db = new Float64Array(nOut);
  for (let k = 0; k < batch; k++)
    for (let j = 0; j < nOut; j++) {
      const delta = dz[k * nOut + j];
      db[j] += delta;
      for (let i = 0; i < nIn; i++) dW[i * nOut + j] += x[k * nIn + i] * delta;
    }
  return { dW, db };
}

// dx = dz W^T
function backward({ W, nIn, nOut }, dz) {
  const batch = dz.length / nOut;
  const dx = new Float64Array(batch * nIn);
  for (let k = 0; k < batch; k++)
    for (let i = 0; i < nIn; i++) {
      let sum = 0;
      for (let j = 0; j < nOut; j++) sum += dz[k * nOut + j] * W[i * nOut + j];
      dx[k * nIn + i] = sum;
    }
  return dx;
}

function apply(f, z) {
  return z.map((v) => f.value(v, f.parameter));
}

// Long-term state: layers [{W, b, nIn, nOut, f}]; f is an activation.
page.training.Network = class Network {
  constructor(layers, loss) {
    this.layers = layers;
    this.loss = loss;
  }

  // sizes: [2, 8, 1]; activations: one for each hidden layer. The weights are
  // he_uniform, the biases 0: the start that gpunet draws from the same seed.
  static start(sizes, activations, loss, seed) {
    const rng = new page.training.Random(seed, "init");
    const layers = sizes.slice(1).map((nOut, k) => {
      const nIn = sizes[k];
      const limit = Math.sqrt(3) * Math.sqrt(2 / nIn);
      for (let i = 0; i < nIn * nOut; i++) rng.random(); // gpunet draws zeros so, too
      const W = rng.uniform(-limit, limit, nIn * nOut);
      for (let j = 0; j < nOut; j++) rng.random();
      const f = page.training.activation(activations[k] ?? "identity");
      return { W, b: new Float64Array(nOut), nIn, nOut, f };
    });
    return new Network(layers, page.training.loss(loss));
  }

  get nIn() {
    return this.layers[0].nIn;
  }

  get nOut() {
    return this.layers.at(-1).nOut;
  }

  // Return [y, caches]: a cache is a layer's transient state x, z and a.
  forward(x) {
    const caches = [];
    for (const layer of this.layers) {
      const z = forward(layer, x);
      const a = apply(layer.f, z);
      caches.push({ x, z, a });
      x = a;
    }
    return [x, caches];
  }

  // Return {dW, db} of each layer; dy is the slope of the loss at the outputs.
  backward(caches, dy) {
    const grads = [];
    for (let l = this.layers.length - 1; l >= 0; l--) {
      const layer = this.layers[l];
      const { x, z, a } = caches[l];
      const dz = dy.map((da, k) => da * layer.f.slope(z[k], a[k], layer.f.parameter));
      grads[l] = { ...gradients(layer, x, dz), dz };
      if (l > 0) dy = backward(layer, dz);
    }
    return grads;
  }

  // Return each example as an array of nOut numbers.
  examples(y) {
    const n = this.nOut;
    return Array.from({ length: y.length / n }, (_, k) => Array.from(y.subarray(k * n, (k + 1) * n)));
  }

  // Return the mean cost of a batch; t has an array of nOut numbers an example.
  value(y, t) {
    const rows = this.examples(y);
    const costs = rows.map((row, k) => this.loss.cost(row, t[k], this.loss.parameter));
    return costs.reduce((a, b) => a + b, 0) / rows.length;
  }

  // Return the slope of `value` at the outputs.
  slope(y, t) {
    const rows = this.examples(y);
    return Float64Array.from(
      rows.flatMap((row, k) => this.loss.slope(row, t[k], this.loss.parameter)),
      (v) => v / rows.length,
    );
  }

  // Return what gpunet's predict shows of outputs: probabilities, or y itself.
  answers(y) {
    return this.examples(y).map(this.loss.link ?? ((row) => row));
  }

  copy() {
    const layers = this.layers.map((l) => ({ ...l, W: l.W.slice(), b: l.b.slice() }));
    return new Network(layers, this.loss);
  }

  assign(other) {
    this.layers.forEach((layer, l) => {
      layer.W.set(other.layers[l].W);
      layer.b.set(other.layers[l].b);
    });
  }

  get isFinite() {
    return this.layers.every((l) => [l.W, l.b].every((p) => p.every(Number.isFinite)));
  }
};
