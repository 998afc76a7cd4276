// Draw a digit: what the network sees, what lights up, what it says and why.
const KEYS = "Draw with mouse, finger or pen. On the keyboard: arrows move, space "
  + "paints a dot, Shift with an arrow paints a line, Delete erases, Ctrl+Z undoes.";

let session = null; // of the network that is shown

page.tab({
  id: "draw",
  title: "Draw",
  when: ({ network, digits }) => network && digits,
  render(root, doc) {
    session = start(root, doc);
    page.onUpdate((_, changes) => {
      if (!doc.network || !doc.digits || !("network" in changes || "digits" in changes))
        return;
      if (!session.renew()) session = start(root, doc);
    });
  },
  shown: () => session?.follow(),
});

function start(root, doc) {
  const { side } = doc.digits;
  let digits = page.digits(doc), trained = page.model();
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
    if (state.digit) says.append(`. It is a ${state.digit.label}${
      label === state.digit.label ? "." : ": a mistake."}`);
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

  function load(digit) {
    put(digit.pixels, `Test digit no. ${digit.index}`, digit);
    page.select(String(digit.index));
  }

  // Load the digit that the address names.
  function follow() {
    const digit = digits.find(({ index }) => String(index) === page.selection());
    if (digit && digit !== state.digit) load(digit);
  }

  // Noise on the weights makes another network; the trained one stays as it is.
  function setNoise(level, seed) {
    state.model = level ? page.withNoise(level, seed) : trained;
    diagram.use(state.model);
    answer();
    squares.speak();
    if (state.neuron) explain(...state.neuron, false);
  }

  // Another network, of another epoch or member, sees what is on the board. Returns
  // whether it can: not with other layers.
  function renew() {
    const other = page.model(), sizes = (model) => String(model.steps.map((step) =>
      step.function ?? step.b.length));
    if (sizes(other) !== sizes(trained)) return false;
    [trained, digits] = [other, page.digits(doc)];
    state.digit = digits.find(({ index }) => index === state.digit?.index) ?? null;
    choice.replaceChildren(...chooser(digits, load, state));
    noise.renew();
    return true;
  }

  const noise = noiseSlider(setNoise);
  const choice = page.element("div", { class: "row examples" },
    chooser(digits, load, state));
  const noisy = page.uniform(7);
  const random = () => {
    put(Float32Array.from(state.pixels, noisy), "Pure noise");
    page.select("");
  };
  root.replaceChildren(page.element("div", { class: "drawing" },
    page.element("div", {}, board.element, tools(board), doubt),
    page.element("div", {}, diagram.element, page.element("p", { class: "muted" },
      "Lines are the strongest products of activation and weight: blue adds, orange and "
      + "dashed subtracts. Press a neuron for its whole sum."), says,
      page.element("div", { class: "row examples" },
        page.button("Noise", random), choice),
      page.numbers(() => page.table(["output", { name: "value", number: true }],
        Array.from(state.values.at(-1), (v, k) => [page.className(trained, k), v]),
        { caption: "The answer now" }))),
    page.element("div", {}, page.element("div", { class: "row seen" }, seen),
      page.element("p", { class: "muted" }, `What the network sees: ${side} × ${side}`
        + (side < 16 ? "." : " pixels, the digit scaled into a box and centered by its "
        + "mass.")),
      page.element("p", { class: "muted", id: "board-keys" }, KEYS))),
  why, page.element("h2", {}, "Every neuron"), squares.element, noise.element);

  follow();
  if (state.digit) return { follow, renew };
  const first = (doc.digits.typical ?? []).map((k) => digits[k])
    .reduce((best, digit) => (digit.probability > (best?.probability ?? 0)
      && !digit.isMistake ? digit : best), null);
  if (first) put(first.pixels, `Test digit no. ${first.index}`, first);
  else {
    drawn();
    finished();
  }
  setExample(true);
  return { follow, renew };
}

// Pen or eraser, undo, clear.
function tools(board) {
  const choose = (erase) => {
    board.erase = erase;
    pen.setAttribute("aria-pressed", String(!erase));
    eraser.setAttribute("aria-pressed", String(erase));
  };
  const pen = page.button("Pen", () => choose(false), { "aria-pressed": "true" });
  const eraser = page.button("Eraser", () => choose(true), { "aria-pressed": "false" });
  return page.element("div", { class: "row tools" }, pen, eraser,
    page.button("Undo", board.undo), page.button("Clear", board.clear));
}

// A test digit by its number, the next one, the next mistake.
function chooser(digits, load, state) {
  if (!digits.length) return [];
  const next = (by, isWanted) => () => {
    let at = digits.indexOf(state.digit);
    do at = (at + by + digits.length) % digits.length; while (!isWanted(digits[at]));
    load(digits[at]);
  };
  const inOrder = digits.toSorted((a, b) => a.index - b.index);
  const menu = page.element("select", { onchange: () => menu.value
    && load(inOrder[menu.value]) },
  page.element("option", { value: "" }, "load ..."), inOrder.map(({ index, label }, k) =>
    page.element("option", { value: k }, `${index} (${label})`)));
  const isMistake = (digit) => digit.isMistake, isRight = (digit) => !digit.isMistake;
  const buttons = [["Next digit", 1, isRight], ["Previous mistake", -1, isMistake],
    ["Next mistake", 1, isMistake]].filter(([, , isWanted]) => digits.some(isWanted));
  return [page.element("label", {}, "Test digit", menu),
    ...buttons.map(([text, by, isWanted]) => page.button(text, next(by, isWanted)))];
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
      + `normal noise of ${value} standard deviations of its layer, seed ${seed}.`;
    onChange(value, seed);
  }
  const element = page.element("div", {}, page.element("h2", {}, "Noise on the weights"),
    page.element("div", { class: "row" }, page.element("label", {}, "Noise", slider), level,
      other), warning);
  return { element, renew: change };
}
