// k-th coefficient of the product of two series
function convolved(u, v, k) {
  let sum = 0;
  for (let j = 0; j <= k; j++) sum += u[j] * v[k - j];
  return sum;
}

// States at increasing times, or `read(state)`, of a flow whose series `coefficients(state)` gives; `rescale(state)` acts
// between steps.
function flow(coefficients, start, times, rescale, read) {
  const found = [];
  let state = start.slice(), now = 0, row = 0;
  while (row < times.length) {
    const series = coefficients(state);
    const step = reach(series) / Math.exp(2);
    for (; row < times.length && times[row] <= now + step; row++) {
      const there = series.map((s) => summed(s, times[row] - now));
      found.push(read ? read(there) : there);
    }
    if (row === times.length) break;
    state = series.map((s) => summed(s, step));
    if (rescale) state = rescale(state);
    now += step;
  }
  return found;
}

// radius that the last coefficients suggest: beyond it terms grow; several, since a pair of poles makes some vanish
function reach(series) {
  const largest = (i) => Math.max(...series.map((s) => Math.abs(s[i])));
  const last = series[0].length - 1, radii = [];
  for (let k = last; k > last - 6; k--) radii.push(largest(k) === 0 ? Infinity : Math.pow(largest(0) / largest(k), 1 / k));
  return Math.min(...radii);
}

function summed(series, h) {
  let sum = 0;
  for (let k = series.length - 1; k >= 0; k--) sum = sum * h + series[k];
  return sum;
}

function spaced(low, high, n) {
  return Array.from({ length: n }, (_, k) => low + ((high - low) * k) / (n - 1));
}

function spacedLog(low, high, n) {
  return spaced(Math.log(low), Math.log(high), n).map(Math.exp);
}
