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
  const promise = element("p", {});
  root.append(element("h2", {}, "Take it with you"), promise,
    element("div", { class: "row" },
      page.button("Save configuration", () => page.download(CONFIG, `${JSON.stringify(playground().config(POINTS), null, 1)}\n`)),
      page.button("Save points", () => page.download(POINTS, page.plane.writeCsv(playground().data))),
      page.button("Copy command", copy), copied),
    element("pre", {}, element("code", {}, COMMAND)));

  return { draw() {
    const { repeatable, settings, trainer } = playground();
    const epochs = trainer.epoch > 1 ? `${trainer.epoch} epochs` : "1 epoch";
    promise.textContent = `Save both files into one folder and run the command there. ${repeatable
      ? `It has the same points, start and order, so after ${epochs} it has the same weights as this page.`
      : `It starts anew from seed ${settings.seed}, with these points and settings, for ${epochs}.`}`;
  } };
};
