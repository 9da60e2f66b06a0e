// Before anything is drawn: the colours, and on the first page the language that was chosen, or that of the browser.
(() => {
  "use strict";
  const page = document.documentElement;
  const read = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => { page.dataset.theme = read("nqpf-theme") || (dark.matches ? "dark" : "light"); };
  paint();
  dark.addEventListener("change", paint);
  if (page.dataset.home) {
    const wanted = read("nqpf-language") || (navigator.language || "").slice(0, 2);
    if (page.dataset.home.split(" ").includes(wanted)) location.replace(wanted + "/index.html" + location.hash);
  }
})();
