const POTENTIALS = [potential1, potential2, potential3], COEFFICIENTS = [coefficients1, coefficients2, coefficients3], DRIFTS = [drifting1, drifting2, drifting3];
const LOOKS = 1440, NOTHING = 1e-12;

// Coefficients of the potential of samples (x, y), on inputs and targets of largest entry 1
function potentialOf(x, y, p) {
  const terms = x.map((input, i) => Object.values(COEFFICIENTS[p - 1](input, y[i])));
  return terms[0].map((_, j) => terms.reduce((sum, term) => sum + term[j], 0) / x.length);
}

// Maxima with T > 0 and minima with T < 0: where neurons end, and the sign of their output weight
function ends(c, p) {
  const look = (theta) => POTENTIALS[p - 1](theta, ...c), step = (2 * Math.PI) / LOOKS, found = [];
  const size = Math.max(...c.map(Math.abs));
  if (size <= NOTHING) return found;
  for (let k = 0; k < LOOKS; k++) {
    let low = -Math.PI + k * step, high = low + step;
    const rising = look(low).slope;
    if (rising === 0 ? k % 1 : rising * look(high).slope >= 0) continue;
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (look(middle).slope * rising > 0) low = middle; else high = middle;
    }
    const theta = (low + high) / 2, { height, bend } = look(theta);
    if (height * bend < 0 && Math.abs(height) > NOTHING * size) found.push({ theta, height, sign: Math.sign(height) });
  }
  return found;
}

// Where the potential is largest in size; of equal ones a maximum, then the one to the right
function strongest(heads) {
  const rank = ({ height, theta }) => Math.abs(height) * (1 + 1e-9 * Math.sign(height) + 1e-10 * Math.sign(Math.cos(theta)));
  return heads.reduce((best, end) => (rank(end) > rank(best) ? end : best));
}

// How strongly a group in this direction fits best, and what it leaves of the targets
function fitted(x, y, theta, p) {
  const z = x.map((input) => Math.pow(Math.cos(theta) * input + Math.sin(theta), p));
  const amplitude = z.reduce((sum, value, i) => sum + value * y[i], 0) / z.reduce((sum, value) => sum + value * value, 0);
  return { amplitude, output: z.map((value) => amplitude * value), residual: y.map((target, i) => target - amplitude * z[i]) };
}

// Neurons on the sphere of (a, w): angle of w, and its length, at increasing times in units of 1 / |T| at the strongest end
function drift(c, p, neurons, times) {
  const top = Math.max(...ends(c, p).map(({ height }) => Math.abs(height)));
  const scaled = c.map((value) => value / top);
  const onSphere = (state) => { const size = Math.hypot(...state); return state.map((value) => value / size); };
  return neurons.map(({ theta, a }) => {
    const start = onSphere([a, Math.cos(theta), Math.sin(theta)]);
    return flow((state) => DRIFTS[p - 1](state, ...scaled), start, times, onSphere);
  });
}

const NEURONS = Array.from({ length: DATA.neurons }, (_, k) => ({
  theta: -Math.PI + (2 * Math.PI * ((k * 0.618033988749895) % 1)), a: k % 2 ? -0.35 : 0.35 }));

const PAGE = {
  more: { targets: DATA.targets },

  compute({ order, time, targets }) {
    const p = order + 1, x = DATA.inputs, c = potentialOf(x, targets, p), heads = ends(c, p);
    if (!heads.length) return { p, c, heads, states: [], next: null, nextEnds: [], read: { ends: 0, first: NaN, next: NaN, arrived: NaN, residual: NaN, amplitude: NaN } };
    const states = drift(c, p, NEURONS, [time]).map((rows) => rows[0]);
    const main = strongest(heads);
    const fit = fitted(x, targets, main.theta, p), next = potentialOf(x, fit.residual, p), nextEnds = ends(next, p);
    const after = nextEnds.length ? strongest(nextEnds) : null;
    const cosine = ([, w1, w2]) => Math.max(...heads.map(({ theta }) => (w1 * Math.cos(theta) + w2 * Math.sin(theta)) / Math.hypot(w1, w2)));
    const living = states.filter(([, w1, w2]) => Math.hypot(w1, w2) > 0.3);
    const norm = (values) => Math.hypot(...values);
    return {
      p, c, heads, states, fit, next, nextEnds, main,
      read: { ends: heads.length, first: (main.theta * 180) / Math.PI, next: after ? (after.theta * 180) / Math.PI : NaN,
        arrived: living.filter((state) => cosine(state) > 0.99).length / NEURONS.length, amplitude: fit.amplitude,
        residual: norm(fit.residual) / norm(targets) },
    };
  },

  make(put) {
    const data = new Chart("data", { height: 300, x: { label: "input x", low: -1.6, high: 1.6 }, y: { label: "target y", low: -1.5, high: 1.5 } });
    let shown = DATA.targets;
    data.draggable({
      handles: DATA.inputs.map((x) => ({ label: `Target at x = ${short(x)}`, fixed: true })),
      get: (k) => ({ x: DATA.inputs[k], y: shown[k] }),
      set: (k, _, y) => put({ targets: shown.map((value, i) => (i === k ? y : value)) }),
      words: (k) => `target ${short(shown[k])}`,
    });
    return { data, hold: (values) => { shown = values; },
      circle: new Chart("circle", { square: true, x: { label: "weight of the input", low: -1.75, high: 1.75 }, y: { label: "bias", low: -1.75, high: 1.75 } }),
      height: new Chart("height", { height: 300, x: { label: "direction θ in degrees", low: -180, high: 180 }, y: { label: "potential T" } }) };
  },

  show(charts, { p, c, heads, states, fit, next, nextEnds, main, read }, { targets }) {
    charts.hold(targets);
    const along = spaced(-1.6, 1.6, 121), look = (coefficients) => (theta) => POTENTIALS[p - 1](theta, ...coefficients).height;
    charts.data.draw({
      lines: heads.length ? [{ x: along, y: along.map((x) => fit.amplitude * Math.pow(Math.cos(main.theta) * x + Math.sin(main.theta), p)), colour: 3, dash: 1, label: "what the first group can fit" }] : [],
      dots: DATA.inputs.map((x, i) => ({ x, y: targets[i], colour: 0, r: 3, label: i ? "" : "sample: drag, or arrow keys" })),
      words: `Four samples; the first group leaves ${short(read.residual)} of them.`,
    });
    const angles = spaced(-Math.PI, Math.PI, 361), heights = angles.map(look(c)), top = Math.max(...heights.map(Math.abs), 1e-300);
    const part = (keep) => heights.map((height) => (keep(height) ? 1 + (0.55 * Math.abs(height)) / top : NaN));
    const polar = (radii) => ({ x: radii.map((r, k) => r * Math.cos(angles[k])), y: radii.map((r, k) => r * Math.sin(angles[k])) });
    charts.circle.draw({
      lines: [{ ...polar(angles.map(() => 1)), colour: 9, width: 1 }, { ...polar(part((h) => h >= 0)), colour: 1, label: "T > 0" }, { ...polar(part((h) => h < 0)), colour: 2, dash: 1, label: "T < 0" },
        ...heads.map(({ theta, sign }) => ({ x: [0, 1.7 * Math.cos(theta)], y: [0, 1.7 * Math.sin(theta)], colour: sign > 0 ? 1 : 2, width: 1, dash: 2 }))],
      dots: states.map(([a, w1, w2]) => ({ x: w1 / Math.sqrt(0.5), y: w2 / Math.sqrt(0.5), colour: a >= 0 ? 1 : 2, r: 4.5, shape: a >= 0 ? "circle" : "triangle" }))
        .map((dot, k) => ({ ...dot, label: k === states.findIndex(([a]) => a >= 0) ? "neuron with a > 0" : k === states.findIndex(([a]) => a < 0) ? "neuron with a < 0" : "" })),
      words: `Neurons on the circle of directions. ${read.ends} directions attract; ${short(100 * read.arrived)} percent of the neurons have arrived.`,
    });
    const degrees = angles.map((theta) => (theta * 180) / Math.PI), later = next && nextEnds.length ? angles.map(look(next)) : [];
    charts.height.draw({
      y: { low: -1.15 * top, high: 1.15 * top }, marks: [{ y: 0 }],
      lines: [{ x: degrees, y: heights, colour: 4, width: 3, label: "potential of the targets" },
        ...(later.length ? [{ x: degrees, y: later, colour: 3, dash: 1, label: "of what the first group leaves" }] : [])],
      dots: [...heads.map(({ theta, height, sign }, k) => ({ x: (theta * 180) / Math.PI, y: height, colour: sign > 0 ? 1 : 2, r: 6, shape: sign > 0 ? "circle" : "triangle", label: k ? "" : "ends" })),
        ...nextEnds.map(({ theta, height, sign }, k) => ({ x: (theta * 180) / Math.PI, y: height, colour: 3, r: 5, open: true, label: k ? "" : "next orientations" }))],
      words: `The strongest end is at ${short(read.first)} degrees; after it is fitted, neurons turn next to ${short(read.next)} degrees.`,
    });
  },
};
