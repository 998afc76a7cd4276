// page.dots(root, {title, x, y, xLabel, yLabel, log, order, describe, select}) -> dots
//
// A dot for each member that has an x: along one axis, stacked where many are alike, or,
// with y, in the plane. The pointer, arrow keys along `order` (members, the worst first)
// and dots.choose(i) choose one; select(i) is told, describe(i) is what is said of it.
page.dots = (root, settings) => {
  const { order, describe, select } = settings, n = order.length;
  const rank = new Map(order.map((member, k) => [member, k]));
  const canvas = page.element("canvas", { role: "slider", tabindex: 0, class: "dots",
    "aria-label": settings.title, "aria-valuemin": 1, "aria-valuemax": n });
  const text = page.element("p", { class: "muted" });
  const figure = page.element("figure", {}, page.element("figcaption", {},
    page.element("h3", {}, settings.title)), canvas, text);
  root.append(figure);
  const height = settings.y ? 260 : 150, edge = { left: settings.y ? 70 : 16, right: 16,
    top: 12, bottom: 40 };
  let chosen = null, hovered = null, places = [];

  // From a number to its place on an axis of so many pixels.
  function axis(values, log, length) {
    const known = order.map((member) => values[member]);
    const least = Math.min(...known), most = Math.max(...known);
    const f = log ? Math.log10 : (v) => v;
    const low = f(least), span = f(most) - low || 1;
    const ends = least === most ? [least] : [least, most];
    return { ends, to: (v) => (least === most ? 0.5 : (f(v) - low) / span) * length };
  }

  function arrange(width) {
    const across = width - edge.left - edge.right;
    const up = height - edge.top - edge.bottom;
    const x = axis(settings.x, settings.log, across);
    const y = settings.y ? axis(settings.y, false, up) : null;
    const columns = new Map();
    places = order.map((member) => {
      const left = edge.left + x.to(settings.x[member]);
      if (y) return { member, left, top: edge.top + up - y.to(settings.y[member]) };
      const column = Math.round(left / 6);
      const k = columns.get(column) ?? 0;
      columns.set(column, k + 1);
      return { member, left: column * 6, k };
    });
    if (y) return { x, y };
    const tallest = Math.max(1, ...columns.values()), step = Math.min(6, up / tallest);
    for (const place of places) place.top = edge.top + up - 3 - place.k * step;
    return { x };
  }

  function draw() {
    const width = Math.max(canvas.parentElement.clientWidth, 200);
    const ratio = devicePixelRatio || 1;
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    drawAxes(pen, width, arrange(width));
    pen.fillStyle = page.color("--accent");
    pen.globalAlpha = n > 200 ? 0.6 : 0.85;
    for (const place of places) dot(pen, place, 2.6);
    pen.globalAlpha = 1;
    for (const [member, color] of [[hovered, "--text"], [chosen, "--minus"]]) {
      if (!rank.has(member)) continue;
      pen.fillStyle = page.color(color);
      pen.strokeStyle = page.color("--surface");
      pen.lineWidth = 2;
      dot(pen, places[rank.get(member)], 6);
      pen.stroke();
    }
  }

  function dot(pen, { left, top }, radius) {
    pen.beginPath();
    pen.arc(left, top, radius, 0, 2 * Math.PI);
    pen.fill();
  }

  function drawAxes(pen, width, { x, y }) {
    const floor = height - edge.bottom + 6;
    pen.strokeStyle = page.color("--line");
    pen.beginPath();
    pen.moveTo(edge.left, floor);
    pen.lineTo(width - edge.right, floor);
    pen.stroke();
    pen.fillStyle = page.color("--muted");
    pen.font = "13px system-ui, sans-serif";
    x.ends.forEach((value, k) => {
      pen.textAlign = x.ends.length === 1 ? "center" : k ? "right" : "left";
      const left = edge.left + x.to(value);
      pen.fillText(settings.format(value), left, floor + 16);
    });
    pen.textAlign = "center";
    pen.fillText(settings.xLabel, (edge.left + width - edge.right) / 2, floor + 30);
    if (!y) return;
    pen.textAlign = "right";
    for (const value of y.ends)
      pen.fillText(settings.yFormat(value), edge.left - 10,
        height - edge.bottom - y.to(value) + 4);
  }

  function nearest(event) {
    const box = canvas.getBoundingClientRect();
    const at = [event.clientX - box.left, event.clientY - box.top];
    let best = null, least = 20 ** 2;
    for (const { member, left, top } of places) {
      const away = (left - at[0]) ** 2 + (top - at[1]) ** 2;
      if (away < least) [best, least] = [member, away];
    }
    return best;
  }

  function hover(member) {
    if (member === hovered) return;
    hovered = member;
    draw();
    tell();
  }

  function tell() {
    text.textContent = hovered === null ? "Choose a dot, or use the arrow keys."
      : describe(hovered);
  }

  function onKey(event) {
    const k = rank.get(chosen) ?? -1;
    const to = { ArrowRight: k + 1, ArrowUp: k + 1, ArrowLeft: k - 1, ArrowDown: k - 1,
      PageUp: k + 10, PageDown: k - 10, Home: 0, End: n - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(order[Math.min(Math.max(to, 0), n - 1)]);
  }

  canvas.addEventListener("pointermove", (event) => hover(nearest(event)));
  canvas.addEventListener("pointerleave", () => hover(null));
  canvas.addEventListener("click", (event) => {
    const member = nearest(event);
    if (member !== null) select(member);
  });
  canvas.addEventListener("keydown", onKey);
  const remove = page.onTheme(draw);
  new ResizeObserver(draw).observe(figure);
  tell();
  return { remove, choose(member) {
    chosen = member;
    const known = rank.has(member);
    canvas.setAttribute("aria-valuenow", known ? rank.get(member) + 1 : 0);
    canvas.setAttribute("aria-valuetext", known ? describe(member) : "none");
    draw();
  } };
};
