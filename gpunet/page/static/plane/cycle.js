// One mini-batch in the six steps of the notes, with its numbers.
page.plane ??= {};

const STEPS = ["Take the input data x", "Make a prediction using W and b",
  "Compare the prediction to the desired output", "Back-propagate: the gradients of W and b",
  "Apply the gradients using the learning rate", "Repeat the cycle"];
const { element } = page;
const COLUMN = (name) => ({ name, number: true });

page.plane.cycle = (root, playground, next) => {
  const steps = STEPS.map((text) => element("li", {}, text));
  const place = element("div", {});
  root.append(element("h2", {}, "One step, in six"),
    element("p", {}, "The learning cycle for one mini-batch. Each press shows the next part with its numbers."),
    page.button("Next part", next), element("ol", { class: "cycle" }, steps), place);

  const round = (values) => Array.from(values, (v) => page.number(v)).join(", ");

  // Return [sentence, table] of a part, of the numbers so far.
  function told(part, { rows, x, t, y, caches, loss, dy, grads, before }) {
    const { net, data, settings, trainer } = playground(), n = net.nOut;
    const of = (values, k, width) => values.subarray(k * width, (k + 1) * width);
    const example = (...columns) => [["example", ...columns.map(([name]) => name)],
      rows.map((row, k) => [String(row), ...columns.map(([, cell]) => cell(k))])];
    switch (part) {
      case 1:
        return [`${rows.length} of ${data.t.length} examples, scaled as the network sees them; t is the desired output.`,
          example(["x", (k) => round(of(x, k, 2))], ["t", (k) => round(t[k])])];
      case 2:
        return [`z = x W + b and a = f(z) in ${net.layers.length} layers; the last gives the prediction y.`,
          example(["a of the first layer", (k) => round(of(caches[0].a, k, net.layers[0].nOut))], ["y", (k) => round(of(y, k, n))])];
      case 3:
        return [`The mean cost of the batch is ${page.number(loss)} (${net.loss.name.replaceAll("_", " ")}); dy is its slope at each output.`,
          example(["y", (k) => round(of(y, k, n))], ["t", (k) => round(t[k])], ["dy", (k) => round(of(dy, k, n))])];
      case 4:
        return ["Layer by layer from the last to the first: dz = da f'(z), dW = x^T dz, db is the sum of dz, and dx = dz W^T goes on.",
          [["parameter", COLUMN("value"), COLUMN("gradient")], parameters(net, (l, p, k) => [net.layers[l][p][k], grads[l][`d${p}`][k]])]];
      case 5: {
        const after = (l, p, k) => [before.layers[l][p][k], grads[l][`d${p}`][k], net.layers[l][p][k]];
        return [`Each parameter moves against its gradient, learning rate ${settings.learning_rate}.`,
          [["parameter", COLUMN("before"), COLUMN("gradient"), COLUMN("after")], parameters(net, after)]];
      }
      default: {
        const now = net.value(net.forward(x)[0], t);
        return [`On this batch the cost went from ${page.number(loss)} to ${page.number(now)}. Step ${trainer.step} is done; the next press takes the next batch.`, null];
      }
    }
  }

  function parameters(net, cells) {
    return net.layers.flatMap(({ W, b, nOut }, l) => [
      ...Array.from(W, (_, k) => [`layer ${l + 1}, W from ${Math.floor(k / nOut) + 1} to ${(k % nOut) + 1}`, ...cells(l, "W", k)]),
      ...Array.from(b, (_, k) => [`layer ${l + 1}, b of ${k + 1}`, ...cells(l, "b", k)])]);
  }

  return {
    show(part) {
      steps.forEach((item, k) => item.toggleAttribute("aria-current", k + 1 === part));
      place.replaceChildren();
      if (!part) return;
      const [sentence, table] = told(part, playground().numbers);
      place.append(element("p", {}, sentence), ...(table ? [page.table(...table, { caption: STEPS[part - 1], most: 16 })] : []));
      page.say(`${part}. ${STEPS[part - 1]}. ${sentence}`);
    },
  };
};
