// Pictures of the plane: colors behind the points, and the marks of the points.
page.plane ??= {};

const OTHERS = [[0, 158, 115], [204, 121, 167], [214, 175, 0], [86, 180, 233]];
const rgb = (color) => color.match(/[\d.]+/g).slice(0, 3).map(Number);

// The colors of the theme: class 0 is orange, class 1 blue, as minus and plus are.
let colors = null;
page.onTheme(() => { colors = null; });
page.plane.palette = () => {
  if (colors) return colors;
  const [minus, plus, ground] = ["--minus", "--plus", "--surface"].map((name) => rgb(page.color(name)));
  colors = { minus, plus, ground, classes: [minus, plus, ...OTHERS],
    text: page.color("--text"), back: page.color("--surface") };
  return colors;
};

const blend = (color, ground, share) => color.map((v, k) => ground[k] + (v - ground[k]) * share);
const css = (color) => `rgb(${color.map(Math.round).join(",")})`;

// The color of a number from -1 (minus) to 1 (plus).
page.plane.signed = (value, palette) => {
  const bounded = Math.min(Math.max(value, -1), 1) || 0;
  return blend(bounded < 0 ? palette.minus : palette.plus, palette.ground, 0.85 * Math.abs(bounded));
};

// The color of an answer: its class, paler where it is less sure; or its number.
page.plane.colorOf = (playground, answer, palette) => {
  const { index, share } = playground.read(answer);
  if (index === undefined) {
    const { mean, scale } = playground.answer;
    return page.plane.signed((answer[0] - mean) / (2 * scale), palette);
  }
  const least = 1 / Math.max(playground.data.classes.length, 2);
  const sure = (share - least) / (1 - least);
  return blend(palette.classes[index % palette.classes.length], palette.ground, 0.06 + 0.44 * sure);
};

// The part of the plane that is shown: a square around the points, with a margin.
page.plane.frameOf = ({ x }) => {
  const ranges = [0, 1].map((k) => {
    const values = x.map((row) => row[k]);
    const low = values.length ? Math.min(...values) : -1, high = values.length ? Math.max(...values) : 1;
    const margin = 0.12 * (high - low) || Math.abs(low) || 1;
    return [low - margin, high + margin];
  });
  return { x1: ranges[0], x2: ranges[1] };
};

// The middles of n x n cells of the plane, row by row from the top.
page.plane.gridOf = ({ x1, x2 }, n) => Array.from({ length: n * n }, (_, k) => [
  x1[0] + (((k % n) + 0.5) / n) * (x1[1] - x1[0]),
  x2[1] - ((Math.floor(k / n) + 0.5) / n) * (x2[1] - x2[0]),
]);

// Paint the colors of n x n cells over a whole canvas, or of every `stride`-th one.
const small = document.createElement("canvas");
page.plane.paint = (canvas, n, colorAt, stride = 1) => {
  const m = Math.floor(n / stride);
  small.width = small.height = m;
  const pen = small.getContext("2d"), image = pen.createImageData(m, m);
  for (let k = 0, at = 0; k < m * m; k++) {
    const color = colorAt((Math.floor(k / m) * n + (k % m)) * stride);
    for (let part = 0; part < 3; part++) image.data[at++] = color[part];
    image.data[at++] = 255;
  }
  pen.putImageData(image, 0, 0);
  canvas.getContext("2d").drawImage(small, 0, 0, canvas.width, canvas.height);
};

// Marks differ in shape, too: circle, square, triangle, diamond, cross, plus.
const MARKS = [
  (pen, r) => pen.arc(0, 0, r, 0, 2 * Math.PI),
  (pen, r) => pen.rect(-0.85 * r, -0.85 * r, 1.7 * r, 1.7 * r),
  (pen, r) => polygon(pen, [[0, -1.2 * r], [1.1 * r, 0.8 * r], [-1.1 * r, 0.8 * r]]),
  (pen, r) => polygon(pen, [[0, -1.3 * r], [1.3 * r, 0], [0, 1.3 * r], [-1.3 * r, 0]]),
  (pen, r) => polygon(pen, [[-r, -r], [0, -0.3 * r], [r, -r], [0.3 * r, 0], [r, r], [0, 0.3 * r], [-r, r], [-0.3 * r, 0]]),
  (pen, r) => polygon(pen, [[-r, 0], [r, 0], [0, r], [0, -r]]),
];
page.plane.SHAPES = ["circle", "square", "triangle", "diamond", "star", "kite"];

function polygon(pen, corners) {
  corners.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
}

page.plane.mark = (pen, at, index, fill, palette, radius) => {
  pen.save();
  pen.translate(...at);
  pen.beginPath();
  MARKS[index % MARKS.length](pen, radius);
  pen.fillStyle = css(fill);
  pen.strokeStyle = palette.back;
  pen.lineWidth = radius / 3;
  pen.stroke();
  pen.fill();
  pen.restore();
};

// A position on a canvas of `size` pixels, and back.
page.plane.toPixel = ({ x1, x2 }, size, [a, b]) => [
  ((a - x1[0]) / (x1[1] - x1[0])) * size, ((x2[1] - b) / (x2[1] - x2[0])) * size];
page.plane.fromPixel = ({ x1, x2 }, size, [u, v]) => [
  x1[0] + (u / size) * (x1[1] - x1[0]), x2[1] - (v / size) * (x2[1] - x2[0])];
