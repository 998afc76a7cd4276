// A drawing becomes what a network of digits has seen: `read_digit` of gpunet, step by
// step, for ink on clean paper. Strokes are thickened to the width of MNIST's, the ink
// is put into a box of 20 x 20 pixels and the box into 28 x 28 by its center of mass.
const STRONG = Math.fround(0.4); // of full ink: a stroke
const FAINT = Math.fround(0.05); // of full ink: no ink at all
const PEN = 1.8; // pixels of the box; pens of MNIST have 2 in the median

const image = (w, h, Kind = Float32Array) => ({ w, h, v: new Kind(w * h) });

function padded({ w, h, v }, margin) {
  const out = image(w + 2 * margin, h + 2 * margin);
  for (let y = 0; y < h; y++)
    out.v.set(v.subarray(y * w, y * w + w), (y + margin) * out.w + margin);
  return out;
}

// The largest value of each pixel and the eight around it.
function grown({ w, h, v }) {
  const rows = image(w, h), out = image(w, h);
  for (let y = 0; y < h; y++) {
    const above = Math.max(y - 1, 0) * w, below = Math.min(y + 1, h - 1) * w;
    for (let x = 0; x < w; x++)
      rows.v[y * w + x] = Math.max(v[above + x], v[y * w + x], v[below + x]);
  }
  for (let y = 0, k = 0; y < h; y++)
    for (let x = 0; x < w; x++, k++) {
      const left = x ? rows.v[k - 1] : 0, right = x < w - 1 ? rows.v[k + 1] : 0;
      out.v[k] = Math.max(left, rows.v[k], right);
    }
  return out;
}

// The smallest box with all pixels of which `inside(value)` is true; null: none is.
function boxOf({ w, h, v }, inside) {
  let [x0, y0, x1, y1] = [w, h, -1, -1];
  for (let y = 0, k = 0; y < h; y++)
    for (let x = 0; x < w; x++, k++)
      if (inside(v[k])) {
        if (x < x0) x0 = x;
        if (x > x1) x1 = x;
        if (y < y0) y0 = y;
        y1 = y;
      }
  return y1 < 0 ? null : { x: x0, y: y0, w: x1 - x0 + 1, h: y1 - y0 + 1 };
}

function cropped({ w, v }, box) {
  const out = image(box.w, box.h, v.constructor);
  for (let y = 0; y < box.h; y++) {
    const first = (box.y + y) * w + box.x;
    out.v.set(v.subarray(first, first + box.w), y * box.w);
  }
  return out;
}

// The ink of a board of bytes; 1 is the usual one of its strokes.
function inked({ w, h, v }) {
  const ink = image(w, h), counts = new Uint32Array(256);
  for (let k = 0; k < v.length; k++) counts[v[k]]++;
  const strong = [];
  const most = counts.findLastIndex((n) => n);
  for (let value = Math.ceil(most / 2); value <= most; value++)
    strong.push([value, counts[value]]);
  const n = strong.reduce((total, [, count]) => total + count, 0);
  const at = (index) => strong.find(([, count]) => (index -= count) < 0)[0];
  const full = (at((n - 1) >> 1) + at(n >> 1)) / 2; // the median
  for (let k = 0; k < v.length; k++) ink.v[k] = Math.min(v[k] / full, 1);
  return ink;
}

const sum = (values) => values.reduce((a, b) => a + b, 0);

// 1 for each pixel of the connected strokes that hold 4 % of the ink of the largest.
function strokes(ink) {
  const { w, h, v } = ink, part = new Int32Array(w * h), mass = [0], stack = [];
  for (let start = 0; start < v.length; start++) {
    if (part[start] || v[start] <= STRONG) continue;
    const label = mass.push(0) - 1;
    part[start] = label;
    stack.push(start);
    while (stack.length) {
      const k = stack.pop(), x = k % w;
      mass[label] += v[k];
      for (let dy = -w; dy <= w; dy += w)
        for (let dx = -1; dx <= 1; dx++) {
          const next = k + dy + dx;
          if (x + dx < 0 || x + dx >= w || part[next] || !(v[next] > STRONG)) continue;
          part[next] = label;
          stack.push(next);
        }
    }
  }
  const least = 0.04 * Math.max(...mass), mask = image(w, h, Uint8Array);
  for (let k = 0; k < part.length; k++) mask.v[k] = mass[part[k]] > least ? 1 : 0;
  return mask;
}

// Grow a mask by so many pixels on all sides, in two passes for each direction.
function widened({ w, h, v }, reach) {
  const out = { w, h, v: Uint8Array.from(v) };
  const sweep = (first, step, n) => {
    let since = reach + 1;
    for (let i = 0, k = first; i < n; i++, k += step) {
      since = v[k] ? 0 : since + 1;
      if (since <= reach) out.v[k] = 1;
    }
  };
  for (let y = 0; y < h; y++) {
    sweep(y * w, 1, w);
    sweep(y * w + w - 1, -1, w);
  }
  v = Uint8Array.from(out.v);
  for (let x = 0; x < w; x++) {
    sweep(x, w, h);
    sweep((h - 1) * w + x, -w, h);
  }
  return out;
}

// What is not one digit, as the library refuses it; the page says so and answers.
function doubt(mask) {
  const heights = [];
  let isOpen = false;
  for (let x = 0; x < mask.w; x++) {
    let [top, bottom] = [mask.h, -1];
    for (let y = 0; y < mask.h; y++)
      if (mask.v[y * mask.w + x]) [top, bottom] = [Math.min(top, y), y];
    if (bottom >= 0) {
      if (!isOpen) heights.push([mask.h, -1]);
      const group = heights.at(-1);
      heights[heights.length - 1] = [Math.min(group[0], top), Math.max(group[1], bottom)];
    }
    isOpen = bottom >= 0;
  }
  const n = heights.filter(([top, bottom]) => bottom - top + 1 >= 0.6 * mask.h).length;
  if (n > 1) return `This looks like ${n} digits side by side; draw one.`;
  return mask.w > 2 * mask.h ? "This is wider than a digit." : "";
}

function thickened(ink, box) {
  for (;;) {
    const stroke = padded(ink, 1), { w, v } = stroke;
    let rim = 0, n = 0;
    for (let k = 0; k < v.length; k++) {
      const here = v[k] > STRONG;
      n += here;
      if (k % w && here !== v[k - 1] > STRONG) rim++;
      if (k >= w && here !== v[k - w] > STRONG) rim++;
    }
    const width = (2 * n) / rim;
    if (((width + 2) * box) / Math.max(ink.w, ink.h) > PEN) return ink;
    ink = grown(stroke); // by 2 pixels
  }
}

// Halves go to even numbers, as in Python.
function rounded(z) {
  const down = Math.floor(z);
  return z - down === 0.5 ? down + (down % 2) : Math.round(z);
}

// An image with other rows, turned: so many that `longest` would be `box`.
function resized({ w, h, v }, longest, box) {
  const count = Math.max(1, rounded((h * box) / longest)), width = h / count;
  const out = image(count, w);
  for (let row = 0; row < count; row++) {
    const center = (row + 0.5) * width - 0.5, weights = [];
    let sum = 0;
    for (let y = 0; y < h; y++) {
      const cover = (Math.max(1, width) + 1) / 2 - Math.abs(y - center);
      weights.push(Math.fround(Math.min(Math.max(cover, 0), 1)));
      sum += weights[y];
    }
    for (let x = 0; x < w; x++) {
      let total = 0;
      for (let y = 0; y < h; y++) if (weights[y]) total += weights[y] * v[y * w + x];
      out.v[x * count + row] = total / sum;
    }
  }
  return out;
}

// Move the box, put in the middle of side x side, by its center of mass.
function centered(box, side, byMass) {
  const left = (side - box.w) >> 1, top = (side - box.h) >> 1;
  let [mass, right, down] = [0, 0, 0];
  box.v.forEach((value, k) => {
    mass += value;
    right += value * (left + (k % box.w) - (side >> 1));
    down += value * (top + Math.floor(k / box.w) - (side >> 1));
  });
  const shift = (moment) => (byMass ? -Math.floor(moment / mass + 0.5) : 0);
  const [dx, dy] = [left + shift(right), top + shift(down)];
  const out = new Float32Array(side * side);
  box.v.forEach((value, k) => {
    const [x, y] = [dx + (k % box.w), dy + Math.floor(k / box.w)];
    if (x >= 0 && x < side && y >= 0 && y < side) out[y * side + x] = value;
  });
  return out;
}

// The pixels, from 0 to 1, that a network of side x side pictures is shown.
// board: bytes of ink, n x n. Returns {pixels, doubt}, or null of a blank board.
page.digit = (board, n, side = 28) => {
  const drawn = { w: n, h: n, v: board }, all = boxOf(drawn, (v) => v);
  if (!all) return null;
  const ink = inked(cropped(drawn, all));
  let mask = strokes(ink);
  const box = boxOf(mask, (v) => v);
  if (!box || sum(mask.v) < 5) return null;
  const text = doubt(cropped(mask, box));
  // Digits of few pixels fill their picture, as those of scikit-learn do.
  const size = side < 16 ? side : Math.round((side * 20) / 28);
  mask = widened(mask, 1 + Math.floor(Math.max(box.w, box.h) / size));
  for (let k = 0; k < ink.v.length; k++) if (!mask.v[k]) ink.v[k] = 0;
  const digit = thickened(cropped(ink, boxOf(ink, (v) => v > FAINT)), size);
  const longest = Math.max(digit.w, digit.h);
  const small = resized(resized(digit, longest, size), longest, size);
  const top = Math.max(...small.v);
  small.v = small.v.map((v) => v / top);
  return { pixels: centered(small, side, size < side), doubt: text };
};
