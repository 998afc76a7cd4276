// The picture of the network: what it sees, its neurons, and the strongest of the
// products w a that each of them adds up. Blue lines add, orange and dashed ones take away.
const MOST = 16; // neurons of a layer that are drawn
const LINES = 6; // into each neuron
const FAINTEST = 0.04; // of the strongest of its layer; fainter ones are left out
const STEP_MS = 420; // how long a layer takes to light up

// A diagram of a network. onNeuron(block, j) when one is clicked, onHover(block, j).
// Returns {element, show(values), light(), select(block, j)}.
page.diagram = (network, rows, { onNeuron, onHover }) => {
  let blocks = page.blocks(network);
  const side = Math.sqrt(network.inputs.n);
  const canvas = page.element("canvas", { role: "img" });
  const element = page.element("div", { class: "stage" }, canvas);
  const context = canvas.getContext("2d");
  const small = document.createElement("canvas");
  const shown = blocks.map((block, l) => chosen(block, blocks[l + 1]));
  let values = null, lines = [], layout = null, progress = Infinity, frame = 0, selected = null;

  // The most used neurons of a large layer, in their order.
  function chosen(block, next) {
    const all = Array.from({ length: block.nOut }, (_, j) => j);
    if (block.nOut <= MOST) return all;
    const use = page.use(network, block, next, rows);
    return all.sort((i, j) => use[j] - use[i]).slice(0, MOST).sort((i, j) => i - j);
  }

  function place() {
    const width = element.clientWidth || 640, isNarrow = width < 520;
    const height = isNarrow ? 340 : 440, scale = devicePixelRatio || 1;
    [canvas.width, canvas.height] = [width * scale, height * scale];
    canvas.style.setProperty("height", `${height}px`);
    const picture = Math.min(width * 0.27, 190), pad = isNarrow ? 8 : 20;
    const right = width - (isNarrow ? 62 : 170), first = pad + picture;
    const columns = shown.map((neurons, l) => {
      const x = first + ((right - first) * (l + 1)) / shown.length;
      const gap = neurons.length < blocks[l].nOut ? 1 : 0;
      const step = Math.min((height - 64) / (neurons.length + gap), 38);
      const top = (height - step * (neurons.length + gap - 1)) / 2;
      const y = (k) => top + step * (k + (gap && k >= neurons.length / 2 ? 1 : 0));
      return { x, r: Math.min(step * 0.4, isNarrow ? 8 : 13), gap,
        y: neurons.map((_, k) => y(k)), middle: height / 2 };
    });
    layout = { width, height, scale, picture: { x: pad, y: (height - picture) / 2,
      size: picture }, columns, isNarrow };
  }

  // The strongest terms of each drawn neuron: [{from: [x, y], to: [x, y], share}].
  function terms(l) {
    const block = blocks[l], input = values[block.input], { picture } = layout;
    const sources = l ? shown[l - 1] : Array.from({ length: block.nIn }, (_, i) => i);
    const from = (i, k) => (l ? [layout.columns[l - 1].x + layout.columns[l - 1].r,
      layout.columns[l - 1].y[k]]
      : [picture.x + ((i % side) + 0.5) * (picture.size / side),
        picture.y + (Math.floor(i / side) + 0.5) * (picture.size / side)]);
    const found = [];
    shown[l].forEach((j, n) => {
      const strongest = [];
      sources.forEach((i, k) => {
        const term = input[i] * block.W[i * block.nOut + j];
        if (term && (strongest.length < LINES || Math.abs(term) > strongest[0].size)) {
          strongest.push({ term, size: Math.abs(term), i, k });
          strongest.sort((a, b) => a.size - b.size);
          if (strongest.length > LINES) strongest.shift();
        }
      });
      const to = [layout.columns[l].x - layout.columns[l].r, layout.columns[l].y[n]];
      for (const { term, i, k } of strongest) found.push({ from: from(i, k), to, term });
    });
    const top = Math.max(...found.map(({ term }) => Math.abs(term)), 1e-12);
    for (const line of found) line.share = Math.abs(line.term) / top;
    return found.filter(({ share }) => share >= FAINTEST)
      .sort((a, b) => a.share - b.share);
  }

  const part = (z) => Math.min(Math.max(z, 0), 1);

  function stroke(l, color, share, from, to) {
    const full = `rgba(${color},${0.15 + 0.75 * share})`;
    if (l) return full;
    // Faint where they begin, so that the digit under them can be seen.
    const faint = context.createLinearGradient(...from, ...to);
    faint.addColorStop(0, `rgba(${color},${0.08 + 0.3 * share})`);
    faint.addColorStop(0.6, full);
    return faint;
  }

  function drawLines(l, grown) {
    if (!grown) return;
    for (const { from, to, term, share } of lines[l]) {
      const at = (k) => from[k] + (to[k] - from[k]) * grown;
      const color = term > 0 ? "106,169,244" : "240,152,90";
      context.strokeStyle = stroke(l, color, share, from, to);
      context.setLineDash(term > 0 ? [] : [6, 4]);
      context.lineWidth = 0.5 + 2.5 * share;
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(at(0), at(1));
      context.stroke();
    }
    context.setLineDash([]);
  }

  function drawNeurons(l, light) {
    const { x, y, r, gap, middle } = layout.columns[l], a = values[blocks[l].a];
    const top = l === blocks.length - 1 ? 1 : 0;
    const most = shown[l].reduce((max, j) => Math.max(max, Math.abs(a[j])), top) || 1;
    shown[l].forEach((j, k) => {
      const share = light * part(Math.abs(a[j]) / most);
      context.beginPath();
      context.arc(x, y[k], r, 0, 2 * Math.PI);
      context.fillStyle = "#0e1116";
      context.fill();
      context.fillStyle = `rgba(${a[j] < 0 ? "240,152,90" : "255,255,255"},${share})`;
      context.fill();
      const isSelected = selected && selected[0] === l && selected[1] === j;
      context.lineWidth = isSelected ? 3 : 1.2;
      context.strokeStyle = isSelected ? "#6aa9f4" : `rgba(205,212,222,${0.5 + share / 2})`;
      context.stroke();
    });
    context.fillStyle = "#b9c1cc";
    if (gap) {
      for (const dy of [-5, 0, 5]) context.fillRect(x - 1, middle + dy - 1, 2, 2);
      text(`${shown[l].length} of ${blocks[l].nOut}`, x, layout.height - 10, "center");
    }
  }

  function drawAnswers(light) {
    const l = blocks.length - 1, { x, y, r } = layout.columns[l], a = values[blocks[l].a];
    const length = layout.width - x - r - (layout.isNarrow ? 24 : 76);
    const best = Math.max(...a), most = Math.max(1, ...a.map(Math.abs));
    shown[l].forEach((j, k) => {
      const left = x + r + 8, isBest = light && a[j] === best;
      context.fillStyle = isBest ? "#ffffff" : "#b9c1cc";
      const name = page.className(network, j);
      const width = text(name.length > 5 ? `${name.slice(0, 4)}…` : name, left, y[k] + 5,
        "left", isBest ? 700 : 400);
      context.fillStyle = a[j] < 0 ? "#f0985a" : "#6aa9f4";
      context.fillRect(left + Math.max(width, 9) + 7, y[k] - 4,
        Math.max(length * part((light * Math.abs(a[j])) / most), 1), 8);
      if (layout.isNarrow || !light) return;
      context.fillStyle = isBest ? "#ffffff" : "#b9c1cc";
      text(a[j].toFixed(2), layout.width - 12, y[k] + 5, "right", isBest ? 700 : 400);
    });
  }

  function text(words, x, y, align, weight = 400) {
    context.font = `${weight} 14px system-ui, sans-serif`;
    context.textAlign = align;
    context.fillText(words, x, y);
    return context.measureText(words).width;
  }

  function draw() {
    if (!values || !layout) return;
    const { scale, width, height, picture } = layout;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    page.paint(small, values[0], { side });
    context.imageSmoothingEnabled = false;
    context.drawImage(small, picture.x, picture.y, picture.size, picture.size);
    context.strokeStyle = "#59616b";
    context.lineWidth = 1;
    context.strokeRect(picture.x, picture.y, picture.size, picture.size);
    blocks.forEach((_, l) => drawLines(l, part(1.4 * (progress - l))));
    blocks.forEach((_, l) => drawNeurons(l, part(2.5 * (progress - l - 0.6))));
    drawAnswers(part(2.5 * (progress - blocks.length + 0.4)));
  }

  function connect() {
    if (!values || !layout) return;
    lines = blocks.map((_, l) => terms(l));
    draw();
  }

  function show(next) {
    values = next;
    progress = Infinity;
    cancelAnimationFrame(frame);
    connect();
  }

  // Light up layer by layer, where motion is welcome.
  function light() {
    cancelAnimationFrame(frame);
    if (page.reducedMotion()) return;
    const started = performance.now();
    const step = (now) => {
      progress = (now - started) / STEP_MS;
      if (progress > blocks.length + 1) progress = Infinity;
      else frame = requestAnimationFrame(step);
      draw();
    };
    frame = requestAnimationFrame(step);
  }

  function neuronAt(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    for (const [l, column] of layout.columns.entries())
      for (const [k, top] of column.y.entries())
        if (Math.hypot(x - column.x, y - top) < column.r + 4) return [l, shown[l][k]];
    return null;
  }
  canvas.addEventListener("click", (event) => {
    const neuron = neuronAt(event);
    if (neuron) onNeuron(...neuron);
  });
  canvas.addEventListener("pointermove", (event) => {
    const neuron = neuronAt(event);
    canvas.style.setProperty("cursor", neuron ? "pointer" : "default");
    if (neuron) onHover(...neuron);
  });
  new ResizeObserver(() => {
    if (!element.clientWidth) return;
    place();
    connect();
  }).observe(element);
  const sizes = [network.inputs.n, ...blocks.map((block) => block.nOut)];
  canvas.setAttribute("aria-label", `The network ${sizes.join("-")} and what it adds up`);
  // Another network of the same layers: its lines are other ones.
  const use = (other) => { blocks = page.blocks(other); };
  return { element, show, light, use, select: (l, j) => { selected = [l, j]; draw(); } };
};
