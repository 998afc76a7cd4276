// Which digit is taken for which, the surest mistakes, and the digits it is least sure of.
page.renewedTab({
  id: "mistakes",
  title: "Mistakes",
  when: ({ digits }) => digits?.n,
  keys: ["digits"],
  draw: sections,
});

function sections(doc) {
  const { digits } = doc, all = page.digits(doc), wrong = digits.n - digits.correct;
  const share = page.percent(digits.correct / digits.n);
  const who = doc.members ? `Member ${doc.members.shown}: ` : "";
  const parts = [page.element("p", {}, `${who}${digits.correct.toLocaleString("en")} of ${
    digits.n.toLocaleString("en")} ${digits.source} are answered correctly: ${share}.${
    worst(digits)}`)];
  parts.push(page.element("h2", {}, "Which is taken for which"), confusion(digits));
  const gallery = (title, text, rows) => {
    if (rows.length) parts.push(page.element("h2", {}, title),
      page.element("p", {}, text), page.element("div", { class: "gallery" },
        rows.map((k) => cell(all[k], digits.side))));
  };
  gallery("The surest mistakes", `${digits.mistakes.length} of ${wrong} mistakes, those `
    + "with the highest output first. Press one to see why.",
  digits.mistakes);
  gallery("The least sure answers", "The lowest outputs, right or wrong.", digits.unsure);
  return parts;
}

const name = (digits, k) => String(digits.classes?.[k] ?? k);

function worst(digits) {
  let [most, from, to] = [0, 0, 0];
  digits.confusion.forEach((row, t) => row.forEach((n, y) => {
    if (t !== y && n > most) [most, from, to] = [n, t, y];
  }));
  return most ? ` Most often a ${name(digits, from)} is called a ${name(digits, to)}: ${
    most} times.` : "";
}

function confusion(digits) {
  const n = digits.confusion.length;
  const most = Math.max(1, ...digits.confusion.flatMap((row, t) =>
    row.filter((_, y) => y !== t)));
  const head = page.element("tr", {}, page.element("th", { scope: "col" }, "true"),
    Array.from({ length: n }, (_, y) => page.element("th", { scope: "col" },
      page.element("span", { class: "unseen" }, "answer "), name(digits, y))));
  const body = digits.confusion.map((row, t) => page.element("tr", {},
    page.element("th", { scope: "row" }, name(digits, t)),
    row.map((count, y) => page.element("td", { class: t === y ? "right"
      : count ? "wrong" : "muted", style: t !== y && count ? { background:
      `color-mix(in srgb, var(--minus) ${Math.round((45 * count) / most)}%, transparent)` }
      : {} }, count || "·"))));
  return page.element("div", { class: "scroll", tabindex: 0, role: "group",
    "aria-label": "Confusion matrix" }, page.element("table", { class: "confusion" },
    page.element("caption", {}, "Rows: the true class. Columns: the answer. Mistakes "
      + "are shaded by how many."), page.element("thead", {}, head),
    page.element("tbody", {}, body)));
}

function cell(digit, side) {
  const text = `says ${digit.said} (${digit.probability.toFixed(2)}), ${
    digit.isMistake ? `is ${digit.label}` : "right"}`;
  return page.element("button", { type: "button", "aria-label":
    `Test digit no. ${digit.index}: ${text}`, onclick: () => page.show("draw", String(digit.index)) },
  page.paint(page.element("canvas", { class: "picture", "aria-hidden": "true" }),
    digit.pixels, { side }), text);
}
