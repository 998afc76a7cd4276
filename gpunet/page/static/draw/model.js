// The network as a row of blocks, and what the drawing tabs ask of it.

// The network of the page, or another one like it: what is known of it, and it.
page.model = (runtime = page.network) => ({ ...page.document.network, ...runtime });

// A dense step with the functions behind it: input, z and a are indices of layers(row).
page.blocks = ({ steps }) => {
  const blocks = [];
  steps.forEach((step, k) => {
    if (step.layer === "dense") {
      const n = step.b.length;
      blocks.push({ W: step.W, b: step.b, nIn: step.W.length / n, nOut: n, names: [],
        input: k, z: k + 1, a: k + 1 });
    } else if (blocks.length) {
      blocks.at(-1).names.push(step.function);
      blocks.at(-1).a = k + 1;
    }
  });
  blocks.forEach((block, k) => {
    const isLast = k === blocks.length - 1;
    block.title = isLast ? "Output" : blocks.length > 2 ? `Hidden layer ${k + 1}`
      : "Hidden layer";
  });
  return blocks;
};

// What an output or neuron is called.
page.className = (network, k) => String(network.outputs.classes?.[k] ?? k);

// What outputs say: {label, value}; of several labels or numbers a text alone.
page.answer = ({ outputs }, y) => {
  if (outputs.task === "regress")
    return { label: y.map((v, k) => v * (outputs.factor?.[k] ?? 1)
      + (outputs.mean?.[k] ?? 0)).map((v) => page.number(v)).join(", ") };
  if (outputs.task === "multilabel") {
    const names = y.flatMap((v, k) => (v >= 0.5 ? [page.className({ outputs }, k)] : []));
    return { label: names.join(", ") || "none" };
  }
  const best = y.length > 1 ? y.indexOf(Math.max(...y)) : Number(y[0] >= 0.5);
  const value = y.length > 1 ? y[best] : best ? y[0] : 1 - y[0];
  return { label: page.className({ outputs }, best), value };
};

// Evenly spread numbers from 0 to 1, the same ones for one seed (mulberry32).
page.uniform = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

// Another model: normal noise on the weights, in standard deviations of a layer's.
page.withNoise = (level, seed) => {
  const noisy = gpunet.open(page.document.network), uniform = page.uniform(seed);
  for (const { W } of page.blocks(noisy)) {
    const mean = W.reduce((a, b) => a + b, 0) / W.length;
    const sd = Math.sqrt(W.reduce((a, w) => a + (w - mean) ** 2, 0) / W.length);
    for (let k = 0; k < W.length; k++) {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      W[k] += level * sd * radius * Math.cos(2 * Math.PI * uniform());
    }
  }
  return page.model(noisy);
};

// How much each neuron of a block is used: its mean |a| over inputs, times the sum of
// its weights' sizes into the next block. Without inputs |a| counts 1.
page.use = (network, block, next, rows) => {
  const use = new Float64Array(block.nOut).fill(rows.length ? 0 : 1);
  for (const row of rows)
    network.layers(row)[block.a].forEach((a, j) => {
      use[j] += Math.abs(a) / rows.length;
    });
  return use.map((value, j) => {
    if (!next) return value;
    const out = next.W.subarray(j * next.nOut, (j + 1) * next.nOut);
    return value * out.reduce((total, w) => total + Math.abs(w), 0);
  });
};

// A tab that is drawn anew when one of `keys` of the document changed: at once if it is
// in sight, else when it is shown. draw(doc) returns its elements.
page.renewedTab = ({ keys, draw, ...tab }) => {
  let isStale = false;
  const renew = (root, doc) => {
    isStale = false;
    root.replaceChildren(...draw(doc));
  };
  page.tab({
    ...tab,
    render(root, doc) {
      renew(root, doc);
      page.onUpdate((_, changes) => {
        if (!tab.when(doc) || !keys.some((key) => key in changes)) return;
        if (root.hidden) isStale = true;
        else renew(root, doc);
      });
    },
    shown: (root, doc) => isStale && renew(root, doc),
  });
};
