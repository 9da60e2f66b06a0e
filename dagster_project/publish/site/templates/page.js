// Language switch, search for a city, tables that sort and copy. Without scripts the page is complete, but none of these.
(() => {
  "use strict";
  const root = document.documentElement;
  const zh = () => root.dataset.lang === "zh";
  const say = (en, chinese) => (zh() ? chinese : en);
  const relabel = [];
  const status = document.getElementById("status");

  function label(element, en, chinese, attribute) {
    const write = () => {
      if (attribute) element.setAttribute(attribute, say(en, chinese));
      else element.textContent = say(en, chinese);
    };
    relabel.push(write);
    write();
  }

  // language
  const titles = [document.title, root.dataset.title];
  function speak(language) {
    root.dataset.lang = language;
    root.lang = language === "zh" ? "zh-CN" : "en";
    document.title = titles[language === "zh" ? 1 : 0];
    relabel.forEach((write) => write());
    root.dispatchEvent(new Event("nqpf-language")); // the charts hear it
  }
  const other = document.getElementById("language");
  other.hidden = false;
  label(other, "中文", "English");
  relabel.push(() => { other.lang = zh() ? "en" : "zh-CN"; });
  other.addEventListener("click", () => {
    const next = zh() ? "en" : "zh";
    try { localStorage.setItem("nqpf-language", next); } catch (error) { /* kept for this page only */ }
    speak(next);
  });
  speak(root.dataset.lang);

  // search: a combobox with a list, by Chinese name, English name or pinyin, and code
  const box = document.getElementById("find");
  const input = document.getElementById("find-city");
  const list = document.getElementById("find-list");
  const cities = JSON.parse(document.getElementById("city-data").textContent).map((row) => {
    const [id, code, chinese, english, pinyin] = row.split("|");
    return { id, code: code || id.slice(2), chinese, english, plain: plain(english), pinyin: pinyin || "" };
  });
  let active = -1;

  function plain(text) {
    return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[\s'’·-]/g, "");
  }

  function matches(text) {
    const wanted = plain(text);
    if (!wanted) return [];
    const ranked = [];
    for (const city of cities) {
      const keys = [city.chinese, city.plain, city.pinyin, city.code];
      if (keys.some((key) => key.startsWith(wanted))) ranked.push([0, city]);
      else if (keys.some((key) => key.includes(wanted))) ranked.push([1, city]);
    }
    return ranked.sort((a, b) => a[0] - b[0]).slice(0, 10).map((pair) => pair[1]);
  }

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function show() {
    const found = matches(input.value);
    list.replaceChildren(...found.map((city, k) => {
      const item = document.createElement("li");
      item.id = `find-${k}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.dataset.city = city.id;
      const name = document.createElement("span");
      name.textContent = city.english;
      const own = document.createElement("span");
      own.lang = "zh-CN";
      own.textContent = city.chinese;
      item.append(own, " ", name);
      item.addEventListener("mousedown", (event) => { event.preventDefault(); go(city.id); });
      return item;
    }));
    active = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    if (input.value.trim()) status.textContent = say(`${found.length} cities found`, `找到 ${found.length} 个城市`);
  }

  function go(id) { location.href = `${box.dataset.folder}${id}.html`; }

  function move(step) {
    const items = [...list.children];
    if (!items.length) return;
    active = (active + step + items.length) % items.length;
    items.forEach((item, k) => item.setAttribute("aria-selected", String(k === active)));
    input.setAttribute("aria-activedescendant", items[active].id);
    items[active].scrollIntoView({ block: "nearest" });
  }

  box.hidden = false;
  label(input, "City name or code", "城市名称或代码", "placeholder");
  label(list, "Cities found", "找到的城市", "aria-label");
  input.addEventListener("input", show);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden) show();
      move(event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
    } else if (event.key === "Enter") {
      const chosen = list.children[Math.max(active, 0)];
      if (chosen) go(chosen.dataset.city);
      event.preventDefault();
    } else if (event.key === "Escape") {
      if (list.hidden) input.value = "";
      close();
    }
  });

  // tables
  function visible(cell) {
    const copy = cell.cloneNode(true);
    copy.querySelectorAll(zh() ? ".en" : ".zh").forEach((part) => part.remove());
    return copy.textContent.replace(/\s+/g, " ").trim();
  }

  function key(cell) {
    const text = cell.dataset.sort ?? visible(cell);
    const number = text.replace(/−/g, "-").replace(/,(?=\d{3})/g, "").match(/^[^\d-]{0,2}([+-]?\d+(\.\d+)?)/);
    return number ? Number(number[1]) : text === "–" || text === "" ? null : text;
  }

  function compare(a, b) {
    if (a === null || b === null) return a === b ? 0 : a === null ? 2 : -2; // no value: last, both ways
    if (typeof a === "number" && typeof b === "number") return Math.sign(a - b);
    return Math.sign(String(a).localeCompare(String(b), zh() ? "zh-CN" : "en"));
  }

  function sort(table, head, column) {
    const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    table.querySelectorAll("thead th").forEach((th) => th.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
    rows.sort((a, b) => {
      const found = compare(a[0], b[0]);
      return Math.abs(found) === 2 ? found : way * found;
    });
    body.append(...rows.map((pair) => pair[1]));
  }

  async function copy(table, button) {
    const text = [...table.rows].map((row) => [...row.cells].map(visible).join("\t")).join("\n") + "\n";
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    status.textContent = say("Table copied", "表格已复制");
    button.textContent = status.textContent;
    setTimeout(() => { button.textContent = say("Copy table", "复制表格"); }, 2000);
  }

  for (const table of document.querySelectorAll("main table")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small";
    label(button, "Copy table", "复制表格");
    button.addEventListener("click", () => copy(table, button));
    const place = table.closest(".scroll") || table;
    const tools = document.createElement("div");
    tools.className = "tools";
    tools.append(button);
    place.before(tools);
    if (table.tBodies[0].rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const sorter = document.createElement("button");
      sorter.type = "button";
      sorter.className = "sort";
      sorter.append(...head.childNodes);
      head.append(sorter);
      sorter.addEventListener("click", () => sort(table, head, column));
    });
  }

  // drawings as files, in the colours that the screen shows
  function drawing(figure) {
    const shown = figure.querySelector(".chart svg, svg.plot");
    const box = shown.getBoundingClientRect();
    const fresh = shown.cloneNode(true);
    const style = getComputedStyle(root);
    fresh.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    fresh.setAttribute("width", Math.round(box.width));
    fresh.setAttribute("height", Math.round(box.height));
    const hatch = document.querySelector("svg.defs defs");
    if (hatch) fresh.prepend(hatch.cloneNode(true));
    fresh.style.background = style.getPropertyValue("--page");
    fresh.style.fontFamily = style.fontFamily;
    const text = new XMLSerializer().serializeToString(fresh);
    const fixed = text.replace(/var\((--[\w-]+)\)/g, (whole, name) => style.getPropertyValue(name).trim() || whole);
    return { text: fixed, width: box.width, height: box.height };
  }

  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  async function png(drawn) {
    const scale = 300 / 96; // 300 dots an inch
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawn.text)}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(drawn.width * scale);
    canvas.height = Math.round(drawn.height * scale);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  }

  for (const figure of document.querySelectorAll("main figure")) {
    const holder = figure.querySelector("[data-chart], svg.plot");
    if (!holder) continue;
    const name = `nqpf-${(holder.dataset.chart || holder.dataset.name).replace("spec-", "")}`;
    const tools = document.createElement("div");
    tools.className = "tools";
    for (const kind of ["SVG", "PNG"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "small";
      button.textContent = kind;
      label(button, `Save this drawing as ${kind}`, `将图保存为 ${kind}`, "aria-label");
      button.addEventListener("click", async () => {
        if (!figure.querySelector(".chart svg, svg.plot")) return;
        const drawn = drawing(figure);
        const blob = kind === "PNG" ? await png(drawn) : new Blob([drawn.text], { type: "image/svg+xml" });
        save(blob, `${name}.${kind.toLowerCase()}`);
      });
      tools.append(button);
    }
    holder.after(tools);
  }

  // the trail of a city: another year in the same table
  const trail = document.getElementById("trail-data");
  if (trail) {
    const held = JSON.parse(trail.textContent);
    const body = document.querySelector("#trail table tbody");
    const select = document.getElementById("trail-year");
    const cell = (tag, text, kind) => {
      const made = document.createElement(tag);
      made.textContent = text;
      if (kind) made.className = kind;
      return made;
    };
    select.parentElement.hidden = false;
    select.addEventListener("change", () => {
      body.replaceChildren(...held.years[select.value].map((row) => {
        const [variable, uses, value, unit, origin, file, sheet, address] = row;
        const line = document.createElement("tr");
        const head = cell("th", held.words[variable]);
        head.scope = "row";
        line.append(head, cell("td", held.words[uses], "wide"), cell("td", value, "num"), cell("td", held.words[unit]),
          cell("td", held.words[origin]), cell("td", held.words[file], "wide"), cell("td", held.words[sheet]),
          cell("td", address));
        return line;
      }));
      document.querySelectorAll(".trail-shown").forEach((place) => { place.textContent = select.value; });
    });
  }
})();
