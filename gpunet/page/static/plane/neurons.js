// The planes of the neurons: what each makes of every point, small; one of them large.
page.plane ??= {};

const MOST = 32; // neurons of a layer that are shown

page.plane.neurons = (root, playground) => {
  const list = page.element("div", {}), detail = page.element("div", { class: "columns" });
  root.append(page.element("h2", {}, "What each neuron sees"),
    page.element("p", {}, "Blue where a neuron's activation is positive, orange where it is negative, paler towards 0. Choose one to read its weights."),
    list, detail);
  let pictures = [], chosen = null, shown = "";

  // Build the buttons anew when the layers have changed.
  function build() {
    const { layers } = playground().net, key = layers.map((l) => l.nOut).join("-");
    if (key === shown) return;
    [shown, pictures, chosen] = [key, [], null];
    list.replaceChildren(...layers.map(({ nOut, f }, l) => {
      const name = l === layers.length - 1 ? "Output" : `Hidden layer ${l + 1}`;
      const buttons = Array.from({ length: Math.min(nOut, MOST) }, (_, j) => {
        const canvas = page.element("canvas", { width: 48, height: 48 });
        pictures.push({ l, j, canvas });
        return page.element("button", { type: "button", class: "neuron", onclick: () => choose(l, j),
          "aria-label": `${name}, neuron ${j + 1}: show its weights` }, canvas);
      });
      const rest = nOut > MOST ? page.element("span", { class: "muted" }, `and ${nOut - MOST} more`) : null;
      return page.element("div", {}, page.element("h3", {}, `${name}, ${f.name}`),
        page.element("div", { class: "row" }, buttons, rest));
    }));
    detail.replaceChildren();
  }

  function choose(l, j) {
    const large = page.element("canvas", { width: 240, height: 240, class: "large", role: "img", "aria-label": `Plane of neuron ${j + 1} of layer ${l + 1}` });
    chosen = { l, j, canvas: large, table: page.element("div", {}) };
    detail.replaceChildren(large, chosen.table);
    tell();
    page.plane.redraw();
  }

  function tell() {
    const { l, j, table } = chosen, { net, data } = playground();
    const { W, b, nIn, nOut, f } = net.layers[l];
    const from = (i) => (l ? `a${i + 1} of layer ${l}` : `${data.names[i]}, scaled`);
    const rows = Array.from({ length: nIn }, (_, i) => [from(i), W[i * nOut + j]]);
    table.replaceChildren(
      page.element("p", {}, `z is the sum of weight x input, plus the bias; a = ${f.name}(z).`),
      page.table(["input", { name: "weight", number: true }], [...rows, ["bias", b[j]]],
        { caption: `Neuron ${j + 1} of layer ${l + 1}` }));
  }

  function draw({ caches, cells, palette }) {
    build();
    const largest = caches.map(({ a }) => a.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-12));
    const paint = ({ l, j, canvas }, stride) => {
      const { nOut } = playground().net.layers[l];
      page.plane.paint(canvas, cells, (k) => page.plane.signed(caches[l].a[k * nOut + j] / largest[l], palette), stride);
    };
    for (const picture of pictures) paint(picture, 3);
    if (!chosen) return;
    paint(chosen, 1);
    tell();
  }

  return { draw };
};
