// The playground of a document: its network of two inputs, its points, its settings.
page.plane ??= {};

page.plane.open = (doc) => {
  const { network, plane } = doc;
  if (!network) return new page.plane.Playground(plane.settings);
  const net = trainable(network, plane.loss);
  const { inputs, outputs } = network, names = inputs.names ?? ["x1", "x2"];
  const columns = [0, 1].map((k) => ({ mean: inputs.mean?.[k] ?? 0, factor: inputs.factor?.[k] ?? 1 }));
  const answer = { mean: outputs.mean?.[0] ?? 0, scale: outputs.factor?.[0] ?? 1 };
  const layers = net.layers.map((layer) => ({ n: layer.nOut, activation: layer.f.name }));
  const output = layers.pop().activation;
  const settings = { ...plane.settings, hidden: layers, output, loss: plane.loss, kind: "given" };
  const classes = classesOf(outputs, net, plane.loss, output);
  const data = plane.x ? { names, target: plane.target ?? (classes ? "class" : "y"), classes, ...points(plane) }
    : standIn(settings, classes, net.nOut);
  return new page.plane.Playground(settings, data, { net, columns, answer });
};

// Return the network for training: without the function that follows a loss on logits.
function trainable({ layers, dtype }, loss) {
  const steps = [...layers];
  if (/^(softmax|sigmoid)_cross_entropy/.test(loss)) steps.pop();
  const dense = [];
  for (const step of steps) {
    if (step.layer === "dense") {
      const W = numbers(step.W, dtype), b = numbers(step.b, dtype), nOut = b.length;
      dense.push({ W, b, nIn: W.length / nOut, nOut, f: page.training.activation("identity") });
    } else {
      const number = step.alpha === undefined ? "" : `:${step.alpha}`;
      dense.at(-1).f = page.training.activation(step.function + number);
    }
  }
  return new page.training.Network(dense, page.training.loss(loss));
}

function numbers(values, dtype) {
  if (typeof values !== "string") return Float64Array.from(values.flat?.() ?? values);
  const size = dtype === "float32" ? 4 : 8, view = new DataView(page.bytes(values).buffer);
  return Float64Array.from({ length: view.byteLength / size }, (_, k) =>
    (size === 4 ? view.getFloat32(4 * k, true) : view.getFloat64(8 * k, true)));
}

function points({ x, t }) {
  const flat = Array.from(page.floats(x));
  return { x: flat.filter((_, k) => k % 2 === 0).map((value, k) => [value, flat[2 * k + 1]]),
    t: Array.from(page.floats(t)) };
}

function classesOf({ task, classes }, net, loss, output) {
  if (classes) return classes.map(String);
  if (task === "regress") return null;
  if (net.nOut > 1) return Array.from({ length: net.nOut }, (_, j) => String(j));
  return output === "sigmoid" || loss.startsWith("sigmoid") ? ["0", "1"] : null;
}

// Points for a network that has none: those of a set with as many classes, if any.
function standIn(settings, classes, nOut) {
  const kind = !classes ? "waves" : classes.length === 2 ? "moons" : classes.length === 3 ? "blobs" : null;
  if (kind) return { ...page.plane.generate({ seed: 0, ...settings, n: 200, noise: 0.1, kind }), classes };
  return { names: ["x1", "x2"], target: "class", classes, x: [], t: [] };
}
