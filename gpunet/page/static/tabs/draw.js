// Draw a digit: what the network sees, what lights up, what it says and why.
const KEYS = "Draw with a mouse, a finger or a pen. On the keyboard: arrows move, space "
  + "paints a dot, Shift with an arrow paints a line, Delete erases, Ctrl+Z undoes.";

let session = null; // of the network that is shown

page.tab({
  id: "draw",
  title: "Draw",
  when: ({ network, digits }) => network && digits,
  render(root, doc) {
    session = start(root, doc);
    page.onUpdate((_, changes) => {
      if (doc.network && doc.digits && ("network" in changes || "digits" in changes))
        session = start(root, doc);
    });
  },
  shown: () => session?.follow(),
});

function start(root, doc) {
  const { side } = doc.digits, digits = page.digits(doc);
  const trained = page.model();
  // What is shown: pixels, the network that sees them, what it makes of them.
  const state = { pixels: new Float32Array(side * side), model: trained, values: null,
    subject: "", neuron: null, digit: null, isExample: false };
  const hint = page.element("p", { class: "hint", hidden: true }, "Draw a digit here");
  const doubt = page.element("p", { class: "problem", hidden: true });
  const seen = page.element("canvas", { class: "picture", role: "img",
    "aria-label": `What the network sees: ${side} × ${side} pixels` });
  const says = page.element("p", { class: "says" });
  const why = page.element("div", { class: "why" });
  const board = page.board({ onStart, onInk: drawn, onEnd: ended });
  board.element.append(hint);
  const diagram = page.diagram(trained, digits.map(({ pixels }) => pixels), {
    onNeuron: explain, onHover: (l, j) => squares.tell(l, j) });
  const squares = page.squares(trained, { onNeuron: explain });

  function onStart() {
    if (!state.isExample) return;
    board.pixels.fill(0); // the example makes room for the first stroke
    setExample(false);
  }

  function setExample(isExample) {
    state.isExample = isExample;
    hint.hidden = !isExample;
    board.element.classList.toggle("example", isExample);
  }

  // A stroke grew: the network answers at once.
  function drawn() {
    const digit = page.digit(board.pixels, board.n, side);
    state.pixels = digit?.pixels ?? new Float32Array(side * side);
    state.subject = digit ? "" : "A blank board";
    state.digit = null;
    doubt.hidden = !digit?.doubt;
    doubt.textContent = digit?.doubt ?? "";
    answer();
  }

  function ended() {
    drawn();
    finished();
    page.select("");
  }

  // Show other pixels than drawn ones: a test digit, noise.
  function put(pixels, subject, digit = null) {
    board.set(pixels, side);
    setExample(false);
    doubt.hidden = true;
    Object.assign(state, { pixels, subject, digit });
    answer();
    finished();
  }

  function answer() {
    state.values = state.model.layers(state.pixels);
    page.paint(seen, state.pixels, { side });
    diagram.show(state.values);
    squares.show(state.values);
    const y = state.values.at(-1), { label, value } = page.answer(trained, y);
    const number = value === undefined ? "" : `, with ${value.toFixed(2)}`;
    says.replaceChildren(state.subject ? `${state.subject}: it says ` : "It says ",
      page.element("strong", {}, label), number);
    if (state.digit) says.append(truth(state.digit));
  }

  // Behind a stroke or a choice: what takes longer, or is read aloud.
  function finished() {
    squares.speak();
    diagram.light();
    if (state.neuron) explain(...state.neuron, false);
    page.say(says.textContent);
  }

  function explain(l, j, byHand = true) {
    state.neuron = [l, j];
    diagram.select(l, j);
    squares.tell(l, j);
    why.replaceChildren(page.neuron(state.model, state.values, l, j));
    if (!byHand) return;
    const head = why.querySelector("h2");
    head.focus({ preventScroll: true });
    head.scrollIntoView({ block: "nearest",
      behavior: page.reducedMotion() ? "auto" : "smooth" });
  }

  function load(k) {
    const digit = digits[k];
    if (!digit) return;
    put(digit.pixels, `Test digit ${digit.index}`, digit);
    page.select(String(k));
  }

  function follow() {
    const selection = page.selection();
    if (selection && digits[selection] && digits[selection] !== state.digit)
      load(Number(selection));
  }

  // Noise on the weights makes another network; the trained one stays as it is.
  const noise = noiseSlider((level, seed) => {
    state.model = level ? page.withNoise(level, seed) : trained;
    diagram.use(state.model);
    answer();
    squares.speak();
    if (state.neuron) explain(...state.neuron, false);
  });

  const noisy = page.uniform(7);
  const blank = () => { board.clear(); ended(); };
  const random = () => {
    put(Float32Array.from(state.pixels, noisy), "Pure noise");
    page.select("");
  };
  root.replaceChildren(page.element("div", { class: "drawing" },
    page.element("div", {}, board.element, tools(board, blank), doubt),
    page.element("div", {}, diagram.element, page.element("p", { class: "muted" },
      "Lines are the strongest products of activation and weight: blue ones add, orange "
      + "dashed ones take away. Press a neuron for its whole sum."), says,
      page.element("div", { class: "row examples" }, page.button("Blank", blank),
        page.button("Noise", random), chooser(digits, load, state)),
      page.numbers(() => page.table(["output", { name: "value", number: true }],
        Array.from(state.values.at(-1), (v, k) => [page.className(trained, k), v]),
        { caption: "What the network says now" }))),
    page.element("div", {}, page.element("div", { class: "row seen" }, seen),
      page.element("p", { class: "muted" }, `What the network sees: ${side} × ${side}`
        + (side < 16 ? "." : " pixels, the digit scaled into a box and centered by its "
        + "mass.")),
      page.element("p", { class: "muted", id: "board-keys" }, KEYS))),
  why, page.element("h2", {}, "Every neuron"), squares.element, noise);

  const first = (doc.digits.typical ?? []).reduce((best, k) =>
    (digits[k].probability > (digits[best]?.probability ?? 0) && !digits[k].isMistake ? k
      : best), -1);
  follow();
  if (!state.digit && first >= 0) {
    put(digits[first].pixels, `Test digit ${digits[first].index}`, digits[first]);
    setExample(true);
  } else if (!state.digit) {
    drawn();
    finished();
    hint.hidden = false;
    state.isExample = true;
  }
  return { follow };
}

const truth = ({ label, isMistake }) => (isMistake
  ? `. It is a ${label}: a mistake.` : `. It is a ${label}.`);

// Pen or eraser, undo, clear.
function tools(board, blank) {
  const choose = (erase) => {
    board.erase = erase;
    pen.setAttribute("aria-pressed", String(!erase));
    eraser.setAttribute("aria-pressed", String(erase));
  };
  const pen = page.button("Pen", () => choose(false), { "aria-pressed": "true" });
  const eraser = page.button("Eraser", () => choose(true), { "aria-pressed": "false" });
  return page.element("div", { class: "row tools" }, pen, eraser,
    page.button("Undo", () => board.undo()), page.button("Clear", blank));
}

// A test digit by its number, the next one, the next mistake.
function chooser(digits, load, state) {
  if (!digits.length) return null;
  const now = () => digits.indexOf(state.digit);
  const next = (by, wanted) => {
    const n = digits.length;
    for (let k = 1; k <= n; k++) {
      const at = (now() + by * k + n * (k + 1)) % n;
      if (wanted(digits[at])) return load(at);
    }
    return undefined;
  };
  const byIndex = digits.map((_, k) => k).sort((a, b) => digits[a].index - digits[b].index);
  const menu = page.element("select", { onchange: () => load(Number(menu.value)) },
    page.element("option", { value: "" }, "load ..."),
    byIndex.map((k) => page.element("option", { value: k },
      `${digits[k].index} (${digits[k].label})`)));
  const isMistake = (digit) => digit.isMistake;
  return [page.element("label", {}, "Test digit", menu),
    page.button("Next digit", () => next(1, (digit) => !digit.isMistake)),
    digits.some(isMistake) && page.button("Previous mistake", () => next(-1, isMistake)),
    digits.some(isMistake) && page.button("Next mistake", () => next(1, isMistake))];
}

function noiseSlider(onChange) {
  let seed = 1;
  const slider = page.element("input", { type: "range", min: 0, max: 2, step: 0.05,
    value: 0, id: "weight-noise", oninput: change });
  const level = page.element("output", { for: "weight-noise" }, "0");
  const warning = page.element("p", { class: "problem", hidden: true });
  const other = page.button("Other noise", () => { seed++; change(); }, { disabled: true });
  function change() {
    const value = Number(slider.value);
    level.textContent = slider.value;
    other.disabled = !value;
    warning.hidden = !value;
    warning.textContent = `This is not the trained network any more: each weight has `
      + `normal noise of ${value} standard deviations of its layer's weights, seed ${seed}.`;
    onChange(value, seed);
  }
  return page.element("div", {}, page.element("h2", {}, "Noise on the weights"),
    page.element("div", { class: "row" }, page.element("label", {}, "Noise", slider), level,
      other), warning);
}
