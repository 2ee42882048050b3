function short(value, digits = 3) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "none";
  const size = Math.abs(value);
  let text;
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${Number(mantissa) === 1 ? "" : `${String(Number(mantissa)).replace("-", "−")}·`}10${superscript(Number(exponent))}`;
  } else text = String(Number(value.toPrecision(digits)));
  return text.replace(/-/g, "−");
}

function superscript(number) {
  return [...String(number)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
}

function spaced(low, high, n) {
  return Array.from({ length: n }, (_, k) => low + ((high - low) * k) / (n - 1));
}

function spacedLog(low, high, n) {
  return spaced(Math.log(low), Math.log(high), n).map(Math.exp);
}

function lastOf(list) {
  return list[list.length - 1];
}
