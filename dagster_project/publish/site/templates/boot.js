// Before anything is drawn: the language that the reader chose, else the one of the browser.
(() => {
  "use strict";
  let chosen = null;
  try { chosen = localStorage.getItem("nqpf-language"); } catch (error) { /* no storage: ask the browser */ }
  if (chosen !== "en" && chosen !== "zh") chosen = /^zh\b/i.test(navigator.language || "") ? "zh" : "en";
  document.documentElement.dataset.lang = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
})();
