// The controls of the playground: data, network, training. Each says what it sets.
page.plane ??= {};

const { element, field } = page;

// A number field; what is no number of its range is said beside it, and changes nothing.
function numberField(label, value, { min, max, step = "any", empty = false }, set) {
  const problem = element("span", { class: "problem", role: "alert" });
  const input = element("input", { type: "number", value: value ?? "", min, max, step, size: 8 });
  input.addEventListener("change", () => {
    const number = input.value.trim() === "" ? NaN : Number(input.value);
    const whole = step === 1 && !Number.isInteger(number);
    const nothing = empty && input.value.trim() === "" && !input.validity.badInput;
    const wrong = !nothing && !(number >= min && number <= max && !whole);
    problem.textContent = wrong ? `${step === 1 ? "a whole number" : "a number"} from ${min} to ${max}, please` : "";
    input.setAttribute("aria-invalid", String(wrong));
    if (!wrong) set(nothing ? null : number);
  });
  return element("span", {}, field(label, input), problem);
}

function select(options, value, set, attributes = {}) {
  const control = element("select", { ...attributes, onchange: () => set(control.value) },
    Object.entries(options).map(([key, text]) => element("option", { value: key, selected: key === value }, text)));
  return control;
}

const menu = (label, ...rest) => field(label, select(...rest));
page.plane.menu = menu;

const same = (names) => Object.fromEntries(names.map((name) => [name, name.replaceAll("_", " ")]));
const group = (title, ...content) => element("fieldset", {}, element("legend", {}, title), content);

// root is drawn anew by draw(); `act` has renew(settings, data), adapt(settings).
page.plane.controls = (root, playground, act) => {
  let adding = 0;
  const table = csv();

  function data() {
    const { settings, data: points } = playground();
    const made = settings.kind in page.plane.DATASETS;
    const generate = (change) => {
      const next = { ...settings, ...change };
      act.renew(change, page.plane.generate(next));
    };
    const kinds = { ...(made ? {} : { [settings.kind]: settings.kind === "given" ? "as trained" : "your own points" }), ...page.plane.DATASETS };
    const clear = page.button("Remove all points", () => act.renew({ kind: "own" }, { ...points, x: [], t: [] }));
    return group("Data", menu("Points", kinds, settings.kind, (kind) => generate({ kind })),
      made ? [
        numberField("How many", settings.n, { min: 10, max: 2000, step: 1 }, (n) => generate({ n })),
        numberField("Noise", settings.noise, { min: 0, max: 1 }, (noise) => generate({ noise })),
      ] : null, element("div", {}, choice(points)), element("div", {}, clear), table);
  }

  function choice({ classes, target }) {
    adding = classes ? Math.min(adding, classes.length - 1) : adding;
    if (!classes) return numberField(`A click adds a point of ${target}`, adding, { min: -1e9, max: 1e9 }, (value) => { adding = value; });
    const names = Object.fromEntries(classes.map((name, k) => [k, name]));
    return menu(`A click adds a point of ${target}`, names, String(adding), (k) => { adding = Number(k); });
  }

  function csv() {
    const problem = element("p", { class: "problem", role: "alert" });
    const area = element("textarea", { rows: 5, cols: 24, placeholder: "x1,x2,class\n0.5,1,red\n-1,0.25,blue", spellcheck: "false" });
    const file = element("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv" });
    const use = (text) => {
      problem.textContent = "";
      try {
        act.renew({ kind: "own" }, page.plane.readCsv(text));
        page.say(`${playground().data.t.length} points were read.`);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        problem.textContent = `These points cannot be used: ${error.message}.`;
      }
    };
    file.addEventListener("change", async () => use(await file.files[0].text()));
    return element("details", {}, element("summary", {}, "Your own table"),
      field("Rows: two numbers and a class, or a number to predict", area),
      page.button("Use these rows", () => use(area.value)), field("or a CSV file", file), problem);
  }

  function network() {
    const { settings, losses, given } = playground(), { hidden } = settings;
    const change = (layers) => act.renew({ hidden: layers });
    const layers = hidden.map((layer, l) => {
      const set = (part) => change(hidden.map((other, k) => (k === l ? { ...layer, ...part } : other)));
      const names = [...new Set([...page.training.ACTIVATIONS, layer.activation])];
      return element("div", { class: "row layer" },
        numberField(`Layer ${l + 1}`, layer.n, { min: 1, max: 64, step: 1 }, (n) => set({ n })),
        select(same(names), layer.activation, (activation) => set({ activation }), { "aria-label": `Activation of layer ${l + 1}` }),
        page.button("Remove", () => change(hidden.filter((_, k) => k !== l)), { "aria-label": `Remove layer ${l + 1}` }));
    });
    const last = hidden.at(-1) ?? { n: 4, activation: "tanh" };
    return group("Network", element("p", { class: "muted" }, `${playground().sizes.join("-")}: two inputs, hidden layers, ${playground().sizes.at(-1) === 1 ? "one output" : "an output for each class"}.`), given ? element("p", { class: "muted" }, "This is the network as it was trained. A change here starts a new one.") : null,
      layers, element("div", {}, page.button("Add a hidden layer", () => change([...hidden, { ...last }]), { disabled: hidden.length >= 6 })),
      menu("Loss", same([...new Set([...losses, settings.loss])]), settings.loss, (loss) => act.renew({ loss })),
      numberField("Seed", settings.seed, { min: 0, max: 2 ** 32 - 1, step: 1 }, (seed) => {
        if (settings.kind in page.plane.DATASETS) act.renew({ seed }, page.plane.generate({ ...settings, seed }));
        else act.renew({ seed });
      }));
  }

  function training() {
    const { settings } = playground();
    const set = (name) => (value) => act.adapt({ [name]: value });
    return group("Training",
      menu("Optimizer", { sgd: "gradient descent", adam: "Adam" }, settings.optimizer, set("optimizer")),
      numberField("Learning rate", settings.learning_rate, { min: 1e-6, max: 1000 }, set("learning_rate")),
      settings.optimizer === "sgd" ? numberField("Momentum", settings.momentum, { min: 0, max: 0.999 }, set("momentum")) : null,
      numberField("Batch size", settings.batch_size, { min: 1, max: 5000, step: 1 }, set("batch_size")),
      numberField("Penalty l2", settings.l2, { min: 0, max: 10 }, set("l2")),
      numberField("Stop at loss", settings.target_loss, { min: 0, max: 1e9, empty: true }, set("target_loss")));
  }

  // What had the focus has it again: the control at the same place.
  function draw() {
    const all = () => [...root.querySelectorAll("input, select, button, textarea, summary")];
    const focused = all().indexOf(document.activeElement);
    root.replaceChildren(data(), network(), training());
    if (focused >= 0) all()[Math.min(focused, all().length - 1)].focus();
  }

  return {
    draw,
    chosen: () => adding,
  };
};
