// The record: settings, fingerprints, times and versions of each stage.

function buildRecord() {
  return [
    make("p", {}, "Where these results come from. Computing times are per item; a shard is written as a whole."),
    timesTable(),
    ...page.record.map(stageRecord),
  ];
}

function timesTable() {
  const rows = page.record.flatMap((stage) => stage.items.map((item, number) => make("tr", {},
    make("th", { scope: "row" }, stage.items.length > 1 ? `${stage.stage}, frame ${number}` : stage.stage),
    make("td", {}, item.state),
    make("td", {}, item.seconds === undefined ? "–" : `${item.seconds.toFixed(2)} s`),
    make("td", {}, item.committed ?? "–"))));
  const head = ["stage", "state", "time", "written"].map((text) => make("th", { scope: "col" }, text));
  return scrolling(make("table", { class: "times" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
}

function stageRecord(stage) {
  const facts = [
    ["fingerprint", stage.fingerprint],
    ["folder", stage.folder],
    ["version of the stage", stage.version],
    ...(stage.weights ? [["weights (SHA-256)", stage.weights]] : []),
  ];
  for (const item of stage.items) {
    if (item.shard === undefined) {
      facts.push(["results", item.note || item.state]);
      continue;
    }
    facts.push([item.id, `${item.seconds} s, in shard ${item.shard} of ${item.shardItems}, written in ${item.shardSeconds} s`
      + ` with ${(item.peakMemory / 2 ** 30).toFixed(2)} GB at most`]);
  }
  const versions = stage.items.find((item) => item.versions)?.versions;
  if (versions) facts.push(["made with", Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")]);
  const settings = Object.entries(stage.settings).map(([name, value]) => [name, JSON.stringify(value)]);
  return make("details", { "data-stage": stage.stage }, make("summary", {}, stage.stage), factList(facts),
    make("h3", {}, "Settings"), factList(settings));
}

// Wide tables scroll by themselves, and can be scrolled from the keyboard.
function scrolling(table) {
  return make("div", { class: "scrolling", tabindex: "0", role: "region", "aria-label": "Times" }, table);
}
