// The form of a model of tables: a raw row, its answer, and which input moved it most.
const { element } = page;
const UNSEEN = "\u0000unseen"; // no category of a table can be this

page.tab({
  id: "form",
  title: "Ask",
  when: (doc) => doc.table !== undefined && doc.network !== undefined,
  render(root, doc) {
    const { network, table } = doc, { inputs, outputs } = network;
    const answer = element("div", {}), details = element("div", {});
    const fields = table.columns.map((column, k) => fieldOf(column, network.columns[k], show));
    const reset = page.button("Reset", () => {
      for (const field of fields) field.reset();
      show();
      page.say("Every column is back at its mean or its most frequent value.");
    });
    const form = element("form", { class: "ask", onsubmit: (event) => event.preventDefault() },
      fields.map((field) => field.place), element("div", {}, reset));
    root.append(element("p", {}, `Fill in a row as the table has it; the network predicts “${table.target}”.`),
      element("div", { class: "columns" }, form, element("div", {}, answer, details)));

    function show() {
      if (fields.filter((field) => !field.check()).length) {
        answer.replaceChildren(element("p", { class: "problem" }, "No answer: a cell cannot be used; it says why."));
        details.replaceChildren();
        return;
      }
      const row = fields.map((field) => field.value());
      let y;
      try {
        y = page.network.predict(row);
      } catch (error) { // a number that is beyond the network's
        answer.replaceChildren(element("p", { class: "problem" }, error.message));
        details.replaceChildren();
        return;
      }
      answer.replaceChildren(...told(y));
      const z = page.network.layers(row)[0], moved = moves(z, y);
      const opened = toggles().map((button) => button.getAttribute("aria-expanded") === "true");
      details.replaceChildren(element("p", {}, sentence(moved, y)), page.numbers(() => effects(moved, y), "Show each column's part"),
        page.numbers(() => page.table(["input", "scaled"], inputs.names.map((name, k) => [name, z[k]]), { caption: "What the network sees: (x - mean) x factor" }), "Show the scaled inputs"));
      toggles().forEach((button, k) => opened[k] && button.click());
      page.say(answer.textContent);
    }

    const toggles = () => [...details.querySelectorAll("[aria-expanded]")];

    // The answer in words, and of classes the share of each.
    function told(y) {
      if (outputs.task === "regress")
        return [element("p", { class: "answer" }, `${table.target}: ${page.number(y[0], 6)}`)];
      const shares = sharesOf(y), best = shares.indexOf(Math.max(...shares));
      const bars = shares.map((share) => element("span", { class: "bar", style: { width: `${(100 * share).toFixed(1)}%` } }));
      const rows = outputs.classes.map((name, k) => [String(name), element("span", {}, element("span", { class: "track" }, bars[k]), page.percent(shares[k]))]);
      return [element("p", { class: "answer" }, `${table.target}: ${outputs.classes[best]} (${page.percent(shares[best], 1)})`),
        page.table(["class", "probability"], rows, { caption: "Probability of each class" })];
    }

    // Return what the answer would be with one column at a time at its mean.
    function moves(z, y) {
      let start = 0;
      const target = outputs.task === "regress" ? 0 : indexOf(sharesOf(y));
      const level = (outs) => (outputs.task === "regress" ? outs[0] : sharesOf(outs)[target]);
      return table.columns.map((column) => {
        const mean = column.shares ?? [0]; // a scaled number's mean is 0
        const other = z.slice();
        mean.forEach((value, k) => { other[start + k] = value; });
        start += mean.length;
        const without = level(page.network.answer(other));
        return { name: column.name, without, moved: level(y) - without };
      });
    }

    const amount = (value) => (outputs.task === "regress" ? page.number(value, 5) : page.percent(value, 1));
    const what = (y) => (outputs.task === "regress" ? table.target : `the probability of ${outputs.classes[indexOf(sharesOf(y))]}`);

    function sentence(moved, y) {
      const most = moved.reduce((a, b) => (Math.abs(b.moved) > Math.abs(a.moved) ? b : a));
      if (!most.moved) return "Every column is at its mean: none of them moved the answer.";
      return `${most.name} moved the answer most: at its mean, ${what(y)} would be ${amount(most.without)}.`;
    }

    function effects(moved, y) {
      const rows = moved.toSorted((a, b) => Math.abs(b.moved) - Math.abs(a.moved))
        .map(({ name, without, moved: change }) => [name, amount(without), `${change < 0 ? "" : "+"}${amount(change)}`]);
      return page.table(["column", { name: `at its mean, ${what(y)}`, number: true }, { name: "moved by", number: true }], rows, { caption: "One column at a time at its mean" });
    }

    show();
    page.onUpdate((_, changes) => { // a run that is followed
      if (page.network && "network" in changes) show();
    });
  },
});

const sharesOf = (y) => (y.length === 1 ? [1 - y[0], y[0]] : y);
const indexOf = (shares) => shares.indexOf(Math.max(...shares));

// A field of a raw column: {place, value, check, reset}.
function fieldOf(column, coded, onChange) {
  const problem = element("span", { class: "problem", role: "alert" });
  const control = column.shares ? categories(column, coded, onChange) : number(column, coded, onChange);
  const label = page.field(column.name, control.input);
  const hint = element("span", { class: "muted" }, control.hint);
  return { place: element("div", {}, label, hint, problem), value: control.value, reset: control.reset,
    check() {
      const text = control.problem();
      problem.textContent = text;
      control.input.setAttribute("aria-invalid", String(Boolean(text)));
      return !text;
    } };
}

function number({ mean, low, high, seen }, { missing }, onChange) {
  const middle = page.number(mean, 6);
  const input = element("input", { type: "text", inputmode: "decimal", size: 10, value: middle, autocomplete: "off", oninput: onChange });
  const text = () => input.value.trim();
  const optional = missing === null ? "" : "; may be empty";
  return { input, reset: () => { input.value = middle; }, value: () => (text() === "" ? null : Number(text())),
    hint: `${seen ? "in training" : "most in training"} ${page.number(low)} to ${page.number(high)}${optional}`,
    problem() {
      if (text() === "") return missing === null ? "is missing; give a number" : "";
      return Number.isFinite(Number(text())) ? "" : `${JSON.stringify(text().slice(0, 30))} is not a number`;
    } };
}

function categories({ shares }, { categories: names, one_hot, missing, unknown }, onChange) {
  const most = indexOf(shares);
  const options = names.slice(0, one_hot).map((name, k) => element("option", { value: name, selected: k === most }, String(name)));
  if (missing !== null) options.push(element("option", { value: "" }, "(missing)"));
  if (unknown !== null) options.push(element("option", { value: UNSEEN }, "(not seen in training)"));
  const input = element("select", { onchange: onChange }, options);
  return { input, hint: `${one_hot} categories`, problem: () => "", value: () => (input.value === "" ? null : input.value),
    reset: () => { input.selectedIndex = most; } };
}
