const FAMILIES = Object.keys(DATA.runs);

// Value of a series at a time, straight between records on a logarithmic clock
function valueAt(t, y, at) {
  const last = t.length - 1;
  if (at <= t[0]) return y[0];
  if (at >= t[last]) return y[last];
  let k = 1;
  while (t[k] < at) k++;
  if (t[k - 1] <= 0) return y[k - 1];
  return y[k - 1] + ((y[k] - y[k - 1]) * Math.log(at / t[k - 1])) / Math.log(t[k] / t[k - 1]);
}

// When a series has first gone half of its way from its first value to its last
function halfTime(t, y) {
  const level = (y[0] + lastOf(y)) / 2, up = lastOf(y) > y[0];
  const k = y.findIndex((value) => (up ? value >= level : value <= level));
  return k < 0 || y[0] === lastOf(y) ? NaN : t[k];
}

const PAGE = {
  compute({ family, time }) {
    const name = FAMILIES[family], run = DATA.runs[name], moving = run.t.filter((t) => t > 0), first = moving[0], at = first * Math.pow(lastOf(run.t) / first, time);
    const values = Object.fromEntries(Object.entries(run.series).map(([key, y]) => [key, valueAt(run.t, y, at)]));
    const half = Object.fromEntries(Object.entries(run.series).map(([key, y]) => [key, halfTime(run.t, y)]));
    const early = Object.keys(run.theory).filter((key) => half[key] < run.jump);
    return { name, run, at, first, values, half,
      read: { t: at, train: values.train, test: values.test, fit: run.fit, jump: run.jump, early: early.length } };
  },

  format(name, value, state) {
    if (name === "time") return `${short(this.compute(state).at)}`;
  },

  make() {
    return { scores: new Chart("scores", { height: 260, x: { log: true }, y: { label: "performance", low: 0, high: 1.05 } }), small: {}, host: document.getElementById("chart-series") };
  },

  show(charts, { name, run, at, first, values, half, read }) {
    const x = { low: first, high: lastOf(run.t), label: run.clock };
    charts.scores.draw({
      x, lines: [{ x: run.t, y: run.series.train, colour: 1, dash: 1, width: 3, label: "train" }, { x: run.t, y: run.series.test, colour: 2, width: 3, label: "test" }],
      marks: [{ x: run.fit, text: "fitted" }, { x: run.jump, text: "learnt" }, { x: at }], dots: [{ x: at, y: values.train, colour: 1, r: 6 }, { x: at, y: values.test, colour: 2, r: 6 }],
      words: `${name}: train ${short(read.train)}, test ${short(read.test)} at ${run.clock} ${short(at)}.`,
    });
    if (charts.host.dataset.of !== name) {
      charts.host.dataset.of = name;
      charts.host.replaceChildren();
      charts.small = Object.fromEntries(Object.keys(run.theory).map((key) => {
        const figure = element(charts.host, "figure");
        element(figure, "div", { class: "chart", id: `chart-series-${key}` });
        const caption = element(figure, "figcaption");
        return [key, { chart: new Chart(`series-${key}`, { height: 150, x: { log: true }, y: { label: "" } }), caption }];
      }));
    }
    for (const [key, { chart, caption }] of Object.entries(charts.small)) {
      const y = run.series[key], [low, high] = [Math.min(...y), Math.max(...y)], room = 0.06 * (high - low || Math.abs(high) || 1);
      chart.draw({
        x: { ...x, label: "" }, y: { low: low - room, high: high + room },
        lines: [{ x: run.t, y, colour: half[key] < run.jump ? 3 : 4, dash: half[key] < run.jump ? 0 : 1 }],
        marks: [{ x: at }, ...(Number.isFinite(run.jump) ? [{ x: run.jump }] : [])], dots: [{ x: at, y: values[key], colour: half[key] < run.jump ? 3 : 4, r: 4.5 }],
        words: `${key.replaceAll("_", " ")}: ${short(values[key])} now, from ${short(y[0])} to ${short(lastOf(y))}.`,
      });
      caption.textContent = `${key.replaceAll("_", " ")} (${run.theory[key]}): ${short(values[key])}; half-way ${half[key] < run.jump ? "before the jump" : Number.isFinite(half[key]) ? "not before the jump" : "never"}`;
    }
  },
};
