// Draws each chart when it comes near the screen, and the rest one by one when the browser is idle; all of them anew
// when the language changes.
(() => {
  "use strict";
  const root = document.documentElement;
  const held = (id) => JSON.parse(document.getElementById(id).textContent);
  const config = held("chart-config");
  const said = held("chart-words");
  const words = new Map(Object.entries(said.words));
  const literal = new RegExp(said.literal, "g");
  const charts = [...document.querySelectorAll("[data-chart]")];
  const begun = new Set();
  const views = new Map();
  const queues = new Map();

  // The spec in Chinese: the twins of its texts, in the places that chart_words.py names.
  function chinese(node, key = "", data = false) {
    if (typeof node === "string") {
      if (data || said.texts.includes(key)) return words.get(node) ?? node;
      if (!said.expressions.includes(key)) return node;
      return node.replace(literal, (whole, bracket, quote, text) =>
        bracket || !words.has(text) ? whole : JSON.stringify(words.get(text)));
    }
    if (Array.isArray(node)) return typeof node[0] === "number" ? node : node.map((part) => chinese(part, key, data));
    if (node === null || typeof node !== "object") return node;
    const parts = Object.entries(node);
    return Object.fromEntries(parts.map(([name, part]) => [name, chinese(part, name, data || said.data.includes(name))]));
  }

  // What the reader set with a slider stays.
  function keep(spec, view) {
    for (const param of spec.params ?? []) {
      if (view && param.bind) param.value = view.signal(param.name);
    }
  }

  async function drawNow(element) {
    const english = held(element.dataset.chart);
    const spec = root.dataset.lang === "zh" ? chinese(english) : english;
    if (element.dataset.ratio) spec.height = Math.round(element.clientWidth * element.dataset.ratio);
    spec.title.limit = element.clientWidth;
    keep(spec, views.get(element)?.view);
    try {
      views.get(element)?.finalize();
      views.set(element, await vegaEmbed(element, spec, { renderer: "svg", actions: false, ast: true, config }));
      name(element, spec.description);
      element.dataset.state = "drawn";
    } catch (error) {
      element.dataset.state = "failed";
      element.textContent = root.dataset.lang === "zh" ? "此处无法绘制该图；数据见表。"
        : "This chart could not be drawn here; its figures are in the table.";
      console.error(element.dataset.chart, error);
    }
  }

  // One drawing of a chart after another, or a slow one would cover that of the new language.
  function draw(element) {
    begun.add(element);
    const done = (queues.get(element) ?? Promise.resolve()).then(() => drawNow(element));
    queues.set(element, done);
    return done;
  }

  // The drawing carries the alternative text, a slider below it stays a control of its own.
  function name(element, text) {
    const drawing = element.querySelector("svg");
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", text);
    drawing.querySelectorAll(":scope > g").forEach((marks) => marks.setAttribute("aria-hidden", "true"));
    element.removeAttribute("role");
    element.removeAttribute("aria-label");
  }

  // A page that is never idle still draws: after a third of a second.
  const idle = window.requestIdleCallback ? (run) => requestIdleCallback(run, { timeout: 300 }) : (run) => setTimeout(run, 50);
  function drawRest() {
    const next = charts.find((element) => !begun.has(element));
    if (next) draw(next).then(() => idle(drawRest));
  }

  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !begun.has(entry.target)) draw(entry.target);
    }
  }, { rootMargin: "200px" });

  function start() {
    begun.clear();
    near.disconnect(); // to observe again tells at once what is near
    charts.forEach((element) => { delete element.dataset.state; near.observe(element); });
    idle(drawRest);
  }
  root.addEventListener("nqpf-language", start);
  start();
})();
