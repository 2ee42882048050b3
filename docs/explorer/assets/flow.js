// k-th coefficient of the product of two series
function convolved(u, v, k) {
  let sum = 0;
  for (let j = 0; j <= k; j++) sum += u[j] * v[k - j];
  return sum;
}

// States at increasing times of a flow whose series `coefficients(state)` gives; `rescale(state)` may act between steps.
function flow(coefficients, start, times, rescale) {
  const found = [];
  let state = start.slice(), now = 0, row = 0;
  while (row < times.length) {
    const series = coefficients(state);
    const last = series[0].length - 1;
    const step = Math.min(reach(series, last), reach(series, last - 1)) / Math.exp(2);
    for (; row < times.length && times[row] <= now + step; row++) found.push(series.map((s) => summed(s, times[row] - now)));
    if (row === times.length) break;
    state = series.map((s) => summed(s, step));
    if (rescale) state = rescale(state);
    now += step;
  }
  return found;
}

// radius that the k-th coefficients suggest: beyond it terms grow
function reach(series, k) {
  const largest = (i) => Math.max(...series.map((s) => Math.abs(s[i])));
  return largest(k) === 0 ? Infinity : Math.pow(largest(0) / largest(k), 1 / k);
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
