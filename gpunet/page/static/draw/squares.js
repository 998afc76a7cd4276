// Every layer's activations as squares; arrows move among them, Enter explains one.
const MOST = 1024; // squares of a layer

// Returns {element, show(values), speak(values)}. onNeuron(block, j).
page.squares = (network, { onNeuron }) => {
  const blocks = page.blocks(network);
  const number = page.element("p", { class: "muted readout" },
    "Point at a square, or reach it by Tab and arrows, for its number.");
  let values = null;

  const tell = (l, j) => {
    if (!values) return;
    const block = blocks[l];
    number.textContent = `${block.title}, neuron ${j}: z = ${
      page.number(values[block.z][j])}, a = ${page.number(values[block.a][j])}`;
  };

  const layers = blocks.map((block, l) => {
    const n = Math.min(block.nOut, MOST);
    const squares = Array.from({ length: n }, (_, j) => page.element("button", {
      type: "button", class: "square", tabindex: j ? -1 : 0,
      onclick: () => onNeuron(l, j), onfocus: () => tell(l, j),
      onpointerenter: () => tell(l, j) }));
    const grid = page.element("div", { class: "squares", role: "group",
      "aria-label": `${block.title}: activations` }, squares);
    grid.addEventListener("keydown", (event) => move(event, squares));
    const names = block.names.length ? `, ${block.names.join(", then ")}` : "";
    const rest = block.nOut > n ? `; the first ${n} are shown` : "";
    const head = `${block.title}: ${block.nOut} neuron${block.nOut > 1 ? "s" : ""}`;
    return { block, squares, element: page.element("div", {},
      page.element("h3", {}, `${head}${names}${rest}`), grid) };
  });

  function move(event, squares) {
    const k = squares.indexOf(document.activeElement);
    const width = squares.filter((s) => s.offsetTop === squares[0].offsetTop).length;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: width, ArrowUp: -width,
      Home: -k, End: squares.length - 1 - k }[event.key];
    if (k < 0 || by === undefined) return;
    event.preventDefault();
    const next = squares[k + by];
    if (!next) return;
    squares[k].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  function show(next) {
    values = next;
    for (const { block, squares } of layers) {
      const a = values[block.a];
      const most = a.reduce((max, v) => Math.max(max, Math.abs(v)), 0) || 1;
      squares.forEach((square, j) => {
        const share = Math.abs(a[j]) / most, color = a[j] < 0 ? [240, 152, 90]
          : [255, 255, 255];
        const mix = [14, 17, 22].map((v, c) => Math.round(v + share * (color[c] - v)));
        square.style.setProperty("background-color", `rgb(${mix.join(",")})`);
      });
    }
  }

  // Names for those who listen: behind a stroke, not during it.
  function speak() {
    for (const { block, squares } of layers)
      squares.forEach((square, j) => square.setAttribute("aria-label",
        `neuron ${j}: ${page.number(values[block.a][j], 3)}`));
  }

  return { element: page.element("div", {}, number, layers.map((each) => each.element)),
    show, speak, tell };
};
