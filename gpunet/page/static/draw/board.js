// A board to draw on with mouse, touch, pen or keys: n x n bytes of ink.
const N = 280, PEN = 11, STEP = 10, MOST_UNDO = 50;

// Bytes of ink along a line; 102 is left out, as it is just what counts as a stroke.
function inkAt(pixels, [x0, y0], [x1, y1], radius, erase) {
  const [dx, dy] = [x1 - x0, y1 - y0], length = dx * dx + dy * dy || 1e-9;
  const range = (a, b) => [Math.max(0, Math.floor(Math.min(a, b) - radius - 1)),
    Math.min(N - 1, Math.ceil(Math.max(a, b) + radius + 1))];
  const [left, right] = range(x0, x1), [top, bottom] = range(y0, y1);
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++) {
      const along = ((x + 0.5 - x0) * dx + (y + 0.5 - y0) * dy) / length;
      const t = Math.min(Math.max(along, 0), 1);
      const apart = Math.hypot(x + 0.5 - x0 - t * dx, y + 0.5 - y0 - t * dy);
      let ink = Math.round(255 * Math.min(Math.max(radius - apart + 0.5, 0), 1));
      if (ink === 102) ink = 103;
      const k = y * N + x;
      pixels[k] = erase ? Math.min(pixels[k], 255 - ink) : Math.max(pixels[k], ink);
    }
}

// A board. onStart() before a stroke, onInk() while it grows, onEnd() behind it.
// Returns {element, n, pixels, erase, set(values, side), undo(), clear()}.
page.board = ({ onStart, onInk, onEnd }) => {
  const pixels = new Uint8Array(N * N), before = [];
  const canvas = page.element("canvas", { width: N, height: N, tabindex: 0,
    role: "application", "aria-label": "Drawing board",
    "aria-describedby": "board-keys" });
  const cursor = page.element("div", { class: "cursor", hidden: true });
  const element = page.element("div", { class: "board" }, canvas, cursor);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const picture = context.createImageData(N, N);
  picture.data.fill(255);
  const board = { element, n: N, pixels, erase: false };
  let last = null, at = [(N + STEP) / 2, (N + STEP) / 2];

  function render() {
    pixels.forEach((value, k) => { picture.data[4 * k + 3] = value; }); // on black
    context.putImageData(picture, 0, 0);
  }

  function begin() {
    onStart();
    before.push(Uint8Array.from(pixels));
    if (before.length > MOST_UNDO) before.shift();
  }

  function line(from, to, erase = board.erase) {
    inkAt(pixels, from, to, erase ? 1.6 * PEN : PEN, erase);
    render();
    onInk();
  }

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * N) / box.width,
      ((event.clientY - box.top) * N) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    begin();
    last = place(event);
    line(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const points = event.getCoalescedEvents?.() ?? [];
    for (const each of points.length ? points : [event]) {
      const next = place(each);
      inkAt(pixels, last, next, board.erase ? 1.6 * PEN : PEN, board.erase);
      last = next;
    }
    render();
    onInk();
  });
  for (const name of ["pointerup", "pointercancel"])
    canvas.addEventListener(name, () => {
      if (last) onEnd();
      last = null;
    });

  // Keys: arrows move, with Shift they paint; space paints a dot, Delete erases one.
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
    ArrowDown: [0, 1] };
  const limit = (v) => Math.min(Math.max(v, STEP / 2), N - STEP / 2);
  function move(to, paint) {
    const from = at;
    at = to.map(limit);
    cursor.style.setProperty("left", `${(100 * at[0]) / N}%`);
    cursor.style.setProperty("top", `${(100 * at[1]) / N}%`);
    if (paint) {
      begin();
      line(from, at, paint === "erase" || board.erase);
      onEnd();
      return;
    }
    const ink = pixels[Math.floor(at[1]) * N + Math.floor(at[0])] > 102 ? "ink" : "empty";
    const [column, row] = at.map((v) => Math.floor(v / STEP) + 1);
    page.say(`row ${row}, column ${column}, ${ink}`);
  }
  canvas.addEventListener("keydown", (event) => {
    const step = MOVES[event.key];
    if (step) move([at[0] + STEP * step[0], at[1] + STEP * step[1]], event.shiftKey);
    else if (event.key === " ") move(at, "ink");
    else if (event.key === "Delete" || event.key === "Backspace") move(at, "erase");
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) board.undo();
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("focus", () => {
    cursor.hidden = !canvas.matches(":focus-visible");
    move(at);
  });
  canvas.addEventListener("blur", () => { cursor.hidden = true; });

  board.undo = () => {
    if (!before.length) return;
    pixels.set(before.pop());
    render();
    onEnd();
  };
  board.clear = () => {
    begin();
    pixels.fill(0);
    render();
    onEnd();
  };
  // Show a picture of side x side values from 0 to 1, each as a square.
  board.set = (values, side) => {
    begin();
    for (let k = 0; k < pixels.length; k++) {
      const [x, y] = [k % N, Math.floor(k / N)].map((v) => Math.floor((v * side) / N));
      pixels[k] = Math.round(255 * values[y * side + x]);
    }
    render();
  };
  render();
  return board;
};
