"use strict";
// What the daemon does now, from its own events. Everything is written as text, never as markup: job ids and
// stages are chosen by others.
const at = (id) => document.getElementById(id);
const EVENTS_SHOWN = 100;
const jobs = new Map();
at("origin").textContent = location.origin;

function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}

function row(cells) {
  const made = element("tr");
  made.append(...cells.map((cell) => element("td", cell)));
  return made;
}

function state(word) {
  at("state").textContent = word;
  at("state").className = ["running", "starting", "draining"].includes(word) ? word : "off";
}

function facts(pairs) {
  at("now").replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function note(event) {
  const { topic, seq, time, v, instance, topic_seq, replay, ...rest } = event;
  const line = element("li", `${new Date(time * 1000).toLocaleTimeString()} ${topic} ${JSON.stringify(rest)}`);
  at("events").prepend(line);
  while (at("events").childElementCount > EVENTS_SHOWN) at("events").lastElementChild.remove();
}

function heartbeat(event) {
  state(event.state);
  facts([
    ["up for", `${Math.round(event.uptime)} s`],
    ["running", event.running],
    ["queued", event.queued],
    ["loop lag", `${(1000 * event.loop_lag).toFixed(1)} ms`],
  ]);
}

function status(event) {
  state(event.state);
  at("version").textContent = event.version;
  at("lanes").replaceChildren(
    ...Object.entries(event.lanes).map(([name, lane]) =>
      row([name, lane.serving, lane.workers.length, lane.waiting]),
    ),
  );
  jobs.clear();
  for (const job of event.jobs) jobs.set(job.id, job);
  showJobs();
}

function job(event) {
  const [, op, coded, kind] = event.topic.split("/");
  const id = decodeURIComponent(coded);
  const known = jobs.get(id) ?? { op, state: "queued", fraction: 0, stage: "" };
  Object.assign(known, kind === "state" ? { state: event.state } : { fraction: event.fraction, stage: event.stage });
  if (["done", "failed", "cancelled"].includes(known.state)) jobs.delete(id);
  else jobs.set(id, known);
  showJobs();
  note(event);
}

function showJobs() {
  at("jobs").replaceChildren(
    ...[...jobs].map(([id, job]) => {
      const line = element("li", `${job.op} ${id}`);
      const bar = element("progress");
      bar.value = job.fraction;
      line.append(bar, element("span", job.stage || job.state));
      return line;
    }),
  );
}

const source = new EventSource("/api/v1/events");
source.onerror = () => state("not reachable");
for (const [name, show] of Object.entries({ heartbeat, status, job })) {
  source.addEventListener(`${name}/`, (message) => show(JSON.parse(message.data)));
}
