// Optimizers: how the gradient becomes the weights of the next step, in place.
//
// p are weights, g their gradient, `memory` is what the optimizer remembers of them; t
// counts the steps from 1.
page.training ??= {};

const OPTIMIZERS = {
  // p <- p - rate g; with momentum v <- m v - rate g, p <- p + v.
  sgd(p, g, { v }, t, { learning_rate: rate, momentum = 0 }) {
    for (let k = 0; k < p.length; k++) {
      v[k] = momentum * v[k] - rate * g[k];
      p[k] += v[k];
    }
  },

  // m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2
  // p <- p - rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)
  adam(p, g, { m, v }, t, { learning_rate: rate }) {
    const [b1, b2, eps] = [0.9, 0.999, 1e-8];
    const correction = Math.sqrt(1 - b2 ** t) / (1 - b1 ** t);
    for (let k = 0; k < p.length; k++) {
      m[k] = b1 * m[k] + (1 - b1) * g[k];
      v[k] = b2 * v[k] + (1 - b2) * g[k] * g[k];
      p[k] -= (rate * correction * m[k]) / (Math.sqrt(v[k]) + eps);
    }
  },
};

// Moves every parameter of a network. Settings may change between two steps.
page.training.Optimizer = class Optimizer {
  constructor(net, settings) {
    Object.assign(this, { net, settings, steps: 0 });
    const zeros = (p) => ({ m: p.map(() => 0), v: p.map(() => 0) });
    this.memory = net.layers.map(({ W, b }) => ({ W: zeros(W), b: zeros(b) }));
  }

  // The penalty (l2 / 2) |W|^2 adds l2 W to the gradient of weights, never of biases.
  step(grads) {
    const { settings } = this, { l2 = 0 } = settings, t = ++this.steps;
    const update = OPTIMIZERS[settings.optimizer];
    this.net.layers.forEach(({ W, b }, l) => {
      const { dW, db } = grads[l], memory = this.memory[l];
      update(W, l2 ? dW.map((g, k) => g + l2 * W[k]) : dW, memory.W, t, settings);
      update(b, db, memory.b, t, settings);
    });
  }
};
