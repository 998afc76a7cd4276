// What the network is.
page.tab({
  id: "overview",
  title: "Overview",
  render(root, doc) {
    const { overview } = doc;
    for (const [title, rows] of overview.tables ?? [])
      root.append(page.element("h2", {}, title), page.table(["", ""], rows,
        { caption: title }));
  },
});
