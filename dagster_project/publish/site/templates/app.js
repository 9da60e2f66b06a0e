// One script for all pages. It adds to pages that can be read without it: search, maps, links between views, exports.
(() => {
  "use strict";
  const DATA = window.NQPF,
    WORDS = window.NQPF_WORDS,
    MAP = window.NQPF_MAP;
  const page = document.documentElement,
    SVG = "http://www.w3.org/2000/svg";
  const one = (selector, inside = document) => inside.querySelector(selector);
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const t = (text, values = {}) =>
    (WORDS.text[text] || text).replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);
  const name = (kind, code) => WORDS.names[kind]?.[code] ?? code;
  const fixed = (value, digits = 1) =>
    value == null
      ? "–"
      : value
          .toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })
          .replace("-", "−");
  const make = (tag, attributes = {}, ...children) => {
    const made = ["svg", "path", "g", "use", "rect", "circle", "line", "text", "title"].includes(tag)
      ? document.createElementNS(SVG, tag)
      : document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) if (value != null) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const SERIES = ["a", "b", "d", "e", "alarm", "muted"];
  const root = one(".brand").getAttribute("href").replace("index.html", "");
  const isChinese = WORDS.language === "zh";
  const short = (city) => city[isChinese ? 8 : 7];
  const at = new Map(DATA.cities.map((city, k) => [city[0], k]));
  const isSingle = page.dataset.single === "yes";
  const ends = "quick" in page.dataset ? ["compare.html#c=", ""] : ["cities/", ".html"]; // of a city
  const link = (id) => (isSingle ? "#c=" + id : root + ends.join(id));
  const last = DATA.years.length - 1;

  // ---- state in the address
  const read = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const write = (state) => {
    const kept = Object.entries(state).filter(([, value]) => value !== "" && value != null);
    history.replaceState(
      null,
      "",
      "#" +
        kept
          .map(([key, value]) => key + "=" + encodeURIComponent(value).replace(/%2C/g, ",").replace(/%3A/g, ":"))
          .join("&"),
    );
  };

  // ---- all pages in one file: one is shown
  if (isSingle) {
    const sections = all(".one-page");
    const route = () => {
      const hash = location.hash.slice(1),
        isState = hash.includes("=");
      const wanted =
        (isState
          ? one("#page-" + ({ s: "weights", w: "weights", c: "compare", q: "cities" }[hash[0]] || "index"))
          : hash && document.getElementById(hash)?.closest(".one-page")) || sections[0];
      for (const section of sections) section.hidden = section !== wanted;
      for (const a of all(".top nav a"))
        if (a.getAttribute("href") === "#" + wanted.id) a.setAttribute("aria-current", "page");
        else a.removeAttribute("aria-current");
      if (hash && !isState) document.getElementById(hash)?.scrollIntoView();
      else scrollTo(0, 0);
    };
    addEventListener("hashchange", route);
    addEventListener("DOMContentLoaded", route);
    setTimeout(route);
  }

  // ---- colours, language
  const theme = one("button.theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    page.dataset.theme = page.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("nqpf-theme", page.dataset.theme);
    } catch {
      /* no storage: for this page only */
    }
  });
  for (const other of all("a.language"))
    other.addEventListener("click", () => {
      try {
        localStorage.setItem("nqpf-language", other.dataset.language);
      } catch {
        /* no storage */
      }
      other.href = other.href.split("#")[0] + location.hash;
    });
  addEventListener("beforeprint", () => {
    page.dataset.screen = page.dataset.theme;
    page.dataset.theme = "light";
    for (const fold of all("details")) fold.open = true;
  });
  addEventListener("afterprint", () => {
    page.dataset.theme = page.dataset.screen;
  });

  // ---- what a mark says
  const tip = make("div", { id: "tip", hidden: "" });
  document.body.append(tip);
  addEventListener("pointermove", (event) => {
    const mark = event.target.closest?.("svg [data-tip], svg .m, svg rect, svg path");
    const text = mark && (mark.dataset.tip || one("title", mark)?.textContent || mark.dataset.title);
    if (text && one("title", mark)) {
      mark.dataset.title = text;
      one("title", mark).remove();
    }
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    tip.style.left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8) + "px";
    tip.style.top = Math.max(4, event.clientY - tip.offsetHeight - 10) + "px";
  });

  one(".top nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  // ---- find a city: name, Chinese name, code, initials of syllables, province; an indicator or a county by its name
  const plain = (text) =>
    text
      .normalize("NFD")
      .replace(/[\u0300-\u036f'’\s-]/g, "")
      .toLowerCase();
  const initials = (text) =>
    (
      text
        .toLowerCase()
        .replace(/'/g, " ")
        .match(/(?:[zcs]h|[bpmfdtnlgkhjqxrzcswy])?[aeiouü]+(?:ng|n(?![aeiouü])|r(?![aeiouü]))?/g) || []
    )
      .map((part) => part[0])
      .join("");
  const KEYS = DATA.cities.map((city) => ({
    names: [plain(city[2]), city[3], short(city), ...city[9]],
    code: city[1],
    initials: initials(city[2]),
    province: [plain(city[4]), city[5]],
  }));
  const matches = (typed) => {
    const wanted = plain(typed);
    if (!wanted) return [];
    const score = (key) => {
      if (
        key.names.includes(wanted) ||
        key.names.some((text) => text.replace(/(市|地区|盟|州)$/, "") === wanted) ||
        key.code === wanted
      )
        return 0;
      if (key.names.some((text) => text.startsWith(wanted))) return 1;
      if (key.initials === wanted) return 2;
      if (key.code.startsWith(wanted)) return 3;
      if (key.names.some((text) => text.includes(wanted))) return 4;
      return key.province.some((text) => text.startsWith(wanted)) ? 5 : 9;
    };
    return KEYS.map((key, k) => [score(key), DATA.by.composite.rank[k][last] ?? 9999, k])
      .filter(([value]) => value < 9)
      .sort((a, b) => a[0] - b[0] || a[1] - b[1])
      .map(([, , k]) => k);
  };
  const form = one("form.find"),
    input = one("#find"),
    list = one("#find-list");
  let picked = 0;
  form.hidden = false;
  const others = () => {
    const wanted = plain(input.value),
      isLike = (text) => wanted.length > 1 && plain(text).includes(wanted),
      place = (page, text) => [root + page, text];
    return isSingle
      ? []
      : [
          ...Object.keys(DATA.strip)
            .filter((code) => isLike(name("indicator", code)))
            .map((code) => place("indicators/" + code + ".html", name("indicator", code))),
          ...(window.NQPF_COUNTIES || [])
            .filter(([county, , pinyin]) => isLike(county) || isLike(pinyin))
            .map(([county, id, pinyin, code]) =>
              place(
                id ? "cities/" + id + ".html#" + code : "counties.html",
                (isChinese ? county : pinyin + " " + county) + " · " + cityName(id),
              ),
            ),
        ];
  };
  const suggest = () => {
    const found = [
      ...matches(input.value).map((k) => [
        link(DATA.cities[k][0]),
        short(DATA.cities[k]) + " · " + DATA.cities[k][isChinese ? 5 : 4],
      ]),
      ...others(),
    ].slice(0, 8);
    picked = Math.max(0, Math.min(picked, found.length - 1));
    list.replaceChildren(
      ...found.map(([href, text], n) =>
        make("li", { role: "option", id: "option-" + n, "aria-selected": n === picked, "data-href": href }, text),
      ),
    );
    if (input.value.trim() && !found.length)
      list.append(
        make("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, t("No city found")),
      );
    list.hidden = !input.value.trim();
    input.setAttribute("aria-expanded", String(!list.hidden));
    if (found.length) input.setAttribute("aria-activedescendant", "option-" + picked);
    else input.removeAttribute("aria-activedescendant");
  };
  input.addEventListener("input", () => {
    picked = 0;
    suggest();
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      picked += step;
      suggest();
    }
    if (event.key === "Escape") {
      input.value = "";
      suggest();
    }
  });
  input.addEventListener("blur", () =>
    setTimeout(() => {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
    }, 200),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const href = one("[aria-selected=true]", list)?.dataset.href;
    if (href) location.href = href;
  });
  list.addEventListener("pointerdown", (event) => {
    const href = event.target.closest("li")?.dataset.href;
    if (href) location.href = href;
  });
  input.addEventListener(
    "focus",
    () => {
      if (!form.dataset.counties || isSingle) return;
      const script = make("script", { src: form.dataset.counties });
      script.addEventListener("load", suggest);
      document.head.append(script);
    },
    { once: true },
  );
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    input.focus();
  });

  // ---- maps
  const colour = (code) =>
    code?.[0] === "s" ? "var(--" + code + ")" : code ? "var(--" + SERIES[+code.slice(1) % 6] + ")" : "var(--blank)";
  const fold = (place) => {
    // the whole country, the islands of the South China Sea in a frame
    const [width, height] = MAP.size,
      [x, y, w, h, wide] = MAP.inset,
      tall = (wide * h) / w;
    const id = "outlines" + all("svg.country").length;
    const group = make("g", { id, "stroke-width": 0.6 });
    for (const [kind, code, path] of MAP.shapes)
      group.append(
        make("path", {
          d: path,
          "data-id": kind === "city" ? code : null,
          fill: kind === "line" ? "none" : "var(--blank)",
          stroke: kind === "line" ? "var(--muted)" : "var(--border)",
          "vector-effect": "non-scaling-stroke",
        }),
      );
    const inset = make(
      "svg",
      { x: width - wide - 4, y: height - tall - 4, width: wide, height: tall, viewBox: [x, y, w, h].join(" ") },
      make("rect", { x, y, width: w, height: h, fill: "var(--page)", stroke: "var(--border)", "stroke-width": 8 }),
      make("use", { href: "#" + id }),
    );
    const drawn = make("svg", { class: "country", viewBox: [0, 0, width, height].join(" ") }, group, inset);
    place.prepend(drawn);
    return new Map(all("path[data-id]", group).map((path) => [path.dataset.id, path]));
  };
  // the provinces on a grid, column and row, each with a square a city: no outline, so no approval of a map is needed
  const GRID =
    "23:70 65:01 15:41 11:51 22:71 63:12 62:22 64:32 14:42 13:52 12:62 21:72 54:13 51:23 61:33 41:43 37:53 50:24 " +
    "42:34 34:44 32:54 31:64 53:15 52:25 43:35 36:45 33:55 45:36 44:46 35:56 71:66 46:37 82:47 81:57";
  const tiles = (place) => {
    const group = make("g"),
      drawn = make("svg", { class: "country tiles", viewBox: "0 0 2000 1860" }, group),
      found = new Map();
    for (const [code, [column, row]] of GRID.split(" ").map((text) => text.split(":"))) {
      const [x, y] = [column * 250 + 6, row * 232 + 6],
        ids = DATA.cities.filter((city) => city[1].slice(0, 2) === code).map((city) => city[0]),
        far = { 71: t("Taiwan"), 81: t("Hong Kong"), 82: t("Macao") }[code],
        text = (far || name("province", code + "0000")).replace(/(壮族|回族|维吾尔)?(省|市|自治区)$/, ""),
        title = make("text", { x, y: y + 30, "font-size": isChinese ? 44 : 32, fill: "var(--muted)" }, text);
      group.append(title);
      if (!ids.length) ids.push("");
      ids.forEach((id, k) => {
        const tile = make("rect", {
          ...{ x: x + (k % 6) * 39, y: y + 40 + Math.floor(k / 6) * 39, width: 36, height: 36, rx: 4 },
          ...{ "data-id": id || null, fill: "var(--blank)", stroke: "var(--border)", "stroke-width": 1.5 },
        });
        group.append(tile);
        if (id) found.set(id, tile);
      });
    }
    place.prepend(drawn);
    return found;
  };
  const redraws = [];
  let isTiled = false;
  try {
    isTiled = localStorage.getItem("nqpf-map") === "tiles";
  } catch {
    /* no storage */
  }
  const charted = (place, draw) => {
    // outlines or tiles, as the reader chose, on all maps of the page
    const button = make("button", { type: "button", class: "kind" });
    const redraw = () => {
      one("svg.country", place)?.remove();
      button.textContent = isTiled ? t("Outline map") : t("Tiles by province");
      draw(isTiled ? tiles(place) : fold(place));
    };
    button.addEventListener("click", () => {
      isTiled = !isTiled;
      try {
        localStorage.setItem("nqpf-map", isTiled ? "tiles" : "outlines");
      } catch {
        /* no storage */
      }
      for (const other of redraws) other();
    });
    redraws.push(redraw);
    place.after(button);
    redraw();
  };
  const paint = (paths, fill, say) => {
    for (const [id, path] of paths) {
      path.setAttribute("fill", colour(fill[id]));
      path.dataset.tip = say(id);
    }
  };
  const key = (place, entries) => {
    one(".key", place)?.remove();
    place.append(
      make(
        "div",
        { class: "key" },
        ...entries.map(([code, label, n]) => {
          const box = make("i");
          box.style.background = colour(code);
          return make("span", {}, box, label + (n ? " (" + n + ")" : ""));
        }),
      ),
    );
  };
  const cityName = (id) => (at.has(id) ? short(DATA.cities[at.get(id)]) : "");
  const open = (event) => {
    const id = event.target.closest?.("svg [data-id]")?.dataset.id;
    if (id) location.href = link(id);
  };
  for (const place of all(".map[data-file]:not(#map)")) {
    const held = JSON.parse(one("script", place).textContent),
      labels = Object.fromEntries(held.key.map(([code, label]) => [code, label]));
    const said = (id) =>
      [cityName(id), held.say?.[id] ?? labels[held.fill[id]] ?? t("no value")].filter(Boolean).join(": ");
    if (held.points) {
      const marks = new Map(),
        group = (fold(place), one("svg.country > g", place));
      for (const [id, [cx, cy]] of Object.entries(held.points)) {
        const mark = make("circle", { cx, cy, r: 9, class: "m", stroke: "var(--border)", "stroke-width": 1 });
        group.append(mark);
        marks.set(id, mark);
      }
      paint(marks, held.fill, said);
    } else charted(place, (shapes) => paint(shapes, held.fill, said));
    key(place, held.key);
    place.addEventListener("click", open);
  }

  // ---- pictures: what is seen, with title, key, source and caveat
  const inLight = (svg) => {
    const probe = make("div", { "data-theme": "light", hidden: "" });
    document.body.append(probe);
    const text = new XMLSerializer().serializeToString(svg).replace(
      /var\(--([a-z0-9]+)\)/g,
      (whole, code) =>
        getComputedStyle(probe)
          .getPropertyValue("--" + code)
          .trim() || whole,
    );
    probe.remove();
    return text;
  };
  const lines = (text, width) => {
    // broken at blanks, and between Chinese characters
    const found = [];
    let line = "",
      size = 0;
    for (const part of text.match(/[\u2e80-\uffef]|[^\s\u2e80-\uffef]+\s*|\s+/g) || []) {
      const own = [...part].reduce((sum, char) => sum + (char > "\u2e7f" ? 12 : 6.7), 0);
      if (size + own > width && line) {
        found.push(line);
        line = "";
        size = 0;
      }
      line += part;
      size += own;
    }
    return [...found, line];
  };
  const framed = (box) => {
    const map = one("svg.country", box);
    if (!map) {
      const svg = all("svg.chart", box)
          .find((chart) => getComputedStyle(chart).display !== "none")
          .cloneNode(true),
        whole = svg.dataset.whole.split(" ");
      const frame = make("g");
      frame.innerHTML = svg.dataset.frame || "";
      svg.append(frame);
      delete svg.dataset.frame;
      for (const [attribute, value] of [
        ["viewBox", svg.dataset.whole],
        ["width", whole[2]],
        ["height", whole[3]],
      ])
        svg.setAttribute(attribute, value);
      svg.prepend(make("rect", { x: whole[0], y: whole[1], width: whole[2], height: whole[3], fill: "var(--page)" }));
      return svg;
    }
    const place = map.closest(".map"),
      [, , width, height] = map.getAttribute("viewBox").split(" "),
      scale = 900 / width,
      synthetic = one(".banner")?.textContent.replace(/\s+/g, " ").trim() || "";
    const text = (x, y, size, words, more = {}) =>
      make("text", { x, y, "font-size": size, fill: "var(--ink)", ...more }, words);
    const title = place.dataset.title || one("h1").textContent;
    const below = [
      synthetic,
      place.dataset.note || "",
      map.matches(".tiles") ? "" : one("footer p:last-child").textContent,
      one("footer p").textContent,
    ]
      .filter(Boolean)
      .flatMap((part) => lines(part.replace(/\s+/g, " ").trim(), 860));
    const keys = all(".key span", place),
      tall = 44 + height * scale + 24 + Math.ceil(keys.length / 4) * 18 + below.length * 16 + 16;
    const svg = make(
      "svg",
      { xmlns: SVG, width: 900, height: tall, viewBox: `0 0 900 ${tall}`, "font-family": "system-ui, sans-serif" },
      make("rect", { width: 900, height: tall, fill: "var(--page)" }),
      text(16, 28, 17, title, { "font-weight": 600 }),
    );
    const copy = map.cloneNode(true);
    for (const [attribute, value] of [
      ["x", 0],
      ["y", 40],
      ["width", 900],
      ["height", height * scale],
    ])
      copy.setAttribute(attribute, value);
    svg.append(copy);
    let y = 44 + height * scale + 16;
    keys.forEach((span, k) => {
      const x = 16 + (k % 4) * 215;
      svg.append(
        make("rect", {
          x,
          y: y - 10 + Math.floor(k / 4) * 18,
          width: 14,
          height: 12,
          fill: one("i", span).style.background,
        }),
        text(x + 20, y + Math.floor(k / 4) * 18, 12, span.textContent),
      );
    });
    y += Math.ceil(keys.length / 4) * 18 + 8;
    below.forEach((part, k) => svg.append(text(16, y + k * 16, 12, part)));
    return svg;
  };
  const save = (href, file) => make("a", { href, download: file }).click();
  const picture = (box, kind, file) => {
    const text = inLight(framed(box)),
      address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    if (kind === "svg") {
      save(address, file + ".svg");
      return;
    }
    const image = new Image();
    image.onload = () => {
      const canvas = make("canvas", { width: image.width * 2, height: image.height * 2 });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save(URL.createObjectURL(blob), file + ".png"));
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  };
  for (const box of all("figure.exhibit")) {
    const files = one(".files", box);
    if (!files) continue;
    files.hidden = false;
    for (const button of all("button", files))
      button.addEventListener("click", () => picture(box, button.dataset.save, box.id));
  }

  // ---- pieces of tables
  const bar = (low, high, middle, n, ghost) => {
    const svg = make(
        "svg",
        { class: "bar", viewBox: "0 0 120 12", width: 120, height: 12, "aria-hidden": "true" },
        make("line", { x1: 0, y1: 6, x2: 120, y2: 6, stroke: "var(--grid)" }),
      ),
      x = (rank) => 3 + (114 * (rank - 1)) / Math.max(1, n - 1);
    if (low != null)
      svg.append(
        make("line", {
          x1: x(low),
          y1: 6,
          x2: Math.max(x(high), x(low) + 1),
          y2: 6,
          stroke: ghost ? "var(--border)" : "var(--a)",
          "stroke-width": 4,
          "stroke-opacity": 0.5,
        }),
      );
    if (ghost != null) svg.append(make("circle", { cx: x(ghost), cy: 6, r: 3, fill: "none", stroke: "var(--border)" }));
    if (middle != null)
      svg.append(make("circle", { cx: x(middle), cy: 6, r: 3, fill: ghost != null ? "var(--b)" : "var(--a)" }));
    return svg;
  };
  const cell = (text, kind) => make("td", kind ? { class: kind } : {}, text);
  const cityCell = (id) => make("th", { scope: "row" }, make("a", { href: link(id) }, cityName(id)));

  // ---- overview: map and ranking, linked
  if (one("#map")) {
    const state = { d: "composite", y: DATA.years[last], ...read() };
    const place = one("#map"),
      body = one("#ranking"),
      slider = one("#year"),
      play = one("#play");
    let timer = 0,
      paths = new Map();
    one(".pick").hidden = false;
    const show = () => {
      const part = DATA.by[state.d] || DATA.by.composite,
        k = Math.max(0, DATA.years.indexOf(+state.y)),
        n = part.rank.filter((row) => row[k] != null).length;
      const held = DATA.cities
        .map((city, c) => [city[0], part.score[c][k], part.rank[c][k], c])
        .filter((row) => row[1] != null);
      // the classes of the last year hold for all years, so that a play through them shows change
      const sorted = part.score.map((row) => row[last]).filter((score) => score != null).sort((a, b) => a - b),
        steps = Math.min(6, Math.max(1, Math.floor(sorted.length / 2)));
      const limits = [...Array(steps - 1).keys()].map((s) => sorted[Math.round(((s + 1) * sorted.length) / steps)]);
      const step = (value) =>
        Math.round((limits.filter((limit) => value >= limit).length * 5) / Math.max(1, limits.length));
      paint(paths, Object.fromEntries(held.map(([id, score]) => [id, "s" + step(score)])), (id) => {
        const c = at.get(id),
          rank = c == null ? null : part.rank[c][k];
        return (
          cityName(id) +
          (rank == null
            ? ": " + t("not in the sample")
            : ": " + t("rank {rank}, {score} points", { rank, score: fixed(part.score[c][k]) }))
        );
      });
      const shown = held.map((row) => row[1]),
        ends = [Math.min(sorted[0], ...shown), ...limits, Math.max(sorted[sorted.length - 1], ...shown)];
      key(place, [
        ...ends.slice(1).map((high, s) => ["s" + step(ends[s]), fixed(ends[s], 0) + "–" + fixed(high, 0)]),
        ["", t("not in the sample")],
      ]);
      held.sort((a, b) => a[2] - b[2] || (a[0] < b[0] ? -1 : 1));
      const isWhole = state.d === "composite";
      body.replaceChildren(
        ...held.map(([id, score, rank, c]) =>
          make(
            "tr",
            { "data-id": id },
            cell(rank, "num"),
            cityCell(id),
            make("td", {}, bar(isWhole ? DATA.lo[c][k] : null, DATA.hi[c][k], rank, n)),
            cell(fixed(score), "num"),
          ),
        ),
      );
      slider.value = state.y;
      one("#year-shown").textContent = state.y;
      for (const radio of all("[name=part]")) radio.checked = radio.value === state.d;
      place.dataset.title = one(".brand").textContent + ", " + name("part", state.d) + ", " + state.y;
      focus(state.c);
    };
    const focus = (id) => {
      for (const marked of all("#ranking tr.on, #map svg .on")) marked.classList.remove("on");
      one(`#ranking tr[data-id="${id}"]`)?.classList.add("on");
      const path = paths.get(id);
      path?.classList.add("on");
      // moved once only: a path that is moved between press and release hears no click
      if (path && path !== path.parentNode.lastChild) path.parentNode.append(path);
    };
    const hover = (event, scrolls) => {
      const id = event.target.closest?.("[data-id]")?.dataset.id;
      if (!id) return;
      focus(id);
      if (scrolls) {
        const row = one(`#ranking tr[data-id="${id}"]`),
          box = one(".ranking");
        if (row) box.scrollTop = row.offsetTop - box.clientHeight / 2;
      }
    };
    place.addEventListener("pointerover", (event) => hover(event, true));
    body.addEventListener("pointerover", (event) => hover(event, false));
    place.addEventListener("click", open);
    const change = (more) => {
      Object.assign(state, more);
      write({ d: state.d === "composite" ? "" : state.d, y: +state.y === DATA.years[last] ? "" : state.y });
      show();
    };
    slider.addEventListener("input", () => change({ y: slider.value }));
    for (const radio of all("[name=part]")) radio.addEventListener("change", () => change({ d: radio.value }));
    play.addEventListener("click", () => {
      const isOn = play.getAttribute("aria-pressed") === "true";
      play.setAttribute("aria-pressed", String(!isOn));
      clearInterval(timer);
      if (!isOn)
        timer = setInterval(
          () => change({ y: DATA.years[(DATA.years.indexOf(+state.y) + 1) % DATA.years.length] }),
          900,
        );
    });
    charted(place, (shapes) => {
      paths = shapes;
      show();
    });
  }

  // ---- cities: filter, sort, choose
  const chosenOf = (text) => (text || "").split(",").filter((id) => at.has(id)).slice(0, 4);
  if (one("#cities")) {
    const rows = all("#cities tbody tr"),
      body = one("#cities tbody"),
      state = { q: "", c: "", ...read() },
      picks = all("[data-group]"),
      box = one("#compare");
    one("form.pick").hidden = false;
    const number = (text) => parseFloat(text.replace(/,/g, "").replace("−", "-"));
    const columns = { name: 1, score: 2, rank: 3, province: 5, new: 6, quality: 7, move: 8 };
    const filter = () => {
      const found = state.q ? new Set(matches(state.q).map((k) => DATA.cities[k][0])) : null;
      for (const row of rows) {
        const city = DATA.cities[at.get(row.dataset.id)];
        row.hidden = !(
          (!found || found.has(row.dataset.id)) &&
          picks.every(
            (pick) =>
              !pick.value ||
              (pick.dataset.group === "province"
                ? city[1].slice(0, 2) === pick.value.slice(0, 2)
                : city[6][DATA.schemes.indexOf(pick.dataset.group)] === pick.value),
          )
        );
      }
      const n = rows.filter((row) => !row.hidden).length;
      one("#shown").textContent = n ? t("{n} shown", { n }) : t("No city found");
    };
    const chosen = () => chosenOf(state.c);
    const keep = () =>
      write({ c: state.c, q: state.q, ...Object.fromEntries(picks.map((pick) => [pick.dataset.group, pick.value])) });
    const compare = () => {
      const ids = chosen();
      for (const row of rows) one("input", row).checked = ids.includes(row.dataset.id);
      box.hidden = !ids.length;
      box.replaceChildren(
        make(
          "a",
          { href: (isSingle ? "#c=" : "compare.html#c=") + ids.join(",") },
          t("Compare {cities}", { cities: ids.map(cityName).join(" · ") }),
        ),
      );
    };
    for (const row of rows) {
      const mark = one("input", row);
      mark.disabled = false;
      mark.addEventListener("change", () => {
        const ids = chosen().filter((id) => id !== row.dataset.id);
        if (mark.checked) ids.push(row.dataset.id);
        state.c = ids.slice(-4).join(",");
        keep();
        compare();
      });
    }
    for (const head of all("[data-sort]")) {
      const button = make(
        "button",
        { type: "button", class: "unseen" },
        t("Sort by {column}", { column: head.textContent.trim() }),
      );
      head.append(button);
      head.addEventListener("click", () => {
        const isUp = head.getAttribute("aria-sort") !== "ascending",
          k = columns[head.dataset.sort];
        all("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
        const value = (row) => row.cells[k].textContent.trim();
        rows.sort(
          (a, b) =>
            (isUp ? 1 : -1) *
            (k === 1 || k === 5 ? value(a).localeCompare(value(b), WORDS.tag) : number(value(a)) - number(value(b))),
        );
        body.append(...rows);
      });
    }
    one("#filter").addEventListener("input", (event) => {
      state.q = event.target.value;
      keep();
      filter();
    });
    for (const pick of picks)
      pick.addEventListener("change", () => {
        keep();
        filter();
      });
    const start = () => {
      Object.assign(state, { q: "", c: "" }, read());
      one("#filter").value = state.q;
      for (const pick of picks) pick.value = state[pick.dataset.group] || "";
      filter();
      compare();
    };
    addEventListener("hashchange", start);
    start();
  }

  // ---- cities side by side: scores over the years, the way through two dimensions, places on the indicators
  const steps = (low, high) => {
    const rough = (high - low) / 5,
      power = 10 ** Math.floor(Math.log10(rough)),
      gap = [1, 2, 5, 10].find((k) => k * power >= rough) * power;
    return [...Array(12).keys()].map((k) => (Math.ceil(low / gap) + k) * gap).filter((v) => v <= high);
  };
  const graph = (label, series, titles, years) => {
    // series: [name, [[x, y, what a mark says], ...]] with the colour of its place; `years`: below the axis
    const ends = (k) => {
        const held = series.flatMap(([, points]) => points.map((point) => point[k])),
          room = (Math.max(...held) - Math.min(...held) || 1) * 0.06;
        return [Math.min(...held) - room, Math.max(...held) + room];
      },
      [[x0, x1], [y0, y1]] = [ends(0), ends(1)],
      x = (v) => 44 + (416 * (v - x0)) / (x1 - x0),
      y = (v) => 216 - (202 * (v - y0)) / (y1 - y0),
      svg = make("svg", { class: "chart", viewBox: "0 0 560 256", role: "img", "aria-label": label, "font-size": 11 }),
      muted = (at, text) => svg.append(make("text", { fill: "var(--muted)", ...at }, text));
    for (const v of steps(y0, y1)) {
      svg.append(make("line", { x1: 44, x2: 460, y1: y(v), y2: y(v), stroke: "var(--grid)" }));
      muted({ x: 38, y: y(v) + 4, "text-anchor": "end" }, v);
    }
    for (const v of years || steps(x0, x1)) muted({ x: x(v), y: 232, "text-anchor": "middle" }, v);
    muted({ x: 460, y: 250, "text-anchor": "end" }, titles[0]);
    muted({ x: 4, y: 10 }, titles[1]);
    let above = -20;
    const order = series.map(([, points], s) => [y(points[points.length - 1][1]), s]).sort((a, b) => a[0] - b[0]);
    const place = new Map(order.map(([wanted, s]) => [s, (above = Math.max(wanted, above + 13))]));
    series.forEach(([title, points], s) => {
      const colour = `var(--${SERIES[s]})`,
        end = points[points.length - 1];
      svg.append(
        make("path", {
          d: "M" + points.map(([u, v]) => x(u).toFixed(1) + "," + y(v).toFixed(1)).join("L"),
          fill: "none",
          stroke: colour,
          "stroke-width": 2,
          "stroke-dasharray": ["", "7 3", "2 3", "8 3 2 3"][s],
        }),
        ...points.map(([u, v, tip]) =>
          make("circle", { class: "m", cx: x(u), cy: y(v), r: 3, fill: colour, "data-tip": tip }),
        ),
        make("text", { x: x(end[0]) + 7, y: place.get(s) + 4, fill: colour }, title),
      );
      if (!years) muted({ x: x(points[0][0]) + 6, y: y(points[0][1]) + 12 }, points[0][2].split(":")[0]);
    });
    return svg;
  };
  if (one("#compared")) {
    const box = one("#compared"),
      pick = one("#add"),
      state = { c: "", ...read() };
    const rows = (ids, part) =>
      ids.map((id) => DATA.years.map((year, k) => [year, part(at.get(id))[k]]).filter(([, v]) => v != null));
    const figure = (title, unit, svg) =>
      make("figure", { class: "exhibit" }, make("figcaption", {}, make("b", {}, title), " (" + unit + ")"), svg);
    const show = () => {
      const ids = chosenOf(state.c).filter((id) => DATA.by.composite.score[at.get(id)]?.some((v) => v != null)),
        [, first, second] = DATA.parts;
      box.hidden = !ids.length;
      if (!ids.length) return box.replaceChildren();
      const scores = rows(ids, (c) => DATA.by.composite.score[c]).map((points, s) => [
          cityName(ids[s]),
          points.map(([year, v]) => [year, v, year + ": " + fixed(v)]),
        ]),
        ways = second
          ? rows(ids, (c) => DATA.by[second].score[c]).map((points, s) => [
              cityName(ids[s]),
              points.map(([year, v]) => {
                const u = DATA.by[first].score[at.get(ids[s])][DATA.years.indexOf(year)];
                return [u, v, `${year}: ${fixed(u)}, ${fixed(v)}`];
              }),
            ])
          : [];
      const head = make(
        "tr",
        {},
        make("th", { scope: "col" }, t("Indicator, place among the cities (0 worst, 100 best)")),
        ...ids.map((id) => make("th", { scope: "col", class: "num" }, make("a", { href: link(id) }, cityName(id)))),
      );
      const facts = [
        [
          t("Rank, 90 % range"),
          (c) =>
            DATA.lo[c][last] == null
              ? (DATA.by.composite.rank[c][last] ?? "–")
              : `${DATA.by.composite.rank[c][last]} [${DATA.lo[c][last]}, ${DATA.hi[c][last]}]`,
        ],
        ...DATA.parts.map((part) => [name("part", part), (c) => fixed(DATA.by[part].score[c][last])]),
        ...Object.entries(DATA.strip).map(([code, held]) => [name("indicator", code), (c) => held[c]]),
      ];
      const table = make(
        "table",
        { class: "grid" },
        make("thead", {}, head),
        make(
          "tbody",
          {},
          ...facts.map(([label, value]) =>
            make(
              "tr",
              {},
              make("th", { scope: "row" }, label),
              ...ids.map((id) => {
                const held = value(at.get(id));
                const made = cell(held ?? "–", "num");
                if (typeof held === "number") {
                  const mark = make(
                    "svg",
                    { class: "strip", viewBox: "0 0 100 8", width: 90, height: 8, "aria-hidden": "true" },
                    make("line", { x1: 0, y1: 4, x2: 100, y2: 4, stroke: "var(--line)" }),
                    make("circle", { cx: 3 + held * 0.94, cy: 4, r: 3, fill: `var(--${SERIES[ids.indexOf(id)]})` }),
                  );
                  made.append(mark);
                }
                return made;
              }),
            ),
          ),
        ),
      );
      box.replaceChildren(
        make(
          "p",
          { class: "pick" },
          ...ids.map((id) => {
            const button = make("button", { type: "button" }, cityName(id) + " ×");
            button.addEventListener("click", () => change(ids.filter((other) => other !== id)));
            return button;
          }),
        ),
        make(
          "div",
          { class: "two" },
          figure(
            t("Scores over the years"),
            t("points"),
            graph(
              t("Scores over the years"),
              scores,
              ["", ""],
              DATA.years.filter((_, k) => (last - k) % 3 === 0),
            ),
          ),
          ...(ways.length
            ? [
                figure(
                  t("The way through both dimensions"),
                  t("points"),
                  graph(t("The way through both dimensions"), ways, [name("part", first), name("part", second)]),
                ),
              ]
            : []),
        ),
        make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("Indicators") }, table),
      );
    };
    const change = (ids) => {
      state.c = ids.slice(-4).join(",");
      write({ c: state.c });
      show();
    };
    const scored = DATA.cities.filter((_, k) => DATA.by.composite.score[k]?.some((v) => v != null)).map(([id]) => id);
    scored.sort((a, b) => cityName(a).localeCompare(cityName(b), WORDS.tag));
    pick.append(...scored.map((id) => make("option", { value: id }, cityName(id))));
    pick.form.hidden = false;
    pick.addEventListener("change", () => {
      change([...chosenOf(state.c).filter((id) => id !== pick.value), pick.value]);
      pick.value = "";
    });
    addEventListener("hashchange", () => {
      state.c = read().c;
      show();
    });
    show();
  }

  // ---- weights: the sums of publish/whatif.py
  const PANEL = window.NQPF_Z;
  if (one(".explorer") && PANEL) {
    const bytes = Uint8Array.from(atob(PANEL.z), (char) => char.charCodeAt(0)),
      cube = new Float64Array(bytes.buffer);
    const codes = PANEL.indicators.map(([code]) => code),
      n = PANEL.cities.length,
      m = codes.length;
    const ranks = (values) => {
      const sorted = values.filter((v) => !Number.isNaN(v)).sort((a, b) => b - a);
      return values.map((v) => (Number.isNaN(v) ? NaN : sorted.indexOf(v) + 1));
    };
    const middle = (values) => {
      const order = values.map((v, k) => [v, k]).sort((a, b) => a[0] - b[0]),
        out = [];
      for (let i = 0; i < order.length;) {
        let j = i;
        while (j + 1 < order.length && order[j + 1][0] === order[i][0]) j += 1;
        for (let k = i; k <= j; k += 1) out[order[k][1]] = (i + j) / 2 + 1;
        i = j + 1;
      }
      return out;
    };
    const spearman = (a, b) => {
      const [x, y] = [middle(a), middle(b)],
        mean = (x.length + 1) / 2;
      let xy = 0,
        xx = 0,
        yy = 0;
      x.forEach((v, k) => {
        xy += (v - mean) * (y[k] - mean);
        xx += (v - mean) ** 2;
        yy += (y[k] - mean) ** 2;
      });
      return xy / Math.sqrt(xx * yy);
    };
    const whatif = (weights, year) => {
      const total = weights.reduce((sum, w) => sum + w, 0),
        start = PANEL.years.indexOf(year) * n * m;
      const scores = PANEL.cities.map(
        (_, c) => 100 * weights.reduce((sum, w, k) => (w > 0 ? sum + (w / total) * cube[start + c * m + k] : sum), 0),
      );
      return { scores, ranks: ranks(scores), shares: weights.map((w) => w / total) };
    };
    window.nqpfWhatif = (weights, year) => {
      const made = whatif(
        codes.map((code) => weights[code] || 0),
        year,
      );
      return { cities: PANEL.cities, ...made };
    };
    const sliders = all("[data-code]"),
      preset = one("#preset"),
      picker = one("#weight-year"),
      body = one("#reranked");
    one(".explorer").hidden = false;
    const value = () => codes.map((code) => +sliders.find((slider) => slider.dataset.code === code).dataset.exact);
    const set = (weights) => {
      const total = weights.reduce((sum, w) => sum + w, 0);
      sliders.forEach((slider) => {
        const share = weights[codes.indexOf(slider.dataset.code)] / total;
        slider.dataset.exact = share;
        slider.value = 100 * share;
      });
    };
    const show = () => {
      const weights = value(),
        year = +picker.value,
        k = DATA.years.indexOf(year),
        made = whatif(weights, year);
      sliders.forEach((slider) => {
        one("output", slider.parentNode).textContent =
          fixed(100 * made.shares[codes.indexOf(slider.dataset.code)]) + " %";
      });
      for (const box of all("[data-part]")) {
        const sum = PANEL.indicators.reduce(
          (held, [, , part], j) => (part === box.dataset.part ? held + made.shares[j] : held),
          0,
        );
        box.value = 100 * sum;
        one(`[data-sum="${box.dataset.part}"]`).textContent = fixed(100 * sum) + " %";
      }
      const published = PANEL.cities.map((id) => DATA.by.composite.score[at.get(id)]?.[k] ?? NaN),
        both = made.scores.map((_, c) => c).filter((c) => !Number.isNaN(made.scores[c]) && !Number.isNaN(published[c]));
      const rho = spearman(
          both.map((c) => made.scores[c]),
          both.map((c) => published[c]),
        ),
        places = both.map((c) => Math.abs(made.ranks[c] - DATA.by.composite.rank[at.get(PANEL.cities[c])][k]));
      one("#agreement").textContent = t(
        "Rank correlation with the published order {rho}; {n} of {all} cities move by more than 10 places.",
        { rho: fixed(rho, 3), n: places.filter((p) => p > 10).length, all: both.length },
      );
      const order = PANEL.cities
        .map((_, c) => c)
        .filter((c) => !Number.isNaN(made.scores[c]))
        .sort((a, b) => made.ranks[a] - made.ranks[b] || a - b);
      body.replaceChildren(
        ...order.map((c) => {
          const id = PANEL.cities[c],
            own = at.get(id),
            rank = DATA.by.composite.rank[own]?.[k];
          return make(
            "tr",
            {},
            cell(made.ranks[c], "num"),
            cityCell(id),
            make("td", {}, bar(DATA.lo[own]?.[k], DATA.hi[own]?.[k], made.ranks[c], order.length, rank)),
            cell(rank ?? "–", "num"),
            cell(fixed(made.scores[c]), "num"),
          );
        }),
      );
    };
    const keep = () =>
      write({
        s: preset.value,
        y: picker.value,
        w: preset.value ? "" : codes.map((code, k) => code + ":" + value()[k].toFixed(4)).join(","),
      });
    sliders.forEach((slider) =>
      slider.addEventListener("input", () => {
        slider.dataset.exact = slider.value / 100;
        preset.value = "";
        keep();
        show();
      }),
    );
    for (const box of all("[data-part]"))
      box.addEventListener("input", () => {
        const weights = value(),
          inside = PANEL.indicators.map(([, , part]) => part === box.dataset.part),
          held = weights.reduce((sum, w, k) => (inside[k] ? sum + w : sum), 0),
          rest = weights.reduce((sum, w, k) => (inside[k] ? sum : sum + w), 0),
          share = Math.min(0.999, Math.max(0.001, box.value / 100));
        set(
          weights.map((w, k) =>
            inside[k]
              ? (held ? w / held : 1 / inside.filter(Boolean).length) * share
              : (rest ? w / rest : 0) * (1 - share),
          ),
        );
        preset.value = "";
        keep();
        show();
      });
    const take = () => {
      set(PANEL.presets.find(([code]) => code === preset.value)[1]);
    };
    preset.addEventListener("change", () => {
      if (preset.value) take();
      keep();
      show();
    });
    picker.addEventListener("change", () => {
      keep();
      show();
    });
    const start = read();
    if (PANEL.years.includes(+start.y)) picker.value = start.y;
    if (start.w) {
      const given = Object.fromEntries(start.w.split(",").map((pair) => pair.split(":")));
      preset.value = "";
      set(codes.map((code) => Math.max(0, +given[code] || 0)));
    } else {
      if (PANEL.presets.some(([code]) => code === start.s)) preset.value = start.s;
      take();
    }
    show();
  }

  // ---- a city: its neighbours on the map, all years of its trail
  const near = one(".map.near");
  if (near) {
    const paths = fold(near),
      links = all("th a", near.parentNode.parentNode),
      ids = [near.dataset.city, ...links.map((a) => a.getAttribute("href").replace(".html", ""))],
      ranks = DATA.by.composite.rank,
      n = ranks.filter((row) => row[last] != null).length;
    paint(
      paths,
      Object.fromEntries(
        ids
          .filter((id) => ranks[at.get(id)]?.[last] != null)
          .map((id) => [id, "s" + Math.min(5, Math.floor(6 * (1 - (ranks[at.get(id)][last] - 1) / n)))]),
      ),
      (id) =>
        cityName(id) +
        (ranks[at.get(id)]?.[last]
          ? ": " +
            t("rank {rank}, {score} points", {
              rank: ranks[at.get(id)][last],
              score: fixed(DATA.by.composite.score[at.get(id)][last]),
            })
          : ""),
    );
    key(
      near,
      [5, 4, 3, 2, 1, 0].map((step) => [
        "s" + step,
        Math.floor(((5 - step) * n) / 6) + 1 + "–" + Math.floor(((6 - step) * n) / 6),
      ]),
    );
    const own = paths.get(near.dataset.city);
    own.classList.add("on");
    own.parentNode.append(own);
    const boxes = ids.map((id) => paths.get(id)?.getBBox()).filter(Boolean),
      x = Math.min(...boxes.map((b) => b.x)),
      y = Math.min(...boxes.map((b) => b.y)),
      w = Math.max(...boxes.map((b) => b.x + b.width)) - x,
      h = Math.max(...boxes.map((b) => b.y + b.height)) - y,
      room = Math.max(w, h) * 0.15;
    const view = [x - room, y - room, w + 2 * room, h + 2 * room];
    one("svg.country", near).setAttribute("viewBox", view.join(" "));
    one("svg.country > svg", near).remove();
    near.addEventListener("click", open);
  }
  const trail = window.NQPF_TRAIL,
    fold_ = one("#trail");
  if (trail && fold_) {
    const figure = (v) =>
      v == null ? "–" : fixed(v, Math.abs(v) >= 1000 || Number.isInteger(v) ? 0 : Math.abs(v) >= 1 ? 2 : 4);
    const years = Object.keys(trail.years),
      pick = one("#trail-year"),
      body = one("tbody", fold_),
      pictures = one('script[src$="app.js"]').getAttribute("src").replace("app.js", "ink/");
    one(".pick", fold_).hidden = false;
    pick.append(...years.map((year) => make("option", year === years[years.length - 1] ? { selected: "" } : {}, year)));
    pick.addEventListener("change", () =>
      body.replaceChildren(
        ...trail.years[pick.value].map(([variable, text, kind, at, place, value = +text, used]) => {
          const [printed, unit, rule, action, origin, source, file, sheet] = [
            ...trail.kinds[kind],
            ...trail.kinds[at],
          ].map((word) => trail.words[word]);
          const [where, ink] = [].concat(place); // of a printed page: its picture
          return make(
            "tr",
            {},
            make("th", { scope: "row" }, name("variable", trail.words[variable])),
            make("td", { class: "num" }, make("code", {}, text)),
            cell(printed),
            cell(figure(value), "num"),
            cell(name("unit", unit)),
            cell(
              rule
                ? [name("edit_action", action), used == null ? "" : figure(used), `(${rule})`].filter(Boolean).join(" ")
                : "",
            ),
            cell(name("origin", origin)),
            cell(name("source", source)),
            make(
              "td",
              {},
              make("code", {}, [file, sheet, where].filter(Boolean).join(", ")),
              ink ? make("img", { class: "ink", src: pictures + ink, alt: text }) : "",
            ),
          );
        }),
      ),
    );
    pick.dispatchEvent(new Event("change"));
  }

  // ---- counties: found by a part of a row
  if (one("#counties")) {
    const find = one("#county"),
      rows = all("#counties tbody tr");
    const filter = () => {
      const wanted = plain(find.value);
      for (const row of rows) row.hidden = !plain(row.textContent).includes(wanted);
      one("#counties-shown").textContent = t("{n} shown", { n: rows.filter((row) => !row.hidden).length });
    };
    const start = () => {
      find.value = read().q || "";
      filter();
      if (find.value) find.scrollIntoView({ block: "center" });
    };
    find.closest("form").hidden = false;
    find.addEventListener("input", () => {
      if (!isSingle) write({ q: find.value });
      filter();
    });
    addEventListener("hashchange", start);
    start();
  }

  // ---- the yearbook: concepts found by a word, lines of a city
  const book = one("#yearbook");
  if (book) {
    const bodies = all("tbody", book),
      form = one("form.pick", book.closest("main, section")),
      find = one("#concept"),
      pick = one("#of-city select"),
      shown = one("#concepts-shown");
    const filter = () => {
      const wanted = find.value.trim().toLowerCase().split(/\s+/);
      for (const body of bodies) body.hidden = !wanted.every((word) => body.dataset.find.includes(word));
      shown.textContent = t("{n} concepts", { n: bodies.filter((body) => !body.hidden).length });
    };
    const keep = () => isSingle || write({ c: pick.value, q: find.value });
    const line = (values, years) => {
      const known = values.filter((v) => v != null),
        low = Math.min(...known),
        span = Math.max(...known) - low || 1,
        x = (k) => (3 + (84 * k) / Math.max(1, values.length - 1)).toFixed(0),
        y = (v) => (19 - (16 * (v - low)) / span).toFixed(0),
        points = values.map((v, k) => (v == null ? "" : x(k) + "," + y(v))).filter(Boolean);
      const made = make("svg", { class: "spark", viewBox: "0 0 90 22", width: 90, height: 22, "aria-hidden": "true" });
      made.append(
        make("path", { d: "M" + points.join("L"), fill: "none", stroke: "var(--a)", "stroke-width": 1.5 }),
        make("rect", {
          width: 90,
          height: 22,
          opacity: 0,
          "data-tip": years
            .map((year, k) => (values[k] == null ? "" : year + ": " + values[k].toLocaleString("en")))
            .filter(Boolean)
            .join(" · "),
        }),
      );
      return made;
    };
    const draw = (held) => {
      for (const place of all(".trend", book)) {
        place.hidden = !held;
        const values = held && held.of[place.dataset.key];
        const isDrawn = values?.filter((v) => v != null).length > 1;
        if (place.dataset.key != null) place.replaceChildren(...(isDrawn ? [line(values, held.years)] : []));
      }
    };
    const load = () => {
      draw(null);
      if (!pick.value) return;
      const script = make("script", { src: book.dataset.home + pick.value + ".js" });
      script.addEventListener("load", () => draw(window.NQPF_YEARBOOK));
      script.addEventListener("error", () => (shown.textContent = t("No figures of this city")));
      document.head.append(script);
    };
    const cities = DATA.cities.map((city) => [city[0], cityName(city[0])]);
    cities.sort((a, b) => a[1].localeCompare(b[1], WORDS.tag));
    pick.append(...cities.map(([id, label]) => make("option", { value: id }, label)));
    one("#of-city").hidden = isSingle;
    form.hidden = false;
    find.addEventListener("input", () => (filter(), keep()));
    pick.addEventListener("change", () => (load(), keep()));
    const state = isSingle ? {} : read();
    find.value = state.q || "";
    pick.value = at.has(state.c) ? state.c : "";
    filter();
    load();
  }
})();
