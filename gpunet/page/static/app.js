// The page: its document, its network, its tabs, and what the tabs share.
//
//   page.document            what gpunet wrote, as JSON; absent keys are absent
//   page.network             predict(row), layers(row), steps; null without a network
//   page.tab({id, title, when, render, shown})   a tab; drawn when it is first shown,
//                            shown(root) is called each later time
//   page.update(changes)     put changed keys into the document and tell onUpdate
//   page.onUpdate(fn)        fn(document, changes); returns a function that ends it
//   page.selection()         the text behind "=" in the address: #members=17
//   page.select(text)        set it, without drawing anew
//   page.show(id, text)      go to a tab, with a selection
globalThis.page = (() => {
  const ORDER = ["overview", "draw", "plane", "form", "curves", "members", "neurons",
    "mistakes"];
  const tabs = [], listeners = new Set();
  const content = JSON.parse(document.getElementById("document").textContent);
  const page = { document: content, network: null, parts: {} };

  function open() {
    page.network = content.network ? gpunet.open(content.network) : null;
  }

  page.update = (changes) => {
    for (const [key, value] of Object.entries(changes))
      if (value === null) delete content[key];
      else content[key] = value;
    if ("network" in changes) open();
    showTabs();
    for (const listener of listeners) listener(content, changes);
  };
  page.onUpdate = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };

  // Numbers come as base64, little-endian as all machines with a browser are.
  page.bytes = (base64) => {
    const text = atob(base64), bytes = new Uint8Array(text.length);
    for (let k = 0; k < bytes.length; k++) bytes[k] = text.charCodeAt(k);
    return bytes;
  };
  page.floats = (base64) => new Float32Array(page.bytes(base64).buffer);

  page.number = (value, digits = 4) => {
    if (value === null || value === undefined || Number.isNaN(value)) return "";
    if (typeof value !== "number" || Number.isInteger(value)) return String(value);
    return String(Number(value.toPrecision(digits)));
  };
  page.percent = (share, digits = 2) => `${Number((100 * share).toFixed(digits))} %`;

  // Elements: texts become text nodes, so that no name can become markup.
  function make(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (value === false || value === null || value === undefined) continue;
      if (name === "style") // the policy allows no style attribute
        for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined
      && c !== false));
    return node;
  }
  page.element = (tag, attributes, ...children) =>
    make(document.createElement(tag), attributes, children);
  page.svg = (tag, attributes, ...children) =>
    make(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  page.button = (text, onclick, attributes = {}) =>
    page.element("button", { type: "button", onclick, ...attributes }, text);
  page.say = (text) => {
    document.getElementById("live").textContent = text;
  };
  page.download = (name, text) => {
    const link = page.element("a", { download: name,
      href: `data:application/octet-stream;charset=utf-8,${encodeURIComponent(text)}` });
    link.click();
  };
  page.reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  // Tabs, after the pattern of the ARIA practices: arrows move, the hash remembers.
  const place = () => { // URLSearchParams takes any text, such as "%"
    const [[id, selection] = []] = new URLSearchParams(location.hash.slice(1));
    return { id, selection };
  };
  function remember(id, selection) {
    const hash = `#${encodeURIComponent(id)}${
      selection ? `=${encodeURIComponent(selection)}` : ""}`;
    if (location.hash === hash) return;
    try {
      history.replaceState(null, "", hash);
    } catch { // an iframe's srcdoc has no address
    }
  }
  page.selection = () => (place().id === current?.id ? place().selection : "");
  page.select = (selection) => remember(current.id, selection);

  let current = null;
  const shown = () => tabs.filter((tab) => tab.button && !tab.button.hidden);
  page.tab = (tab) => tabs.push({ drawn: false, ...tab });
  page.show = (id, selection = "") => {
    const tab = shown().find((each) => each.id === id);
    if (!tab) return;
    for (const each of tabs.filter((each) => each.button)) {
      each.panel.hidden = each !== tab;
      each.button.setAttribute("aria-selected", String(each === tab));
      each.button.tabIndex = each === tab ? 0 : -1;
    }
    const changed = current !== tab;
    current = tab;
    if (changed || selection) remember(tab.id, selection);
    if (tab.drawn) tab.shown?.(tab.panel, content);
    else draw(tab);
  };

  function draw(tab) {
    tab.drawn = true;
    try {
      tab.render(tab.panel, content);
    } catch (error) { // the other tabs still work
      tab.panel.append(page.element("p", { class: "problem" },
        `This tab cannot be drawn: ${error.message}`));
      console.error(error);
    }
  }

  function build(tab) {
    const { id, title } = tab;
    tab.button = page.element("button", { type: "button", role: "tab", id: `tab-${id}`,
      "aria-controls": `panel-${id}`, onclick: () => page.show(id) }, title);
    tab.panel = page.element("section", { role: "tabpanel", id: `panel-${id}`,
      "aria-labelledby": `tab-${id}`, tabindex: 0, hidden: true });
  }

  function showTabs() {
    tabs.sort((a, b) => ORDER.indexOf(a.id) - ORDER.indexOf(b.id));
    const list = document.getElementById("tabs"), panels = document.getElementById("panels");
    let before = null; // a tab that appears later, in live mode, keeps its place
    for (const tab of tabs.toReversed()) {
      const wanted = tab.when ? tab.when(content) : true;
      if (!tab.button && !wanted) continue;
      if (!tab.button) {
        build(tab);
        list.insertBefore(tab.button, before);
        panels.append(tab.panel);
      }
      tab.button.hidden = !wanted;
      before = tab.button;
    }
  }

  function onKey(event) {
    const buttons = shown().map((tab) => tab.button);
    const k = buttons.indexOf(document.activeElement), n = buttons.length;
    const to = { ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: n - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const button = buttons[(to + n) % n];
    button.focus();
    button.click();
  }

  page.start = () => {
    open();
    showTabs();
    document.getElementById("tabs").addEventListener("keydown", onKey);
    const follow = () => { // without a tab in the address: to what can be tried
      const { id, selection } = place();
      const ids = shown().map((tab) => tab.id);
      const tries = content.live ? [] : ["members", "draw", "plane"];
      page.show([id, ...tries, ids[0]].find((name) => ids.includes(name)), selection);
    };
    addEventListener("hashchange", follow);
    follow();
    document.documentElement.dataset.ready = "";
  };
  return page;
})();
