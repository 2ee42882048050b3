// The dynamics of toymodels.neurashed: which units fire is in DATA, everything else is here.

// Rules: state of a value, its update, value of a state
const RULES = [
  { name: "multiplicative", encode: Math.log, decode: Math.exp,
    update: (state, fires, { grow, fade }) => state + (fires ? Math.log(grow) : Math.log(fade)) },
  { name: "additive", encode: (x) => x, decode: (x) => x,
    update: (state, fires, { grow, fade }) => (fires ? state + grow : state * fade) },
];

// Units that a batch of samples fires: hidden nodes, then trained edges, by one sample that fires both ends
function firing(graph, batch) {
  const nodes = graph.levels.flat().map((_, k) => batch.some((i) => graph.fires[i][k]));
  const edges = graph.edges.map(([source, label]) => batch.some((i) => graph.fires[i][source] && graph.labels[i] === label));
  return [...nodes, ...edges];
}

const units = (graph) => graph.levels.flat().length + graph.edges.length;

// Values of all units after each batch, the start first. A stochastic rule moves those whose coin is below the chance
function train(graph, rule, rates, initial, order, coins, chance = 1) {
  let state = Array.from({ length: units(graph) }, () => rule.encode(initial));
  const run = [state.map(rule.decode)];
  order.forEach((batch, step) => {
    const fires = firing(graph, batch);
    state = state.map((value, k) => (chance === 1 || coins[step][k] < chance ? rule.update(value, fires[k], rates) : value));
    run.push(state.map(rule.decode));
  });
  return run;
}

// Score of every hidden node for one sample
function scores(graph, values, sample) {
  const score = [];
  graph.parents.forEach((parents, k) => {
    let incoming = parents === null ? 1 : 0;
    for (const parent of parents || []) incoming += score[parent];
    score.push(values[k] * (graph.fires[sample][k] ? 1 : 0) * incoming);
  });
  return score;
}

function logits(graph, values, sample) {
  const score = scores(graph, values, sample), found = new Array(graph.classes).fill(0), first = score.length;
  graph.edges.forEach(([source, label], e) => { found[label] += score[source] * values[first + e]; });
  return found;
}

function probabilities(found) {
  const top = Math.max(...found), raised = found.map((z) => Math.exp(z - top)), sum = raised.reduce((a, b) => a + b);
  return raised.map((value) => value / sum);
}

// How far one update on `base` moves the logits of every sample, relative to its own (eq. 3.1)
function elasticity(graph, rule, rates, values, base) {
  const fires = firing(graph, [base]);
  const moved = values.map((value, k) => rule.decode(rule.update(rule.encode(value), fires[k], rates)));
  const change = graph.labels.map((_, i) => {
    const before = logits(graph, values, i), after = logits(graph, moved, i);
    return Math.sqrt(after.reduce((sum, z, j) => sum + (z - before[j]) ** 2, 0));
  });
  return change.map((size) => size / change[base]);
}

// Numbers in (0, 1) by a generator of our own: x <- x xor shifted x, thrice (Marsaglia 2003)
function generator(seed) {
  let x = (seed * 2654435761) >>> 0 || 1;
  const next = () => { x ^= x << 13; x >>>= 0; x ^= x >>> 17; x ^= x << 5; x >>>= 0; return x / 4294967296; };
  for (let k = 0; k < 8; k++) next();
  return next;
}

// Batches drawn with replacement
function draw(n, size, steps, seed) {
  const next = generator(seed);
  return Array.from({ length: steps }, () => Array.from({ length: size }, () => Math.floor(next() * n)));
}

// A number for every unit and step, from a stream that no batches are drawn from
function toss(n, steps, seed) {
  const next = generator(seed + COINS);
  return Array.from({ length: steps }, () => Array.from({ length: n }, next));
}

const INITIAL = 1, COINS = 100003;

const PAGE = {
  compute({ graph, rule, grow, fade, chance, batch, seed, step, input }) {
    const chosen = DATA.graphs[graph], law = RULES[rule], rates = { grow: rule ? grow : 1 + grow, fade };
    const order = draw(chosen.labels.length, batch, DATA.steps, seed), coins = toss(units(chosen), DATA.steps, seed);
    const run = train(chosen, law, rates, INITIAL, order.slice(0, step), coins, chance);
    const followed = step ? coins[step - 1].filter((coin) => chance === 1 || coin < chance).length : 0;
    const values = lastOf(run), sample = Math.min(input, chosen.labels.length - 1), found = logits(chosen, values, sample);
    const moved = elasticity(chosen, law, rates, values, sample);
    const own = chosen.labels.map((label, i) => i).filter((i) => i !== sample);
    const mean = (list) => (list.length ? list.reduce((sum, i) => sum + moved[i], 0) / list.length : NaN);
    return {
      chosen, run, values, sample, order, found, moved, shares: probabilities(found),
      read: {
        probability: probabilities(found)[chosen.labels[sample]], logit: found[chosen.labels[sample]],
        same: mean(own.filter((i) => chosen.labels[i] === chosen.labels[sample])),
        other: mean(own.filter((i) => chosen.labels[i] !== chosen.labels[sample])),
        last: step ? order[step - 1].map((i) => chosen.names[i]).join(", ") : "none yet",
        followed: step ? `${followed} of ${units(chosen)}` : "none yet",
      },
    };
  },

  format(name, value, state) {
    if (name === "grow") return state.rule ? `+ ${short(value)}` : `× ${short(1 + value)}`;
    if (name === "fade") return `× ${short(value)}`;
    if (name === "chance") return value === 1 ? "always" : `${Math.round(100 * value)} %`;
  },

  make() {
    const host = document.getElementById("chart-graph"), inputs = document.getElementById("input");
    return { picture: element(host, "svg", { role: "img", "aria-label": "" }), host, inputs,
      bars: document.getElementById("chart-bars"), paths: new Chart("paths", { height: 300, x: { label: "step", low: 0, high: DATA.steps }, y: { label: "amplification", log: true } }) };
  },

  show(charts, result, state) {
    const { chosen, run, values, sample, found, moved, shares } = result;
    const names = chosen.names.map((name, k) => `${name} (class ${chosen.labels[k] + 1})`);
    if (charts.inputs.dataset.of !== chosen.title) {
      charts.inputs.dataset.of = chosen.title;
      charts.inputs.replaceChildren(...names.map((name, k) => element(null, "option", { value: k }, name)));
      charts.inputs.value = sample;
    }
    drawGraph(charts, result);
    charts.bars.replaceChildren();
    charts.bars.className = "bars";
    const rows = (title, list, label, colour, words) => {
      element(charts.bars, "h3", {}, title);
      const top = Math.max(...list, 1e-300);
      list.forEach((value, k) => {
        element(charts.bars, "span", {}, label(k));
        const bar = element(element(charts.bars, "span"), "i");
        bar.style.width = `${(100 * value) / top}%`;
        bar.style.background = `var(--c${colour(k)})`;
        element(charts.bars, "span", {}, words(value, k));
      });
    };
    rows("Logit and probability of each class", found, (k) => `class ${k + 1}`, (k) => (k === chosen.labels[sample] ? 2 : 9 - 3),
      (value, k) => `${short(value)}  (${(100 * shares[k]).toFixed(1)} %)`);
    rows("Local elasticity: one update on this input moves the logits of", moved, (k) => names[k],
      (k) => (chosen.labels[k] === chosen.labels[sample] ? 2 : 1), (value) => short(value));
    const t = spaced(0, run.length - 1, Math.max(run.length, 2)), nodes = chosen.levels.flat();
    const all = run.flatMap((row) => row.slice(0, nodes.length)).filter((value) => value > 0);
    charts.paths.draw({
      y: { low: Math.min(0.5, ...all) / 1.2, high: 1.2 * Math.max(2, ...all) },
      lines: run.length < 2 ? [] : nodes.map(([level], k) => ({ x: t, y: run.map((row) => row[k]), colour: chosen.fires[sample][k] ? 2 : 9, dash: chosen.fires[sample][k] ? 0 : 2,
        width: chosen.fires[sample][k] ? 2.5 : 1.2 })),
      words: `Amplification of ${nodes.length} nodes over ${state.step} steps; those that this input fires range up to ${short(Math.max(...values.slice(0, nodes.length)))}.`,
    });
  },
};

function drawGraph({ picture, host }, { chosen, values, sample, order, read, run }) {
  const width = Math.max(300, host.clientWidth), levels = chosen.levels.length + 1, height = 84 * levels + 20;
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  picture.replaceChildren();
  const sizes = [...chosen.levels.map((level) => level.length), chosen.classes];
  const place = (level, index) => [(width * (index + 0.5)) / sizes[level], height - 34 - 84 * level];
  const nodes = chosen.levels.flat(), first = nodes.length, lit = (k) => chosen.fires[sample][k] === 1;
  const at = nodes.map(([level, index]) => place(level, index));
  const largest = chosen.levels.map((level, l) => Math.max(...nodes.map(([own], k) => (own === l ? values[k] : 0))));
  const top = Math.max(...values.slice(first));
  const line = ([x1, y1], [x2, y2], on, size) => element(picture, "line", { x1, y1, x2, y2, class: on ? "s2" : "s9", "stroke-width": size, opacity: on ? 1 : 0.45, "stroke-dasharray": on ? "" : "2 3" });
  for (const on of [false, true]) {
    chosen.parents.forEach((parents, k) => (parents || []).forEach((parent) => { if ((lit(k) && lit(parent)) === on) line(at[parent], at[k], on, on ? 2.2 : 0.8); }));
    chosen.edges.forEach(([source, label], e) => {
      if (lit(source) === on) line(at[source], place(levels - 1, label), on, 0.6 + 4 * (values[first + e] / top));
    });
  }
  nodes.forEach(([level], k) => {
    const radius = Math.max(2.5, Math.min(17, (0.36 * width) / sizes[level]) * Math.sqrt(values[k] / largest[level]));
    const [cx, cy] = at[k], node = element(picture, "circle", { cx, cy, r: radius, class: lit(k) ? "f2" : "s9", ...(lit(k) ? {} : { fill: "var(--back)", "stroke-width": 1.5 }) });
    element(node, "title", {}, `level ${level + 1}: amplification ${short(values[k])}, ${lit(k) ? "fires" : "is silent"}`);
  });
  for (let label = 0; label < chosen.classes; label++) {
    const [x, y] = place(levels - 1, label), own = chosen.labels[sample] === label;
    element(picture, "rect", { x: x - 12, y: y - 12, width: 24, height: 24, rx: 3, class: own ? "f2" : "s9", ...(own ? {} : { fill: "var(--back)", "stroke-width": 1.5 }) });
    element(picture, "text", { x, y: y - 17, "text-anchor": "middle" }, `class ${label + 1}`);
  }
  picture.setAttribute("aria-label", `Graph of ${nodes.length} features after ${run.length - 1} steps. Input ${chosen.names[sample]} fires ${nodes.filter((_, k) => lit(k)).length} of them; probability of its class ${short(read.probability)}.`);
}
