// Draws each chart when it comes near the screen, and the rest one by one when the browser is idle.
(() => {
  "use strict";
  const config = JSON.parse(document.getElementById("chart-config").textContent);
  const charts = [...document.querySelectorAll("[data-chart]")];
  const begun = new Set();

  async function draw(element) {
    begun.add(element);
    const spec = JSON.parse(document.getElementById(element.dataset.chart).textContent);
    if (element.dataset.ratio) spec.height = Math.round(element.clientWidth * element.dataset.ratio);
    spec.title.limit = element.clientWidth;
    try {
      await vegaEmbed(element, spec, { renderer: "svg", actions: false, ast: true, config });
      name(element);
      element.dataset.state = "drawn";
    } catch (error) {
      element.dataset.state = "failed";
      element.textContent = "This chart could not be drawn here; its figures are in the table.";
      console.error(element.dataset.chart, error);
    }
  }

  // The drawing carries the alternative text, a slider below it stays a control of its own.
  function name(element) {
    const drawing = element.querySelector("svg");
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", element.getAttribute("aria-label"));
    drawing.querySelectorAll(":scope > g").forEach((marks) => marks.setAttribute("aria-hidden", "true"));
    element.removeAttribute("role");
    element.removeAttribute("aria-label");
    element.querySelectorAll(".vega-bind-name").forEach((label) => {
      const words = [["en", label.textContent], ["zh", "年份"]].map(([language, text]) => {
        const word = document.createElement("span");
        word.className = language;
        word.textContent = text;
        return word;
      });
      label.replaceChildren(...words);
    });
  }

  const idle = window.requestIdleCallback || ((run) => setTimeout(run, 50));
  function drawRest() {
    const next = charts.find((element) => !begun.has(element));
    if (next) draw(next).then(() => idle(drawRest));
  }

  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !begun.has(entry.target)) draw(entry.target);
    }
  }, { rootMargin: "200px" });
  charts.forEach((element) => near.observe(element));
  idle(drawRest);
})();
