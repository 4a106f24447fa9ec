// Runs in the Nodes page and times its map, and the same cells as elements in CSS grids. The time of a move is that of
// its script and of style, layout and painting of the next frame. Evaluates to a function that defines
// `measureMap(rounds)`, which resolves to {cells, nodes, times: {subject: {move: [ms]}}}.

async () => {
  const from = document.querySelector("script[src$='/nodes.js']").src;
  // The service sends joined modules. map.py answers these addresses with the modules themselves.
  const load = (name) => import(new URL(`../modules/${name}`, from));
  const [{ bands, facts, sorted, summary }, { NodeMap }, { h, setText }] = await Promise.all(
    ["cells.js", "map.js", "dom.js"].map(load),
  );
  const getData = async (path) => (await (await fetch(new URL(`../${path}`, location))).json()).data;
  const records = new Map(Object.entries(await getData("nodes")));
  const { partitions } = await getData("usage?compact=true");
  const names = sorted(records.keys());
  // The page's own map is hidden and draws nothing.
  document.getElementById("map").hidden = true;
  const place = document.getElementById("content");
  let host = null;
  const clear = () => {
    host?.remove();
    host = h("div", { class: "map" });
    place.append(host);
  };

  const texts = [...document.querySelectorAll("#panel dd")];
  const showFacts = (spot) => {
    if (spot === null) return;
    const shown = facts(spot.band.cells[spot.index], spot.band);
    setText(document.getElementById("panel-state"), shown.state);
    for (const text of texts) setText(text, shown[text.id.replace("panel-", "")]);
  };
  const head = () => h("header", {}, h("h2"), h("p"));
  const fillHead = (element, band) => {
    setText(element.firstChild, band.name);
    setText(element.lastChild, summary(band));
  };

  const canvases = () => {
    clear();
    const map = new NodeMap(host, { bandParts: head, fillParts: fillHead, onPoint: showFacts, onOpen: () => {} });
    const field = (at) => host.querySelectorAll(".field")[at];
    return {
      show: (shown) => map.show(shown),
      point(at, x, y) {
        const box = field(at).getBoundingClientRect();
        field(at).dispatchEvent(
          new PointerEvent("pointermove", { clientX: box.left + x, clientY: box.top + y, bubbles: true }),
        );
      },
      enter: (at) => field(at).focus(),
      press: (key) =>
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })),
    };
  };

  const grids = () => {
    clear();
    let shown = [];
    let cursor = null;
    const elements = [];
    const look = (number) => `cell look-${number}`;
    const choose = (at, index) => {
      cursor?.classList.remove("chosen");
      cursor = elements[at][index];
      cursor.classList.add("chosen");
      showFacts({ band: shown[at], index });
    };
    const make = (band, at) => {
      const grid = h("div", { class: "grid" });
      elements[at] = band.cells.map((_, index) =>
        h("div", { class: look(band.codes[index]), "data-index": index, tabindex: -1 }),
      );
      grid.append(...elements[at]);
      grid.addEventListener(
        "pointermove",
        ({ target }) => target.dataset.index && choose(at, Number(target.dataset.index)),
      );
      grid.addEventListener("keydown", ({ target, key }) => {
        const next = Math.min(
          band.cells.length - 1,
          Math.max(0, Number(target.dataset.index) + (key === "ArrowRight" ? 1 : -1)),
        );
        elements[at][next].focus({ preventScroll: true });
        choose(at, next);
      });
      return h("section", {}, head(), grid);
    };
    return {
      show(next) {
        const before = shown;
        shown = next;
        if (before.length === 0) host.append(...shown.map(make));
        shown.forEach((band, at) => {
          fillHead(host.children[at].firstChild, band);
          const old = before[at]?.codes;
          if (!old) return;
          band.codes.forEach((code, index) => {
            if (old[index] !== code) elements[at][index].className = look(code);
          });
        });
      },
      point(at, x, y) {
        const box = host.children[at].lastChild.getBoundingClientRect();
        const target = document.elementFromPoint(box.left + x, box.top + y) ?? elements[at][0];
        target.dispatchEvent(
          new PointerEvent("pointermove", { clientX: box.left + x, clientY: box.top + y, bubbles: true }),
        );
      },
      enter: (at) => elements[at][0].focus(),
      press: (key) =>
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })),
    };
  };

  const sheet = new CSSStyleSheet();
  const looks = Array.from(
    { length: 54 },
    (_, number) => `.look-${number} { background: hsl(${number * 6} 60% 50%); }`,
  );
  sheet.replaceSync(`
    .grid { display: grid; grid-template-columns: repeat(auto-fill, 10px); }
    .cell { width: 9px; height: 9px; margin-bottom: 1px; }
    .chosen { outline: 2px solid; }
    ${looks.join("\n")}`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

  const frame = () => new Promise(requestAnimationFrame);
  const task = () =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = resolve;
      port2.postMessage(null);
    });
  const timed = async (work) => {
    await frame();
    await task();
    const begun = performance.now();
    work();
    const script = performance.now() - begun;
    await frame();
    const rendering = performance.now();
    await task();
    return script + performance.now() - rendering;
  };
  const repeated = async (times, work) => {
    const found = [];
    for (let turn = 0; turn < times; turn += 1) found.push(await timed(() => work(turn)));
    return found;
  };

  // Another hundredth of the nodes each time, from busy to free or back.
  const change = (turn) => {
    const toggled = names.filter((_, index) => index % 100 === turn % 100);
    for (const name of toggled) {
      const record = records.get(name);
      records.set(name, {
        ...record,
        state: "MIXED",
        state_base: "MIXED",
        alloc_cpus: record.alloc_cpus > 0 ? 0 : record.cpus,
      });
    }
  };
  const look = () => bands(names, records, partitions, false);

  window.measureMap = async (rounds) => {
    const times = {};
    for (const [subject, make] of Object.entries({ canvas: canvases, elements: grids })) {
      let map;
      const redrawn = await repeated(rounds, () => {
        map = make();
        map.show(look());
      });
      const refresh = await repeated(2 * rounds, (turn) => {
        change(turn);
        map.show(look());
      });
      const largest = look().map(({ cells }) => cells.length);
      const at = largest.indexOf(Math.max(...largest));
      host.children[at].scrollIntoView();
      const hover = await repeated(4 * rounds, (turn) => map.point(at, 15 + 10 * (turn % 50), 15 + 10 * (turn % 20)));
      map.enter(at);
      const keys = await repeated(4 * rounds, (turn) => map.press(turn % 20 < 15 ? "ArrowRight" : "ArrowLeft"));
      times[subject] = { redrawn, refresh, hover, keys };
    }
    return { nodes: names.length, cells: look().reduce((sum, { cells }) => sum + cells.length, 0), times };
  };
};
