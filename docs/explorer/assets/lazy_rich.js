const GRID = { columns: 72, rows: 48, scale: [0.05, 8], balance: [-0.98, 0.98] };

const PAGE = {
  compute({ scale, balance, target, time }) {
    const start = startOf(scale, balance, target), { a0, b0 } = start;
    const end = 1.25 * timeTo(a0, b0, target, 0.99).time, t = spaced(0, end, 161);
    const curve = t.map((at) => mode(at, a0, b0, target)), now = mode(time * end, a0, b0, target);
    const first = scale * scale; // the kernel at the start
    return {
      start, end, t, curve, now,
      frozen: t.map((at) => oneLayer(first * at, a0 * b0, target).theta),
      read: {
        t: time * end, f: now.f, kernel_growth: now.kernel / first, final_growth: start.growth, imbalance: start.imbalance,
        half_way: timeTo(a0, b0, target, 0.5).time, regime: Math.abs(Math.log10(start.growth)) < 0.1 ? "lazy" : start.growth > 2 ? "rich" : "between",
      },
    };
  },

  format(name, value, state) {
    if (name === "balance") return short(value, 2);
    if (name === "time") return `t = ${short(this.compute(state).read.t)}`;
  },

  make(put) {
    const map = new Chart("map", { square: true, x: { label: "scale of the start", log: true, low: GRID.scale[0], high: GRID.scale[1] },
      y: { label: "imbalance (a² − b²)/(a² + b²)", low: -1, high: 1 } });
    let shown = null;
    map.draggable({
      handles: [{ label: "Start of training: scale and imbalance" }],
      get: () => shown, set: (_, x, y) => put({ scale: x, balance: Math.min(Math.max(y, ...GRID.balance.slice(0, 1)), GRID.balance[1]) }),
      words: () => `scale ${short(shown.x)}, imbalance ${short(shown.y, 2)}`,
    });
    return {
      map, hold: (value) => { shown = value; },
      mode: new Chart("mode", { x: { label: "flow time" }, y: { label: "product f = a b" } }),
      kernel: new Chart("kernel", { x: { label: "flow time" }, y: { label: "kernel, of its start" } }),
      weights: new Chart("weights", { square: true, x: { label: "weight a" }, y: { label: "weight b" } }),
    };
  },

  show(charts, { start, end, t, curve, now, frozen, read }, { scale, balance, target, time }) {
    const mix = mixer("--low", "--mid", "--high");
    const [low, high] = GRID.scale;
    charts.hold({ x: scale, y: balance });
    charts.map.draw({
      heat: { columns: GRID.columns, rows: GRID.rows, colour: (i, j) => {
        const s = low * Math.pow(high / low, (i + 0.5) / GRID.columns), rho = -1 + (2 * (j + 0.5)) / GRID.rows;
        return mix(Math.abs(Math.log10(startOf(s, rho, target).growth)) / 1.5);
      } },
      words: `Map of regimes. Blue: the kernel keeps its size, lazy. Orange: it changes by a factor of thirty or more, rich. Here: scale ${short(scale)}, imbalance ${short(balance, 2)}, final growth ${short(read.final_growth)}.`,
    });
    const top = Math.max(target, ...curve.map(({ f }) => f)), bottom = Math.min(0, ...curve.map(({ f }) => f));
    charts.mode.draw({
      x: { low: 0, high: end }, y: { low: bottom, high: 1.08 * top },
      lines: [{ x: t, y: curve.map(({ f }) => f), colour: 1, width: 3, label: "exact" },
        { x: t, y: frozen, colour: 2, dash: 1, label: "with the first kernel kept" }],
      marks: [{ y: target, text: "target" }], dots: [{ x: read.t, y: now.f, colour: 1, r: 6 }],
      words: `The product reaches half of its way at ${short(read.half_way)}; now ${short(read.f)} of ${short(target)}.`,
    });
    const growth = curve.map(({ kernel }) => kernel / (scale * scale));
    charts.kernel.draw({
      x: { low: 0, high: end }, y: { log: true, low: Math.min(0.5, ...growth) / 1.1, high: 1.1 * Math.max(2, ...growth) },
      lines: [{ x: t, y: growth, colour: 3, width: 3, label: "(a² + b²) over its start" }], marks: [{ y: 1 }],
      dots: [{ x: read.t, y: read.kernel_growth, colour: 3, r: 6 }],
      words: `The kernel grows by a factor of ${short(read.final_growth)} in all, ${short(read.kernel_growth)} so far.`,
    });
    const reach = 1.15 * Math.max(...curve.map(({ a, b }) => Math.max(Math.abs(a), Math.abs(b))), Math.sqrt(target));
    const along = spaced(0, reach, 161);
    const hyperbola = along.map((x) => (start.imbalance >= 0 ? Math.hypot(x, Math.sqrt(start.imbalance)) : Math.hypot(x, Math.sqrt(-start.imbalance))));
    const rightwards = start.imbalance >= 0;
    charts.weights.draw({
      x: { low: 0, high: reach }, y: { low: 0, high: reach },
      lines: [
        { x: rightwards ? hyperbola : along, y: rightwards ? along : hyperbola, colour: 9, dash: 2, label: "a² − b² as at the start" },
        { x: along, y: along.map((x) => target / x), colour: 2, dash: 1, label: "solutions a b = S" },
        { x: curve.map(({ a }) => a), y: curve.map(({ b }) => b), colour: 1, width: 3, label: "the way of the weights" }],
      dots: [{ x: start.a0, y: start.b0, colour: 1, r: 5, open: true }, { x: now.a, y: now.b, colour: 1, r: 6 }],
      words: `Weights move on a hyperbola from (${short(start.a0)}, ${short(start.b0)}), now at (${short(now.a)}, ${short(now.b)}).`,
    });
  },
};
