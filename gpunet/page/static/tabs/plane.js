// The plane: what a network of two inputs says everywhere, and a playground to train one.
const FRAME = 12; // milliseconds of steps between two pictures, at most
const shown = (loss) => (Number.isFinite(loss) ? page.number(loss) : "beyond any number");
const SPEEDS = { step: "a step at a time", epoch: "40 epochs a second", most: "as fast as it goes" };

page.tab({
  id: "plane",
  title: "Plane",
  when: (doc) => doc.plane !== undefined,
  render(root, doc) {
    const { element } = page;
    let current = page.plane.open(doc), running = false, speed = "epoch", chart = null, lastFrame = 0, drawnAt = 0;
    const playground = () => current;
    const picture = element("div", {}), panel = element("div", { class: "controls" });
    const below = Array.from({ length: 4 }, () => element("div", {}));
    const status = element("p", { class: "status" }), problem = element("p", { class: "problem", role: "alert" });
    const play = page.button("Train", () => (running ? pause() : start()), { class: "main" });
    const buttons = [play, page.button("One step", () => act(() => current.step())),
      page.button("One epoch", () => act(() => current.epoch())),
      page.button("Reset", () => { pause(); current.restart(); renewed(); })];

    root.append(element("h2", { class: "unseen" }, "A network of two inputs"), element("div", { class: "columns plane" }, element("div", {}, picture,
      element("div", { class: "row" }, buttons, page.plane.menu("Speed", SPEEDS, speed, (name) => { speed = name; })), status, problem), panel), ...below);
    const board = page.plane.board(picture, { playground, chosen: () => controls.chosen(), onPoints });
    const controls = page.plane.controls(panel, playground, {
      renew: (settings, data) => { pause(); current.renew(settings, data); renewed(); },
      adapt: (settings) => { current.adapt(settings); controls.draw(); redraw(); },
    });
    const neurons = page.plane.neurons(below[1], playground);
    const cycle = page.plane.cycle(below[2], playground, () => { pause(); cycle.show(current.part()); redraw(); });
    const takeaway = page.plane.takeaway(below[3], playground);
    below[1].after(page.numbers(points, "Show the points and answers"), page.numbers(weights, "Show all weights"));

    function redraw() {
      const reached = current.record(), { data, stopped } = current;
      neurons.draw(board.draw());
      for (const button of buttons.slice(0, 3)) button.disabled = !data.t.length || Boolean(stopped);
      status.textContent = sentence();
      problem.textContent = stopped;
      if (stopped) pause();
      drawCurve();
      takeaway.draw();
      return reached;
    }

    function sentence() {
      const { trainer, last, data } = current;
      if (!data.t.length) return "There are no points to train on: click into the plane to add some.";
      const share = data.classes ? `, ${page.percent(last.accuracy, 1)} of ${data.t.length} points right` : "";
      return `Epoch ${trainer.epoch}, step ${trainer.step}: loss ${shown(last.loss)}${share}.`;
    }

    function drawCurve() {
      const { history } = current;
      const first = history[0]?.loss, last = history.at(-1)?.loss;
      const settings = { title: "Loss over all points", x: history.map((h) => h.epoch),
        series: [{ name: "loss", values: history.map((h) => (Number.isFinite(h.loss) ? h.loss : null)), color: "--plus" }], height: 200,
        sentence: history.length > 1 ? `The loss went from ${shown(first)} to ${shown(last)} by epoch ${page.number(history.at(-1).epoch)}.` : "No step was taken yet." };
      if (chart) chart.update(settings);
      else chart = page.chart.lines(below[0], settings);
    }

    function start() {
      running = true;
      play.textContent = "Pause";
      requestAnimationFrame(frame);
    }

    function pause() {
      if (running) page.say(sentence());
      running = false;
      play.textContent = "Train";
    }

    // Train for a moment, then draw; seldom where motion is not wanted.
    function frame(now) {
      if (!running || !root.isConnected || root.hidden) return pause();
      const end = performance.now() + FRAME, { epoch } = current.trainer;
      const epochs = Math.max(1, Math.round(Math.min(now - lastFrame, 100) * 0.04));
      const enough = () => speed === "step" || (speed === "epoch" && current.trainer.epoch >= epoch + epochs);
      lastFrame = now;
      while (current.step() && !enough() && performance.now() < end);
      if (!page.reducedMotion() || now - drawnAt > 1000) {
        drawnAt = now;
        if (redraw()) {
          pause();
          problem.textContent = `The loss has reached ${current.settings.target_loss}: training stopped.`;
        }
      }
      if (running) requestAnimationFrame(frame);
    }

    function act(step) {
      pause();
      step();
      cycle.show(0);
      redraw();
      page.say(current.stopped || sentence());
    }

    function onPoints(change) {
      current.adapt({ kind: "own" }, change(current.data));
      controls.draw();
      redraw();
      page.say(`${current.data.t.length} points.`);
    }

    function renewed() {
      board.renew();
      controls.draw();
      cycle.show(0);
      redraw();
    }

    function points() {
      const { data } = current, { answers } = current.predict(data.x);
      return page.table([...data.names, data.target, "answer"], data.x.map((row, k) => {
        const { name, share } = current.read(answers[k]);
        const sure = share === undefined ? "" : ` (${page.percent(share, 1)})`;
        return [...row, data.classes ? data.classes[data.t[k]] : data.t[k], `${name}${sure}`];
      }), { caption: "Points and what the network answers" });
    }

    function weights() {
      const rows = current.net.layers.flatMap(({ W, b, nOut }, l) => [
        ...Array.from(W, (w, k) => [l + 1, `W from ${Math.floor(k / nOut) + 1} to ${(k % nOut) + 1}`, w]),
        ...Array.from(b, (v, k) => [l + 1, `b of ${k + 1}`, v])]);
      return page.table(["layer", "parameter", "value"], rows, { caption: "Weights and biases" });
    }

    page.plane.redraw = redraw;
    page.plane.playground = playground;
    page.onTheme(() => { board.explain(); redraw(); });
    page.onUpdate((changed, changes) => {
      if (!("network" in changes || "plane" in changes) || !current.given || current.history.length > 1) return;
      current = page.plane.open(changed);
      renewed();
    });
    renewed();
  },
});
