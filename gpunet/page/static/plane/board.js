// The board: what the network says everywhere, the points, and a cursor that adds more.
//
// A click adds a point of the chosen class, a right click one of the next class; by
// keyboard the arrows move the cursor, Enter or Space adds, Delete removes the nearest.
page.plane ??= {};

const SIZE = 640; // pixels of the canvas, shown at half of that or so

page.plane.board = (root, { playground, chosen, onPoints }) => {
  const canvas = page.element("canvas", { width: SIZE, height: SIZE, tabindex: 0, role: "application",
    class: "board", "aria-label": "The plane: arrows move the cursor, Enter adds a point, Delete removes the nearest",
    "aria-describedby": "plane-here" });
  const here = page.element("p", { id: "plane-here", class: "muted" });
  const legend = page.element("p", { class: "row" });
  root.append(canvas, here, legend);
  let cursor = null, frame = null, cells = 0;

  function draw() {
    const current = playground(), { data } = current;
    frame ??= page.plane.frameOf(data);
    const palette = page.plane.palette();
    const weights = current.net.layers.reduce((n, { W }) => n + W.length, 0);
    cells = Math.min(Math.max(Math.floor(Math.sqrt(600000 / weights)), 24), 64);
    const { answers, caches } = current.predict(page.plane.gridOf(frame, cells));
    page.plane.paint(canvas, cells, (k) => page.plane.colorOf(current, answers[k], palette));
    const pen = canvas.getContext("2d"), { mean, scale } = current.answer;
    const pixel = SIZE / (canvas.clientWidth || 480); // of the canvas, in one of the screen
    data.x.forEach((row, k) => {
      const fill = data.classes ? palette.classes[data.t[k] % palette.classes.length]
        : page.plane.signed((data.t[k] - mean) / (2 * scale), palette);
      const at = page.plane.toPixel(frame, SIZE, row);
      page.plane.mark(pen, at, data.classes ? data.t[k] : 0, fill, palette, (data.x.length > 600 ? 3 : 4.5) * pixel);
    });
    axes(pen, palette, data.names, pixel);
    if (cursor) crosshair(pen, palette);
    describe(current);
    return { caches, cells, palette };
  }

  function axes(pen, palette, names, pixel) {
    pen.fillStyle = palette.text;
    pen.font = `${13 * pixel}px system-ui, sans-serif`;
    const text = (words, u, v, align) => { pen.textAlign = align; pen.fillText(words, u, v); };
    const number = (value) => page.number(value, 3);
    text(number(frame.x1[0]), 8, SIZE - 10, "left");
    text(`${names[0].slice(0, 24)} →  ${number(frame.x1[1])}`, SIZE - 8, SIZE - 10, "right");
    text(`${number(frame.x2[1])}  ↑ ${names[1].slice(0, 24)}`, 8, 18 * pixel, "left");
  }

  function crosshair(pen, palette) {
    const [u, v] = page.plane.toPixel(frame, SIZE, cursor);
    pen.strokeStyle = palette.text;
    pen.lineWidth = 2;
    pen.beginPath();
    for (const [a, b] of [[1, 0], [0, 1]]) {
      pen.moveTo(u - 16 * a, v - 16 * b);
      pen.lineTo(u + 16 * a, v + 16 * b);
    }
    pen.stroke();
  }

  function describe(current) {
    const [a, b] = current.data.names;
    if (!cursor) {
      here.textContent = "Point at the plane, or focus it and use the arrows, to read the answer there.";
      return;
    }
    const { name, share } = current.read(current.predict([cursor]).answers[0]);
    const sure = share === undefined ? "" : `, ${page.percent(share, 1)}`;
    here.textContent = `${a} = ${page.number(cursor[0], 3)}, ${b} = ${page.number(cursor[1], 3)}: ${name}${sure}`;
  }

  function explain() {
    const { data } = playground(), palette = page.plane.palette();
    const items = data.classes?.map((name, k) => {
      const sample = page.element("canvas", { width: 28, height: 28, class: "mark", "aria-hidden": "true" });
      page.plane.mark(sample.getContext("2d"), [14, 14], k, palette.classes[k % palette.classes.length], palette, 9);
      return page.element("span", { class: "row" }, sample, `${data.target} ${name} (${page.plane.SHAPES[k % 6]})`);
    });
    legend.replaceChildren(...items ?? [`Blue: ${data.target} above its mean; orange: below.`]);
  }

  function add(place, shift) {
    onPoints(({ x, t, classes, ...rest }) => {
      const value = classes ? (chosen() + shift) % classes.length : chosen();
      return { ...rest, classes, x: [...x, place], t: [...t, value] };
    });
  }

  function removeNearest() {
    onPoints((data) => {
      const distance = ([a, b]) => Math.hypot(...page.plane.toPixel(frame, SIZE, [a, b])
        .map((v, k) => v - page.plane.toPixel(frame, SIZE, cursor)[k]));
      const nearest = data.x.reduce((best, row, k) => (distance(row) < distance(data.x[best]) ? k : best), 0);
      const keep = (_, k) => k !== nearest;
      return { ...data, x: data.x.filter(keep), t: data.t.filter(keep) };
    });
  }

  const tidy = (row) => row.map((value) => Number(value.toPrecision(4)));
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return tidy(page.plane.fromPixel(frame, box.width, [event.clientX - box.left, event.clientY - box.top]));
  };
  const move = (place) => { cursor = place; describe(playground()); };
  canvas.addEventListener("pointermove", (event) => move(at(event)));
  canvas.addEventListener("click", (event) => { cursor = at(event); add(cursor, 0); });
  canvas.addEventListener("contextmenu", (event) => { event.preventDefault(); cursor = at(event); add(cursor, 1); });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const acts = ["Enter", " ", "Delete", "Backspace"].includes(event.key);
    if (!step && !acts) return;
    event.preventDefault();
    const middle = [frame.x1, frame.x2].map(([low, high]) => (low + high) / 2);
    cursor ??= tidy(middle);
    if (step) {
      const width = [frame.x1, frame.x2].map(([low, high]) => (high - low) / (event.shiftKey ? 8 : 40));
      cursor = tidy(cursor.map((value, k) => value + step[k] * width[k]));
      draw();
      page.say(here.textContent);
    } else if (event.key === "Enter" || event.key === " ") add(cursor, 0);
    else removeNearest();
  });

  return { draw, explain, frame: () => frame, renew: () => { frame = null; explain(); } };
};
