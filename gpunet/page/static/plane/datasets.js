// Points of the plane: made from a seed, or read from a CSV text.
//
// Data are {names: [two inputs], target, x: [[x1, x2], ...], t, classes}: t is the index
// of a class, or a number where classes is null.
page.plane ??= {};

const makers = {
  moons: (rng, k) => {
    const angle = Math.PI * rng.random(), upper = k % 2;
    return upper ? [Math.cos(angle) - 0.5, Math.sin(angle) - 0.25, 1]
      : [0.5 - Math.cos(angle), 0.25 - Math.sin(angle), 0];
  },
  circles: (rng, k) => {
    const angle = 2 * Math.PI * rng.random(), radius = k % 2 ? 0.4 : 1;
    return [radius * Math.cos(angle), radius * Math.sin(angle), k % 2];
  },
  spiral: (rng, k) => {
    const along = Math.sqrt(rng.random()), angle = 3.5 * along * Math.PI + (k % 2) * Math.PI;
    return [along * Math.cos(angle), along * Math.sin(angle), k % 2];
  },
  xor: (rng) => {
    const [x1, x2] = [2 * rng.random() - 1, 2 * rng.random() - 1];
    return [x1, x2, Number(x1 * x2 < 0)];
  },
  blobs: (rng, k) => {
    const angle = (2 * Math.PI * (k % 3)) / 3;
    return [0.8 * Math.cos(angle), 0.8 * Math.sin(angle), k % 3];
  },
  waves: (rng) => {
    const [x1, x2] = [2 * rng.random() - 1, 2 * rng.random() - 1];
    return [x1, x2, Math.sin(3 * x1) * Math.cos(2 * x2)];
  },
};
page.plane.DATASETS = { moons: "two moons", circles: "circles", spiral: "spiral",
  xor: "XOR", blobs: "three blobs", waves: "waves (regression)" };

const round = (value) => Number(value.toFixed(4));

page.plane.generate = ({ kind, n, noise, seed }) => {
  const rng = new page.training.Random(seed, "points");
  const rows = Array.from({ length: n }, (_, k) => {
    const [x1, x2, t] = makers[kind](rng, k);
    const shift = () => (kind === "spiral" ? 0.3 : 1) * noise * rng.normal(); // its arms are near
    return kind === "waves" ? [x1, x2, t + shift()] : [x1 + shift(), x2 + shift(), t];
  });
  const classes = { waves: null, blobs: ["0", "1", "2"] }[kind];
  return { names: ["x1", "x2"], target: classes === null ? "y" : "class",
    x: rows.map((row) => row.slice(0, 2).map(round)),
    t: rows.map((row) => round(row[2])), classes: classes === undefined ? ["0", "1"] : classes };
};

// Return the cells of a CSV text: quotes as RFC 4180 has them.
function cells(text, delimiter) {
  const rows = [[]];
  let cell = "", quoted = false;
  const end = () => { rows.at(-1).push(cell.trim()); cell = ""; };
  for (let k = 0; k < text.length; k++) {
    const c = text[k];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[k + 1] === '"') cell += text[++k];
      else quoted = false;
    } else if (c === '"' && cell.trim() === "") [quoted, cell] = [true, ""];
    else if (c === delimiter) end();
    else if (c === "\n") { end(); rows.push([]); }
    else if (c !== "\r") cell += c;
  }
  end();
  return rows.filter((row) => row.some((value) => value !== ""));
}

const isNumber = (value) => value !== "" && Number.isFinite(Number(value));
const MOST = 5000, MOST_CLASSES = 20;

function targets(values, task) {
  const numbers = values.every(isNumber);
  const different = [...new Set(numbers ? values.map(Number) : values)];
  const whole = numbers && different.every(Number.isInteger);
  const classify = task ? task === "classify" : !numbers || (whole && different.length <= MOST_CLASSES);
  if (!classify && !numbers) throw new RangeError("the last column has texts, which are classes");
  if (!classify) return { t: values.map(Number), classes: null };
  if (different.length < 2) throw new RangeError("the last column has one class only; give two or more");
  if (different.length > MOST_CLASSES)
    throw new RangeError(`the last column has ${different.length} classes; give ${MOST_CLASSES} or fewer`);
  different.sort(numbers ? (a, b) => a - b : undefined);
  const t = values.map((value) => different.indexOf(numbers ? Number(value) : value));
  return { t, classes: different.map(String) };
}

// Return data of a CSV text: the first two columns are inputs, the last the target.
page.plane.readCsv = (text, task) => {
  const first = text.split("\n", 1)[0];
  const delimiter = ["\t", ";", ","].find((mark) => first.includes(mark)) ?? ",";
  const rows = cells(text.replace(/^\ufeff/, ""), delimiter);
  const header = rows.length && !rows[0].slice(0, 2).every(isNumber) ? rows.shift() : null;
  if (rows.length < 2) throw new RangeError("give two rows of points or more");
  if (rows.length > MOST) throw new RangeError(`give at most ${MOST} rows, got ${rows.length}`);
  rows.forEach((row, k) => {
    const line = k + (header ? 2 : 1);
    if (row.length < 3 || row.length !== rows[0].length)
      throw new RangeError(`line ${line} has ${row.length} cells; give x1, x2 and a class or number`);
    const wrong = row.slice(0, 2).find((value) => !isNumber(value));
    if (wrong !== undefined) throw new RangeError(`line ${line}: ${JSON.stringify(wrong.slice(0, 40))} is not a number`);
    if (row.at(-1) === "") throw new RangeError(`line ${line}: the last cell is empty`);
  });
  const name = (k, otherwise) => header?.at(k) || otherwise;
  const answer = targets(rows.map((row) => row.at(-1)), task);
  const names = [name(0, "x1"), name(1, "x2")];
  return { names, target: name(-1, answer.classes ? "class" : "y"),
    x: rows.map((row) => row.slice(0, 2).map(Number)), ...answer };
};

const quoted = (cell) => (/[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

page.plane.writeCsv = ({ names, target, x, t, classes }) => {
  const rows = x.map((row, k) => [...row, classes ? classes[t[k]] : t[k]]);
  return [[...names, target], ...rows].map((row) => `${row.map((c) => quoted(String(c))).join(",")}\n`).join("");
};
