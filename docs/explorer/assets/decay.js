// Weights from (a0, 0) under decay at increasing times, by the series of the linear flow behind the Bessel functions
function decayingMode(times, a0, b0, S, mu) {
  let P = (a0 + b0) ** 2 / 4, Q = (a0 - b0) ** 2 / 4, y = 1;
  // every step starts from the weights as they are, so that A and B are alike and keep their digits
  const restart = ([A, B, E]) => { y *= A / B; P *= A / B; Q *= B / A; return [1, 1, E]; };
  const grown = flow((state) => decaying(state, P, Q, S, mu), [1, 1, 1], times, restart, ([A, B]) => y * (A / B));
  return grown.map((growth, k) => decayed(times[k], a0, b0, mu, growth));
}

// Where a curve over log t last falls through a level
function lastFall(t, y, level) {
  for (let k = y.length - 1; k > 0; k--) {
    if (y[k - 1] >= level && y[k] < level) {
      const share = (y[k - 1] - level) / (y[k - 1] - y[k]);
      return Math.exp(Math.log(t[k - 1]) + share * Math.log(t[k] / t[k - 1]));
    }
  }
  return NaN;
}

const PAGE = {
  compute({ scale, decay, weak, time }) {
    const t = spacedLog(1e-3, 40 / decay, 301), last = lastOf(t);
    const strong = decayingMode(t, scale, 0, 1, decay), faint = decayingMode(t, scale, 0, weak, decay);
    const at = t[0] * Math.pow(last / t[0], time);
    const [now] = decayingMode([at], scale, 0, 1, decay), [other] = decayingMode([at], scale, 0, weak, decay);
    const end = Math.max(passage(scale, 0, decay, weak).end, 0), peak = Math.max(...faint.map(({ f }) => f));
    const fit = timeTo(scale, 0, 1, 0.5).time, predicted = passage(scale, 0, decay, 1).time, faded = passage(scale, 0, decay, weak).time;
    const seen = lastFall(t, faint.map(({ f }) => f), (peak + end) / 2);
    return {
      t, strong, faint,
      read: { t: at, strong: now.f, weak: other.f, imbalance: now.imbalance, fit, predicted, faded, seen, delay: Math.log10(seen / fit),
        strong_end: Math.max(passage(scale, 0, decay, 1).end, 0), weak_end: end },
    };
  },

  format(name, value, state) {
    if (name === "time") return `t = ${short(state.time >= 0 ? 1e-3 * Math.pow(4e4 / state.decay, state.time) : NaN)}`;
  },

  make() {
    const x = { label: "flow time", log: true };
    return {
      products: new Chart("products", { height: 320, x, y: { label: "product a b" } }),
      imbalance: new Chart("imbalance", { height: 320, x, y: { label: "a² − b²", log: true } }),
    };
  },

  show(charts, { t, strong, faint, read }, { scale, weak }) {
    const x = { low: t[0], high: lastOf(t) };
    const marks = [{ x: read.fit, text: "fitted" }, { x: read.predicted, text: "signal rich" }, { x: read.t }];
    charts.products.draw({
      x, y: { low: 0, high: 1.15 },
      lines: [{ x: t, y: strong.map(({ f }) => f), colour: 1, width: 3, label: "signal, strength 1" },
        { x: t, y: faint.map(({ f }) => f), colour: 2, width: 3, dash: 1, label: `noise, strength ${short(weak, 2)}` }],
      marks, dots: [{ x: read.t, y: read.strong, colour: 1, r: 6 }, { x: read.t, y: read.weak, colour: 2, r: 6 }],
      words: `Both modes are fitted by ${short(read.fit)}; the weak one is given up only at ${short(read.seen)}, ${short(read.delay)} decades later. Its imbalance has passed 2 S by ${short(read.faded)}.`,
    });
    charts.imbalance.draw({
      x, y: { low: 1e-4, high: 2 * scale * scale },
      lines: [{ x: t, y: strong.map(({ imbalance }) => imbalance), colour: 3, width: 3, label: "imbalance, by any strength the same" },
        { x: t, y: strong.map(({ kernel }) => kernel), colour: 4, dash: 1, label: "kernel of the signal" },
        { x: t, y: faint.map(({ kernel }) => kernel), colour: 2, dash: 2, label: "kernel of the noise" }],
      marks: [{ y: 2, text: "2 S of the signal" }, { y: 2 * weak, text: "2 S of the noise" }, ...marks.slice(1).map(({ x: at }) => ({ x: at }))],
      words: `The imbalance decays from ${short(scale * scale)} and passes twice the strength of the signal at ${short(read.predicted)}.`,
    });
  },
};
