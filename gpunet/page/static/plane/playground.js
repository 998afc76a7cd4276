// The playground's state, without a picture: points, network, trainer, history.
page.plane ??= {};

page.plane.Playground = class Playground {
  // settings: kind, n, noise, seed, hidden: [{n, activation}], output, loss, optimizer,
  // learning_rate, momentum, l2, batch_size, target_loss. `given` is a network that was
  // trained elsewhere: {net, columns, answer}, with its data.
  constructor(settings = {}, data = null, given = null) {
    this.settings = { kind: "moons", n: 200, noise: 0.1, seed: 0,
      hidden: [{ n: 8, activation: "tanh" }, { n: 4, activation: "tanh" }],
      output: "identity", loss: null, optimizer: "sgd", learning_rate: 0.1, momentum: 0,
      l2: 0, batch_size: 10, target_loss: null, ...settings };
    this.data = data ?? page.plane.generate(this.settings);
    this.given = given;
    this.restart();
  }

  get losses() {
    const { classes } = this.data;
    if (!classes) return ["half_squared_error", "absolute_error", "huber"];
    const binary = (this.given?.net.nOut ?? classes.length) < 3 && this.sizes.at(-1) === 1;
    return [binary ? "sigmoid_cross_entropy" : "softmax_cross_entropy", "half_squared_error"];
  }

  get sizes() {
    const { classes } = this.data;
    const nOut = classes && classes.length > 2 ? classes.length : 1;
    const hidden = this.settings.hidden.map((layer) => layer.n);
    return [2, ...hidden, this.given ? this.given.net.nOut : nOut];
  }

  // Change what the network is made of, or trained on: it starts anew.
  renew(settings, data = this.data) {
    if (this.given) Object.assign(this.settings, { output: "identity", loss: null });
    Object.assign(this.settings, settings);
    Object.assign(this, { data, given: null });
    this.restart();
  }

  // Draw new weights from the seed, or return to those of the network that was given;
  // scale the points as gpunet scales the columns of a table.
  restart() {
    const { data, settings, given } = this;
    if (given) {
      Object.assign(this, { net: given.net.copy(), columns: given.columns, answer: given.answer });
    } else {
      if (!this.losses.includes(settings.loss)) settings.loss = this.losses[0];
      this.columns = [0, 1].map((k) => moments(data.x.map((row) => row[k])));
      this.answer = data.classes ? { mean: 0, scale: 1 } : moments(data.t);
      const activations = [...settings.hidden.map((layer) => layer.activation), settings.output];
      this.net = page.training.Network.start(this.sizes, activations, settings.loss, settings.seed);
    }
    this.history = [];
    this.begin(!given);
  }

  // Change how it is trained, or on which points; after the first step the weights stay.
  adapt(settings, data = this.data) {
    const more = data !== this.data;
    Object.assign(this.settings, settings);
    this.data = data;
    if (!this.trainer.step && !this.given) this.restart();
    else if (more || "optimizer" in settings || "batch_size" in settings) this.begin();
    else {
      this.stopped = "";
      this.repeatable &&= "target_loss" in settings;
    }
  }

  // Train the network as it is. `repeatable`: the command would get the same weights.
  begin(repeatable = false) {
    const epoch = this.history.length ? this.trainer.epoch : 0;
    const trainer = new page.training.Trainer(this.net, this.inputs(), this.settings);
    Object.assign(trainer, { epoch, step: epoch * trainer.stepsPerEpoch });
    Object.assign(this, { trainer, pending: null, numbers: null, stopped: "", repeatable });
    this.record();
  }

  scaled(row) {
    return row.map((value, k) => (value - this.columns[k].mean) * this.columns[k].factor);
  }

  inputs() {
    const { x, t, classes } = this.data, n = this.net.nOut;
    const target = (value) => {
      if (!classes) return [(value - this.answer.mean) / this.answer.scale];
      return n === 1 ? [value] : Array.from({ length: n }, (_, j) => Number(j === value));
    };
    return { x: Float64Array.from(x.flatMap((row) => this.scaled(row))), t: t.map(target) };
  }

  // Return the answers for rows [x1, x2] in the data's units, and each layer's caches.
  predict(rows) {
    const [y, caches] = this.net.forward(Float64Array.from(rows.flatMap((row) => this.scaled(row))));
    const { mean, scale } = this.answer;
    const answers = this.net.answers(y).map((row) => row.map((v) => v * scale + mean));
    return { answers, caches };
  }

  // Return {name, index, share} of an answer: its class and its share, or its number.
  read(answer) {
    const { classes } = this.data;
    if (!classes) return { name: page.number(answer[0]) };
    const shares = answer.length === 1 ? [1 - answer[0], answer[0]] : answer;
    const index = shares[1] >= shares[0] && answer.length === 1 ? 1 : shares.indexOf(Math.max(...shares));
    return { name: classes[index], index, share: Math.min(Math.max(shares[index], 0), 1) };
  }

  // Take a step, or finish the one that was begun in parts; false if training stopped.
  step() {
    return this.attempt(() => {
      if (this.pending) for (const numbers of this.pending.cycle) this.numbers = numbers;
      else this.numbers = this.trainer.takeStep();
      this.pending = null;
    });
  }

  // Take the next of the six parts of a step; return its number, 0 if training stopped.
  part() {
    let done = 0;
    this.attempt(() => {
      this.pending ??= { cycle: this.trainer.cycle(), done: 0 };
      this.numbers = this.pending.cycle.next().value;
      done = this.pending.done += 1;
      if (done === 6) this.pending = null;
    });
    return done;
  }

  epoch() {
    const { epoch } = this.trainer;
    while (this.trainer.epoch === epoch && this.step());
  }

  attempt(act) {
    if (this.stopped || !this.data.t.length) return false;
    try {
      act();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      Object.assign(this, { stopped: error.message, pending: null });
    }
    return !this.stopped;
  }

  // Note the loss; say whether it has reached the target.
  record() {
    const { trainer, history, settings } = this;
    if (!this.data.t.length) return false;
    const now = { epoch: trainer.step / trainer.stepsPerEpoch, ...trainer.measure() };
    if (history.at(-1)?.epoch === now.epoch) history.pop();
    history.push(now);
    if (history.length > 600)
      this.history = history.filter((_, k) => k % 2 === 0 || k === history.length - 1);
    return settings.target_loss !== null && now.loss <= settings.target_loss;
  }

  get last() {
    return this.history.at(-1);
  }

  // What `gpunet train` takes: the same points, start and order, so the same run.
  config(csv) {
    const { data, trainer, sizes } = this, { hidden, ...settings } = this.settings;
    const { seed, output, optimizer, learning_rate, l2, batch_size, loss } = settings;
    return { data: csv, target: data.target, task: data.classes ? "classify" : "regress",
      test_size: 0, validation: 0, sizes, hidden: null,
      activation: hidden.map((layer) => layer.activation), output, loss,
      weights: "he_uniform", dtype: "float64", seed, optimizer, learning_rate,
      momentum: optimizer === "sgd" ? settings.momentum : 0, l2, batch_size,
      epochs: Math.max(trainer.epoch, 1) };
  }
};

// Mean and standard deviation, as gpunet scales the columns of a table.
function moments(values) {
  if (!values.length) return { mean: 0, scale: 1, factor: 1 };
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const scale = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
  return { mean, scale: scale || 1, factor: scale ? 1 / scale : 0 };
}
