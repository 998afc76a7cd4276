// Pictures of pixels and of weights: white ink on black; above 0 blue, below 0 orange.
const PLUS = [106, 169, 244], MINUS = [240, 152, 90], WHITE = [255, 255, 255];

// Paint values, side x side, on a canvas; signed ones by their largest size.
page.paint = (canvas, values, { signed = false, side = Math.sqrt(values.length) } = {}) => {
  [canvas.width, canvas.height] = [side, side];
  const context = canvas.getContext("2d"), picture = context.createImageData(side, side);
  let top = 0;
  for (const v of values) top = Math.max(top, Math.abs(v));
  for (let k = 0; k < values.length; k++) {
    const share = signed ? Math.abs(values[k]) / (top || 1) : values[k];
    const color = !signed ? WHITE : values[k] < 0 ? MINUS : PLUS;
    picture.data.set([...color, 255 * share], 4 * k); // on black
  }
  context.putImageData(picture, 0, 0);
  return canvas;
};

// A canvas with such a picture; `label` is for those who do not see it.
page.picture = (values, label, settings) => page.paint(page.element("canvas",
  { class: "picture", role: "img", "aria-label": label }), values, settings);

// The digits of the document: {pixels, index, label, said, probability} each.
// Pixels are bytes; a 0 is followed by how many 0 there are.
page.digits = (doc) => {
  const { digits } = doc;
  if (!digits?.index) return [];
  const packed = page.bytes(digits.pixels), size = digits.side ** 2;
  const all = new Uint8Array(size * digits.index.length);
  for (let k = 0, to = 0; k < packed.length; k++)
    if (packed[k]) all[to++] = packed[k];
    else to += packed[++k];
  const name = (k) => String(digits.classes?.[k] ?? k);
  return digits.index.map((index, k) => ({
    index, label: name(digits.labels[k]), said: name(digits.said[k]),
    probability: digits.probability[k], isMistake: digits.labels[k] !== digits.said[k],
    pixels: Float32Array.from(all.subarray(k * size, (k + 1) * size), (v) => v / 255),
  }));
};
