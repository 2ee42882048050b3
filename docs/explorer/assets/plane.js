const WIDTHS = spacedLog(10, 1e6, 41), RANGE = { gamma: [0, 2.5], prime: [-1.25, 1.25] };

const PAGE = {
  compute({ gamma, prime, width }) {
    const { exponent, critical } = plane(gamma, prime), now = initialisation(width, gamma, prime, exponent);
    const regime = Math.abs(exponent) < 1e-12 ? "critical" : exponent < 0 ? "linear: neurons stay" : "condensed: neurons move";
    const nearest = DATA.plane.cells.reduce((best, cell) => (Math.hypot(cell.gamma - gamma, cell.prime - prime) < Math.hypot(best.gamma - gamma, best.prime - prime) ? cell : best));
    return { exponent, critical, nearest, now,
      read: { exponent, regime, std_a: now.std_a, scale: now.scale, distance: now.distance, critical, measured: nearest.slope,
        there: `${short(nearest.gamma)}, ${short(nearest.prime)}: predicted ${short(plane(nearest.gamma, nearest.prime).exponent)}` } };
  },

  format(name, value) {
    if (name === "gamma" || name === "prime") return short(value, 3);
  },

  make(put) {
    const map = new Chart("map", { square: true, x: { label: "γ", low: RANGE.gamma[0], high: RANGE.gamma[1] }, y: { label: "γ′", low: RANGE.prime[0], high: RANGE.prime[1] } });
    let shown = null;
    map.draggable({ handles: [{ label: "Place in the plane" }], get: () => shown, set: (_, x, y) => put({ gamma: x, prime: y }),
      words: () => `gamma ${short(shown.x)}, gamma prime ${short(shown.y)}` });
    return { map, hold: (value) => { shown = value; },
      distance: new Chart("distance", { height: 320, x: { label: "width m", log: true, low: 10, high: 1e6 }, y: { label: "relative distance, up to a factor", log: true } }) };
  },

  show(charts, { exponent, read, now }, { gamma, prime, width }) {
    charts.hold({ x: gamma, y: prime });
    const mix = mixer("--cold", "--mid", "--high"), [columns, rows] = [100, 100];
    const heights = spaced(...RANGE.prime, 61);
    charts.map.draw({
      heat: { columns, rows, colour: (i, j) => mix(0.5 + 0.5 * plane(RANGE.gamma[0] + ((i + 0.5) / columns) * 2.5, RANGE.prime[0] + ((j + 0.5) / rows) * 2.5).exponent) },
      lines: [{ x: heights.map((at) => plane(0, at).critical), y: heights, colour: 0, label: "critical line" }],
      dots: [...DATA.plane.cells.map(({ gamma: x, prime: y, slope }) => ({ x, y, colour: 0, open: slope < 0, r: Math.min(8, 1.5 + 7 * Math.abs(slope)), shape: slope < 0 ? "circle" : "triangle" })),
        ...DATA.classical.map(({ gamma: x, prime: y }) => ({ x, y, colour: 4, r: 6 }))]
        .map((dot, k) => ({ ...dot, label: k === DATA.plane.cells.findIndex(({ slope }) => slope < 0) ? "trained: moves less with width" : k === DATA.plane.cells.findIndex(({ slope }) => slope >= 0) ? "trained: moves more" : k === DATA.plane.cells.length ? `usual starts: ${DATA.classical.map(({ name }) => name).join(", ")}` : "" })),
      words: `The plane. Here gamma ${short(gamma)}, gamma prime ${short(prime)}: ${read.regime}, distance goes like the width to the power ${short(exponent)}.`,
    });
    const curve = WIDTHS.map((m) => initialisation(m, gamma, prime, exponent).distance);
    charts.distance.draw({
      y: { low: Math.min(1e-3, ...curve) / 2, high: 2 * Math.max(1e3, ...curve) },
      lines: [{ x: WIDTHS, y: curve, colour: exponent < 0 ? 1 : 2, width: 3, label: `m to the power ${short(exponent)}` }],
      dots: [{ x: width, y: now.distance, colour: exponent < 0 ? 1 : 2, r: 6 }], marks: [{ y: 1 }],
      words: `Relative distance at width ${short(width)}: ${short(read.distance)} up to a factor.`,
    });
  },
};
