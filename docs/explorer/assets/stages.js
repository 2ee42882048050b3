const MOST = 6;

const PAGE = {
  compute({ start, ratio, modes, imbalance, time }) {
    const strengths = Array.from({ length: modes }, (_, k) => Math.pow(ratio, k)), { a0, b0 } = weightsOf(start, imbalance);
    const half = strengths.map((S) => timeTo(a0, b0, S, 0.5).time);
    const end = 1.3 * Math.max(timeTo(a0, b0, lastOf(strengths), 0.9).time, timeTo(a0, b0, 1, 0.99).time), t = spaced(0, end, 241);
    const deep = strengths.map((S) => t.map((at) => mode(at, a0, b0, S).f));
    const flat = strengths.map((S) => t.map((at) => oneLayer(at, start, S).theta));
    const loss = (curves) => t.map((_, i) => strengths.reduce((sum, S, k) => sum + 0.5 * (S - curves[k][i]) ** 2, 0));
    const rise = timeTo(a0, b0, 1, 0.9).time - timeTo(a0, b0, 1, 0.1).time, now = time * end;
    const learnt = strengths.filter((S) => mode(now, a0, b0, S).progress > 0.5).length;
    return {
      t, end, strengths, deep, flat, deepLoss: loss(deep), flatLoss: loss(flat),
      read: { t: now, first: half[0], last: lastOf(half), rise, abruptness: half[0] / rise, learnt,
        loss: strengths.reduce((sum, S) => sum + 0.5 * (S - mode(now, a0, b0, S).f) ** 2, 0) },
    };
  },

  format(name, value, state) {
    if (name === "time") return `t = ${short(this.compute(state).read.t)}`;
  },

  make() {
    return {
      modes: new Chart("modes", { height: 320, x: { label: "flow time" }, y: { label: "mode", low: 0, high: 1.05 } }),
      loss: new Chart("loss", { height: 320, x: { label: "flow time" }, y: { label: "loss", log: true } }),
    };
  },

  show(charts, { t, end, strengths, deep, flat, deepLoss, flatLoss, read }) {
    const colour = (k) => (k % MOST) + 1;
    charts.modes.draw({
      x: { low: 0, high: end },
      lines: [
        ...flat.map((y, k) => ({ x: t, y, colour: colour(k), dash: 2, width: 1.5, label: k ? "" : "one layer (dotted)" })),
        ...deep.map((y, k) => ({ x: t, y, colour: colour(k), width: 3, label: `two layers, strength ${short(strengths[k], 2)}` }))],
      marks: [{ x: read.t }],
      words: `Modes of ${strengths.length} strengths. With two layers they rise one after another, the first at ${short(read.first)}, the last at ${short(read.last)}; with one layer all rise at once.`,
    });
    const top = 2 * Math.max(deepLoss[0], flatLoss[0]);
    charts.loss.draw({
      x: { low: 0, high: end }, y: { low: top * 1e-5, high: top },
      lines: [{ x: t, y: deepLoss, colour: 1, width: 3, label: "two layers: from saddle to saddle" }, { x: t, y: flatLoss, colour: 2, dash: 1, label: "one layer" }],
      marks: [{ x: read.t }], words: `Loss now ${short(read.loss)}; ${read.learnt} of ${strengths.length} modes are learnt.`,
    });
  },
};
