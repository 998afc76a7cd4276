// page.table(columns, rows, {caption, titled, most}) -> an element that scrolls sideways.
// The caption is not shown where a heading says it already (titled).
//
// A column is a text or {name, number: true, format}; a cell is a text, a number, an
// element or null. Beyond `most` rows a line says how many are left out.
page.table = (columns, rows, { caption = "", titled = false, most = 500 } = {}) => {
  const kinds = columns.map((column) =>
    (typeof column === "string" ? { name: column } : column));
  const isNumber = kinds.map((kind, k) =>
    kind.number ?? rows.slice(0, 20).some((row) => typeof row[k] === "number"));
  const side = (k) => (isNumber[k] ? "number" : null);
  const shown = (value, kind) => (value instanceof Node ? value
    : kind.format && value !== null && value !== undefined ? kind.format(value)
      : page.number(value));
  const head = page.element("tr", {}, kinds.map((kind, k) =>
    page.element("th", { scope: "col", class: side(k) }, kind.name)));
  const body = rows.slice(0, most).map((row) => page.element("tr", {},
    row.map((cell, k) => page.element("td", { class: side(k) }, shown(cell, kinds[k])))));
  const rest = rows.length - body.length;
  const table = page.element("table", {},
    caption ? page.element("caption", { class: titled && "unseen" }, caption) : null,
    page.element("thead", {}, head), page.element("tbody", {}, body));
  // What scrolls must be reached by the keyboard, and then it needs a name.
  const box = page.element("div", { class: "scroll", tabindex: 0, role: "group",
    "aria-label": caption || "Table" }, table);
  if (rest > 0) box.append(page.element("p", { class: "muted" },
    `... and ${rest.toLocaleString("en")} more`));
  return box;
};

// page.numbers(build): a button that shows, below it, the table that build() returns.
page.numbers = (build, label = "Show the numbers") => {
  const place = page.element("div", { hidden: true });
  const button = page.button(label, () => {
    if (place.hidden) place.replaceChildren(build());
    place.hidden = !place.hidden;
    button.setAttribute("aria-expanded", String(!place.hidden));
  }, { "aria-expanded": "false" });
  return page.element("div", { class: "numbers" }, button, place);
};
