// Members: a population's spread, and each of its networks.
page.tab({
  id: "members",
  title: "Members",
  when: (doc) => Boolean(doc.members),
  render: (root) => {
    let view = page.members(root, Number.parseInt(page.selection(), 10));
    page.onUpdate((doc, changes) => {
      if (!("members" in changes) || !doc.members) return;
      view.remove();
      view = page.members(root, view.chosen(), changes.network ?? view.shown());
    });
    root.addEventListener("selection", () => view.choose(Number(page.selection())));
  },
  shown: (root) => root.dispatchEvent(new Event("selection")),
});

// Fill root; `first` is chosen, `shown` is the network of the member `data.shown`.
page.members = (root, first, shown = page.document.network) => {
  const data = page.document.members, { columns, n } = data;
  const networks = { ...data.networks, [data.shown]: shown };
  const words = (name) => name.replaceAll("_", " ").replace(/^val /, "validation ");
  const title = (text) => text[0].toUpperCase() + text.slice(1);
  const isShare = (name) => name.endsWith("accuracy");
  const format = (name) => (value) => (isShare(name) ? page.percent(value)
    : page.number(value));
  const curves = Object.fromEntries(Object.entries(data.curves).map(([name, curve]) =>
    [name, { ...curve, values: page.floats(curve.values),
      ...Object.fromEntries(["low", "median", "high"].map((key) =>
        [key, listed(page.floats(curve[key]))])) }]));
  let metric = data.metric in curves ? data.metric : Object.keys(curves)[0];
  let chosen = null, dots = [];

  function listed(floats) {
    return Array.from(floats, (v) => (Number.isNaN(v) ? null : v));
  }

  // The curve of a member, or null if the page does not have it.
  function curveOf(curve, member) {
    const row = curve.members ? curve.members.indexOf(member) : member;
    const size = data.epochs.length;
    return row < 0 ? null : listed(curve.values.subarray(row * size, (row + 1) * size));
  }

  const hasDiverged = (i) => String(columns.state?.[i]).startsWith("diverged");
  const scores = columns[data.metric] ?? [];
  const order = Array.from({ length: n }, (_, i) => i)
    .filter((i) => typeof scores[i] === "number" && !hasDiverged(i))
    .sort((a, b) => data.better * (scores[b] - scores[a]) || a - b)
    .reverse(); // the worst first

  function describe(i) {
    const parts = Object.entries(columns)
      .filter(([name, values]) => name !== "member" && values[i] !== null
        && !(Array.isArray(values[i]) && !values[i].length))
      .map(([name, values]) => (name === "state" ? values[i]
        : `${words(name)} ${Array.isArray(values[i]) ? values[i].join(", ")
          : format(name)(values[i])}`));
    const place = order.indexOf(i);
    const rank = place < 0 ? [] : [`rank ${order.length - place} of ${order.length}`];
    return `Member ${i}: ${[...rank, ...parts].join(", ")}.`;
  }

  root.append(...data.notes.map((note) => page.element("p", {},
    `${title(note)}.`)));
  const chooser = makeChooser();
  root.append(chooser.element);
  if (order.length) makeDots();
  const chart = metric ? makeCurves() : null;
  const table = makeTable();
  root.append(page.element("h3", {}, "All members"), table.element, ...stopped(),
    ...left());
  choose(Number.isInteger(first) && first >= 0 && first < n ? first : data.shown, false);

  function makeChooser() {
    const field = page.element("input", { type: "number", min: 0, max: n - 1, step: 1,
      onchange: () => choose(Number(field.value)) });
    const named = ["best", "median", "worst"].filter((name) => name in data)
      .map((name) => page.button(title(name),
        () => choose(data[name])));
    const text = page.element("p", { id: "chosen-member" });
    return { field, text, element: page.element("div", {}, page.element("div",
      { class: "row" }, page.element("label", {}, "Member ", field), named), text) };
  }

  function lines() {
    const curve = curves[metric], list = [{ name: "median", values: curve.median,
      band: [curve.low, curve.high], bandNames: ["5 %", "95 %"], color: "--accent" }];
    for (const name of ["best", "worst"]) {
      const values = name in data ? curveOf(curve, data[name]) : null;
      if (values) list.push({ name: `${name} (member ${data[name]})`, values, width: 1.5,
        color: "--muted", dash: name === "best" ? [6, 4] : [2, 4] });
    }
    const values = chosen === null ? null : curveOf(curve, chosen);
    if (values) list.push({ name: `member ${chosen}`, values, color: "--minus",
      width: 2.5 });
    return list;
  }

  function sentence() {
    const { median, low, high } = curves[metric], last = median.findLastIndex((v) => v !== null);
    if (last < 0) return "Nothing was measured.";
    const show = format(metric);
    return `At epoch ${data.epochs[last]} the median ${words(metric)} is ${
      show(median[last])}; 90 % of the members that still learn lie between ${
      show(low[last])} and ${show(high[last])}.`;
  }

  function makeCurves() {
    const place = page.element("div", {});
    const settings = () => ({ title: title(`${words(metric)} by epoch`), x: data.epochs,
      series: lines(), sentence: sentence(), format: format(metric) });
    let drawn = null;
    const redraw = () => {
      drawn?.remove();
      drawn = page.chart.lines(place, settings());
    };
    const menu = page.element("select", { onchange: () => {
      metric = menu.value;
      redraw();
    } }, Object.keys(curves).map((name) => page.element("option", { value: name,
      selected: name === metric }, words(name))));
    root.append(page.element("div", { class: "row" }, page.element("label", {},
      "Curves of ", menu)), place);
    return { redraw, remove: () => drawn?.remove() };
  }

  function makeDots() {
    const name = data.metric, show = format(name);
    const place = page.element("div", { class: "columns" });
    root.append(place);
    dots.push(page.dots(place, { title: `Every member's ${words(name)}`, x: scores,
      xLabel: words(name), format: show, order, describe, select: choose }));
    for (const setting of data.settings) {
      const values = columns[setting].map((v) => (typeof v === "number" ? v : null));
      const known = values.filter((v) => v !== null);
      const log = Math.min(...known) > 0 && Math.max(...known) > 20 * Math.min(...known);
      dots.push(page.dots(place, { title: title(`${words(name)} by ${words(setting)}`),
        x: values, y: scores, xLabel: words(setting) + (log ? " (logarithmic)" : ""),
        log, order: order.filter((i) => values[i] !== null), describe,
        format: page.number, yFormat: show, select: choose }));
    }
  }

  function makeTable() {
    const differs = (name) => new Set(columns[name].map(String)).size > 1;
    const names = ["member", data.metric, ...Object.keys(columns).filter((name) =>
      name !== "member" && name !== data.metric && differs(name))].filter((name) =>
      columns[name]), most = 25;
    let by = data.metric || "member", down = data.better > 0, all = false;
    const element = page.element("div", {});
    const keyOf = (value) => (Array.isArray(value) ? value.length : value);
    function sorted() {
      const values = columns[by].map(keyOf);
      return Array.from({ length: n }, (_, i) => i).sort((a, b) => {
        if (values[a] === null || values[b] === null) // what is missing is last
          return (values[a] === null) - (values[b] === null) || a - b;
        const sign = values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : 0;
        return (down ? -sign : sign) || a - b;
      });
    }
    const head = (name) => {
      const button = page.button(words(name), () => {
        down = by === name ? !down : name === data.metric && data.better > 0;
        by = name;
        draw();
        element.querySelector(`[aria-sort="${down ? "descending" : "ascending"}"] button`)
          ?.focus();
      });
      return page.element("th", { scope: "col", "aria-sort": by === name
        ? (down ? "descending" : "ascending") : null }, button);
    };
    const buttons = new Map();
    function press() {
      for (const [i, button] of buttons)
        button.setAttribute("aria-pressed", String(i === chosen));
    }
    const cell = (name, i) => {
      const value = columns[name][i];
      if (name === "member") {
        buttons.set(i, page.button(String(i), () => choose(i)));
        return page.element("th", { scope: "row" }, buttons.get(i));
      }
      const text = Array.isArray(value) ? value.join(", ") : value === null ? ""
        : typeof value === "number" ? format(name)(value) : value;
      return page.element("td", { class: typeof value === "number" ? "number" : null },
        text);
    };
    const made = new Map(); // a thousand rows take long: each is made once
    function row(i) {
      if (!made.has(i)) made.set(i, page.element("tr", {},
        names.map((name) => cell(name, i))));
      return made.get(i);
    }
    function draw() {
      const rows = sorted().slice(0, all ? n : most).map(row);
      press();
      const more = all || n <= most ? null : page.button(`Show all ${
        n.toLocaleString("en")}`, () => {
        all = true;
        draw();
      });
      element.replaceChildren(page.element("div", { class: "scroll members", tabindex: 0,
        role: "group", "aria-label": "All members" }, page.element("table", {},
        page.element("thead", {}, page.element("tr", {}, names.map(head))),
        page.element("tbody", {}, rows))), ...(more ? [more] : []));
    }
    draw();
    return { element, press };
  }

  function stopped() {
    const lost = Object.entries(data.stopped).filter(([, why]) => why.startsWith("diverged"));
    const build = () => page.table(["member", "what happened"], lost, { caption:
      "Members whose loss or gradient was no longer finite" });
    return lost.length ? [page.numbers(build, `Show what happened to the ${
      lost.length.toLocaleString("en")} that diverged`)] : [];
  }

  function left() {
    return data.left_out.map((text) => page.element("p", { class: "muted" },
      `Not in this page: ${text}.`));
  }

  function choose(member, speak = true) {
    if (!Number.isInteger(member) || member < 0 || member >= n || member === chosen) return;
    chosen = member;
    chooser.field.value = member;
    const network = networks[member];
    const about = !network ? "Its weights are not in this page."
      : `The other tabs show ${member === data.shown ? "it"
        : `its network, but the curves and mistakes of member ${data.shown}`}.`;
    chooser.text.textContent = `${describe(member)} ${about}`;
    if (speak) {
      page.select(String(member));
      page.say(chooser.text.textContent);
    }
    if (network && network !== page.document.network) page.update({ network });
    chart?.redraw();
    for (const each of dots) each.choose(member);
    table.press();
  }

  function remove() {
    for (const each of [chart, ...dots]) each?.remove();
    root.replaceChildren();
  }
  return { choose, remove, chosen: () => chosen, shown: () => shown };
};
