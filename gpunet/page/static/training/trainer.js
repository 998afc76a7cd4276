// The learning cycle of the notes, one mini-batch at a time.
page.training ??= {};

page.training.Trainer = class Trainer {
  // data: {x: Float64Array (n * nIn), t: array of n targets, each of nOut numbers}.
  // settings: {optimizer, learning_rate, momentum, l2, batch_size, seed, shuffle}.
  constructor(net, data, settings) {
    Object.assign(this, { net, data, settings, step: 0, epoch: 0 });
    this.n = data.t.length;
    this.batchSize = Math.min(settings.batch_size, this.n);
    this.stepsPerEpoch = Math.ceil(this.n / this.batchSize);
    this.optimizer = new page.training.Optimizer(net, settings);
  }

  // Return the examples that the next step sees.
  nextBatch() {
    const k = this.step % this.stepsPerEpoch;
    if (k === 0 || !this.order) {
      const rng = new page.training.Random(this.settings.seed, "shuffle", this.epoch);
      const all = Array.from({ length: this.n }, (_, i) => i);
      this.order = this.settings.shuffle === false ? all : rng.permutation(this.n);
    }
    return this.order.slice(k * this.batchSize, (k + 1) * this.batchSize);
  }

  // The six steps, one at a time; each yields the numbers so far. What is no longer
  // finite is an error that names the step, and the weights stay those before it.
  *cycle() {
    const { net, data, step } = this, n = net.nIn;
    // 1. Take the input data x.
    const rows = this.nextBatch();
    const x = Float64Array.from({ length: rows.length * n }, (_, k) =>
      data.x[rows[Math.floor(k / n)] * n + (k % n)]);
    const t = rows.map((row) => data.t[row]);
    const numbers = { rows, x, t };
    yield numbers;
    // 2. Make a prediction using W and b.
    const [y, caches] = net.forward(x);
    yield Object.assign(numbers, { y, caches });
    // 3. Compare the prediction to the desired output.
    const loss = net.value(y, t);
    const dy = net.slope(y, t);
    yield Object.assign(numbers, { loss, dy });
    // 4. Back-propagate: the gradients of W and b.
    const grads = net.backward(caches, dy);
    yield Object.assign(numbers, { grads });
    // 5. Apply the gradients using the learning rate.
    const before = net.copy();
    this.optimizer.step(grads);
    if (!Number.isFinite(loss) || !net.isFinite) {
      net.assign(before);
      const what = Number.isFinite(loss) ? "a weight" : "the loss";
      throw new RangeError(`step ${step + 1}: ${what} is no longer a finite number, so ` +
        "training stopped; the weights are those before this step. Reset, and use a " +
        "smaller learning rate.");
    }
    yield Object.assign(numbers, { before });
    // 6. Repeat the cycle.
    this.step += 1;
    if (this.step % this.stepsPerEpoch === 0) this.epoch += 1;
    yield numbers;
  }

  takeStep() {
    let numbers;
    for (numbers of this.cycle());
    return numbers;
  }

  // Return the mean loss and the share of right answers over all examples, as they are.
  measure() {
    const [y] = this.net.forward(this.data.x);
    const answers = this.net.answers(y);
    const index = (row) => (row.length === 1 ? Number(row[0] >= 0.5) : row.indexOf(Math.max(...row)));
    const right = answers.filter((row, k) => index(row) === index(this.data.t[k])).length;
    return { loss: this.net.value(y, this.data.t), accuracy: right / this.n };
  }
};
