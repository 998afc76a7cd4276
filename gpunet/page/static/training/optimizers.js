// Optimizers: how the gradient becomes the weights of the next step, in place.
page.training ??= {};

// p <- p - rate g; with momentum v <- m v - rate g, p <- p + v.
class SGD {
  constructor({ momentum = 0 } = {}) {
    this.momentum = momentum;
  }

  update(p, g, rate, { v }) {
    for (let k = 0; k < p.length; k++) {
      v[k] = this.momentum * v[k] - rate * g[k];
      p[k] += v[k];
    }
  }
}

// m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2
// p <- p - rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)
class Adam {
  update(p, g, rate, { m, v, t }) {
    const [b1, b2, eps] = [0.9, 0.999, 1e-8];
    const correction = Math.sqrt(1 - b2 ** t) / (1 - b1 ** t);
    for (let k = 0; k < p.length; k++) {
      m[k] = b1 * m[k] + (1 - b1) * g[k];
      v[k] = b2 * v[k] + (1 - b2) * g[k] * g[k];
      p[k] -= (rate * correction * m[k]) / (Math.sqrt(v[k]) + eps);
    }
  }
}

const OPTIMIZERS = { sgd: SGD, adam: Adam };

// Moves every parameter of a network; remembers what its optimizer needs of each.
page.training.Optimizer = class Optimizer {
  constructor(net, { optimizer, learning_rate, l2 = 0, momentum = 0 }) {
    this.rule = new OPTIMIZERS[optimizer]({ momentum });
    Object.assign(this, { net, learning_rate, l2, steps: 0 });
    const memory = (p) => ({ m: p.map(() => 0), v: p.map(() => 0) });
    this.state = net.layers.map(({ W, b }) => ({ W: memory(W), b: memory(b) }));
  }

  // The penalty (l2 / 2) |W|^2 adds l2 W to the gradient of weights, never of biases.
  step(grads) {
    const t = ++this.steps;
    this.net.layers.forEach(({ W, b }, l) => {
      const { dW, db } = grads[l];
      const g = this.l2 ? dW.map((v, k) => v + this.l2 * W[k]) : dW;
      this.rule.update(W, g, this.learning_rate, { ...this.state[l].W, t });
      this.rule.update(b, db, this.learning_rate, { ...this.state[l].b, t });
    });
  }
};
