// A served page follows its run: changed parts of the document come as events, and a
// line at the top says what the run does. A hidden tab does not listen: browsers open
// only six connections to one server.
const live = page.document.live;
if (live) {
  const line = page.element("p", { id: "run-state", class: "row" });
  const tabs = document.getElementById("tabs");
  tabs.before(line);
  // The address may name a tab that is not there yet; who chooses another one stays.
  let wanted = location.hash;
  tabs.addEventListener("click", () => { wanted = ""; });
  let source = null, version = live.version, over = false, said = "", epochs = 0;

  const show = (text, state) => {
    if (text === said) return;
    said = text;
    line.dataset.state = state;
    line.textContent = text;
  };

  function tell(changes) {
    const { text, state } = page.document.live, history = page.document.history;
    const n = history?.epoch?.length ?? 0;
    const epoch = n ? `, epoch ${history.epoch[n - 1]}` : "";
    show(state === "running" ? `${text}${epoch}` : text, state);
    if (n !== epochs || (changes.live && state !== "running")) page.say(said);
    epochs = n;
  }

  function listen() {
    source = new EventSource(`events?seen=${version}`);
    source.onmessage = (event) => {
      version = Number(event.lastEventId);
      const changes = JSON.parse(event.data);
      page.update(changes);
      if (wanted && document.getElementById(`tab-${wanted.slice(1).split("=")[0]}`)) {
        location.replace(wanted);
        wanted = "";
      }
      if (changes.title) for (const place of [document.querySelector("title"),
        document.querySelector("h1")]) place.textContent = changes.title;
      tell(changes);
    };
    source.addEventListener("over", () => {
      over = true;
      source.close();
      show(`${page.document.live.text}; the server has ended`, "over");
      page.say(said);
    });
    source.onopen = () => tell({});
    source.onerror = () => {
      show(`${page.document.live.text}; not connected, trying again`, "lost");
      // The browser tries again by itself, but not if it was refused.
      if (source.readyState === EventSource.CLOSED) setTimeout(resume, 2000);
    };
  }

  function resume() {
    source?.close();
    if (!over && !document.hidden) listen();
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) source?.close();
    else resume();
  });
  queueMicrotask(() => { // the tabs are there
    tell({});
    resume();
  });
}
