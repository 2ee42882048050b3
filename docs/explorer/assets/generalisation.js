const [FIRST, LAST] = DATA.nodes, NEGLIGIBLE = 1e-18;
const laws = new Map();

// Eigenvalues and masses, but for those whose part in every loss is below rounding
function lawOf(q) {
  if (!laws.has(q)) {
    const nodes = [];
    for (let k = FIRST; k < LAST; k++) {
      const node = law(k, q);
      if (node.mass * Math.max(1, 1 / node.eigenvalue) > NEGLIGIBLE) nodes.push(node);
    }
    laws.set(q, nodes);
  }
  return laws.get(q);
}

// Average train and test loss at time t
function lossesAt(t, q, sigma) {
  let train = 0, test = 0, last = null;
  const nodes = lawOf(q);
  for (const { eigenvalue, mass } of nodes) {
    last = losses(t, eigenvalue, q, sigma);
    train += mass * last.train;
    test += mass * last.test;
  }
  return { train: train + last.unfitted, test: test + nodes[0].none / 2 };
}

// Time of the lowest test loss, by golden section on its logarithm once a grid has found the valley
function best(q, sigma) {
  if (sigma === 0) return { t: Infinity, test: lawOf(q)[0].none / 2 };
  const value = (log) => lossesAt(Math.exp(log), q, sigma).test;
  const grid = spaced(Math.log(1e-3), Math.log(1e7), 47), heights = grid.map(value), k = heights.indexOf(Math.min(...heights));
  let [low, high] = [grid[Math.max(k - 1, 0)], grid[Math.min(k + 1, grid.length - 1)]];
  const share = (Math.sqrt(5) - 1) / 2;
  let [left, right] = [high - share * (high - low), low + share * (high - low)], [a, b] = [value(left), value(right)];
  while (high - low > 1e-6) {
    if (a < b) { [high, right, b, left] = [right, left, a, right - share * (right - low)]; a = value(left); }
    else { [low, left, a, right] = [left, right, b, left + share * (high - left)]; b = value(right); }
  }
  return { t: Math.exp((low + high) / 2), test: value((low + high) / 2) };
}

const RATIOS = spacedLog(0.1, 10, 41), stopped = new Map();

function stoppedCurve(sigma) {
  if (!stopped.has(sigma)) stopped.set(sigma, RATIOS.map((inverse) => best(1 / inverse, sigma).test));
  return stopped.get(sigma);
}

const PAGE = {
  compute({ samples, noise, time }) {
    const q = 1 / samples, t = spacedLog(1e-2, 1e4, 141);
    const at = 1e-2 * Math.pow(1e6, time), curve = t.map((now) => lossesAt(now, q, noise)), now = lossesAt(at, q, noise), lowest = best(q, noise);
    return {
      t, curve, lowest,
      read: { t: at, train: now.train, test: now.test, best_time: lowest.t, best_test: lowest.test, cost: now.test / lowest.test },
    };
  },

  format(name, value) {
    if (name === "time") return `t = ${short(1e-2 * Math.pow(1e6, value))}`;
  },

  make() {
    return {
      losses: new Chart("losses", { height: 320, x: { label: "flow time", log: true, low: 1e-2, high: 1e4 }, y: { label: "loss", low: 0 } }),
      descent: new Chart("descent", { height: 320, x: { label: "samples per dimension n/d", log: true, low: 0.1, high: 10 }, y: { label: "test loss", log: true, low: 1e-2, high: 10 } }),
    };
  },

  show(charts, { t, curve, lowest, read }, { samples, noise }) {
    const top = Math.min(1.6, Math.max(0.55, ...curve.map(({ test }) => test), ...curve.map(({ train }) => train)));
    charts.losses.draw({
      y: { high: 1.1 * top },
      lines: [{ x: t, y: curve.map(({ test }) => test), colour: 2, width: 3, label: "test, on labels without noise" },
        { x: t, y: curve.map(({ train }) => train), colour: 1, width: 3, dash: 1, label: "train" }],
      marks: [...(lowest.t < 1e4 ? [{ x: lowest.t, text: "stop here" }] : []), { x: read.t }],
      dots: [{ x: read.t, y: read.test, colour: 2, r: 6 }, { x: read.t, y: read.train, colour: 1, r: 6 }],
      words: `Test loss now ${short(read.test)}; it is lowest, ${short(read.best_test)}, at time ${short(read.best_time)}.`,
    });
    charts.descent.draw({
      lines: [{ x: RATIOS, y: RATIOS.map((ratio) => lossesAt(read.t, 1 / ratio, noise).test), colour: 2, width: 3, label: "at the time of the slider" },
        { x: RATIOS, y: stoppedCurve(noise), colour: 3, dash: 1, width: 3, label: "stopped at the best time" }],
      marks: [{ x: 1, text: "n = d" }], dots: [{ x: samples, y: read.test, colour: 2, r: 6 }],
      words: `Test loss over the number of samples: a peak at as many samples as dimensions, which stopping removes.`,
    });
  },
};
