// What the network is, what came out, what is wrong with it, and how to repeat it.
page.tab({
  id: "overview",
  title: "Overview",
  when: (doc) => doc.overview !== undefined,
  render(root) {
    const draw = () => root.replaceChildren(...content(page.document));
    draw();
    page.onUpdate((_, changes) => {
      if ("overview" in changes || "network" in changes) draw();
    });
  },
});

function content({ overview }) {
  return [
    overview.about && page.element("p", { class: "lead" }, overview.about),
    results(overview.results ?? []),
    invitation(),
    page.network && page.parts.diagram(page.network),
    ...list("Problems", overview.problems),
    ...list("About this page", overview.notes),
    ...repeat(overview.config),
    page.element("div", { class: "columns" }, (overview.tables ?? []).map(table)),
  ].filter((part) => part);
}

// The way to what can be tried, in the page's words.
function invitation() {
  const tries = { draw: "Draw a digit and watch it answer", plane: "Train it in its plane",
    form: "Ask it about a row" };
  const ids = Object.keys(tries).filter((id) => document.getElementById(`tab-${id}`));
  return page.element("p", { class: "row" }, ids.map((id, k) =>
    page.button(tries[id], () => page.show(id), { class: k ? null : "main" })));
}

function results(pairs) {
  return page.element("dl", { class: "results" }, pairs.map(([name, value]) =>
    page.element("div", {}, page.element("dt", {}, name),
      page.element("dd", {}, value))));
}

function list(title, lines) {
  if (!lines?.length) return [];
  const sound = lines.length === 1 && lines[0].startsWith("no problems");
  return [page.element("h2", {}, title), page.element("ul",
    { class: sound ? "plain" : "problem plain" },
    lines.map((line) => page.element("li", {}, `${sound ? "✓" : "!"} ${line}`)))];
}

function table({ title, columns, rows, folded }) {
  const build = () => page.table(columns, rows, { caption: title, titled: !folded });
  return page.element("div", {}, folded ? page.numbers(build, title)
    : [page.element("h2", {}, title), build()]);
}

function repeat(config) {
  if (!config) return [];
  const text = `${JSON.stringify(config, null, 2)}\n`;
  return [
    page.element("h2", {}, "Repeat it"),
    page.element("p", {}, "Save the configuration, then train the same network again:"),
    page.element("pre", { tabindex: 0 }, "gpunet train --config config.json"),
    page.button("Save config.json", () => page.download("config.json", text)),
  ];
}
