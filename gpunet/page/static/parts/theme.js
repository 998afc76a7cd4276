// Light or dark: as the system says, until the button is pressed.
page.theme = () => document.documentElement.dataset.theme
  ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

// page.color("--plus"): a color of the theme, for canvas. Redraw in page.onTheme(fn),
// which returns a function that ends it.
page.color = (name) => {
  const probe = page.element("span", { style: { color: `var(${name})` }, hidden: true });
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
};

const followers = new Set();
page.onTheme = (follower) => {
  followers.add(follower);
  return () => followers.delete(follower);
};
const button = document.getElementById("theme");

function changed() {
  const other = page.theme() === "dark" ? "Light" : "Dark";
  button.textContent = other;
  button.setAttribute("aria-label", `${other} theme`);
  for (const follower of followers) follower();
}

button.hidden = false;
button.addEventListener("click", () => {
  document.documentElement.dataset.theme = page.theme() === "dark" ? "light" : "dark";
  changed();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
changed();
