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
    const next = now + reach(series) / Math.exp(2);
    for (; row < times.length && times[row] <= next; row++) {
      const there = series.map((s) => summed(s, times[row] - now));
      found.push(read ? read(there) : there);
    }
    if (row === times.length) break;
    state = series.map((s) => summed(s, next - now)); // the length as rounded, or late times drift
    if (rescale) state = rescale(state);
    now = next;
  }
  return found;
}

// radius that the last coefficients suggest: beyond it terms grow; several, since a pair of poles makes some vanish
function reach(series) {
  const first = largest(series, 0), last = series[0].length - 1;
  let least = Infinity;
  for (let k = last; k > last - 6; k--) {
    const size = largest(series, k);
    if (size > 0) least = Math.min(least, Math.pow(first / size, 1 / k));
  }
  return least;
}

function largest(series, k) {
  let size = 0;
  for (const s of series) size = Math.max(size, Math.abs(s[k]));
  return size;
}

function summed(series, h) {
  let sum = 0;
  for (let k = series.length - 1; k >= 0; k--) sum = sum * h + series[k];
  return sum;
}
