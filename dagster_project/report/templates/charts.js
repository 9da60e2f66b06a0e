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
      element.dataset.state = "drawn";
    } catch (error) {
      element.dataset.state = "failed";
      element.textContent = "This chart could not be drawn here; its figures are in the table.";
      console.error(element.dataset.chart, error);
    }
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
