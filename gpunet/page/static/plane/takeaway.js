// What the playground leaves: a configuration and its points, for `gpunet train`.
page.plane ??= {};

const CONFIG = "playground.json", POINTS = "points.csv";
const COMMAND = `gpunet train --config ${CONFIG}`;

page.plane.takeaway = (root, playground) => {
  const { element } = page;
  const copied = element("span", { role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(COMMAND);
      copied.textContent = "Copied.";
    } catch { // a file or frame may have no right to the clipboard
      copied.textContent = "Select the command and copy it.";
    }
  };
  root.append(element("h2", {}, "Take it with you"),
    element("p", {}, "Save both files into one folder and run the command there: the same points, the same start from the same seed and the same order of the examples, so the same network after as many epochs."),
    element("div", { class: "row" },
      page.button("Save configuration", () => page.download(CONFIG, `${JSON.stringify(playground().config(POINTS), null, 1)}\n`)),
      page.button("Save points", () => page.download(POINTS, page.plane.writeCsv(playground().data))),
      page.button("Copy command", copy), copied),
    element("pre", {}, element("code", {}, COMMAND)));
};
