const SVG = "http://www.w3.org/2000/svg";
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "4 2", "12 4"];

function element(parent, tag, attributes, text) {
  const made = tag in { svg: 1, g: 1, line: 1, path: 1, polyline: 1, text: 1, circle: 1, rect: 1, title: 1, polygon: 1, clipPath: 1 }
    ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function ticks(scale, room) {
  const { low, high, log } = scale;
  if (log) {
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
    const skip = Math.max(1, Math.ceil((last - first + 1) / Math.max(2, room)));
    const found = [];
    for (let k = Math.ceil(first / skip) * skip; k <= last; k += skip) found.push(Math.pow(10, k));
    if (last - first >= 2) return found;
    const between = [1, 2, 5].flatMap((m) => spaced(first - 1, last + 1, last - first + 3).map((k) => m * Math.pow(10, k)));
    return between.filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)).sort((a, b) => a - b);
  }
  const raw = (high - low) / Math.max(2, room), power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k <= Math.floor(high / step + 1e-9); k++) found.push(k * step);
  return found;
}

function tickText(value, log) {
  if (!log) return short(Math.abs(value) < 1e-12 ? 0 : value, 3);
  const exponent = Math.round(Math.log10(value)), whole = Math.abs(value / Math.pow(10, exponent) - 1) < 1e-6;
  return whole && (exponent < -2 || exponent > 3) ? `10${superscript(exponent)}` : short(value, 2);
}

// Axes with lines, dots and marks, as wide as its place; `options`: x, y {label, log, low, high}, height or square.
class Chart {
  constructor(id, options) {
    this.host = document.getElementById(`chart-${id}`);
    this.options = options;
    this.svg = element(this.host, "svg", { role: "img" });
    this.title = element(this.svg, "title", { id: `${id}-title` });
    this.svg.setAttribute("aria-labelledby", `${id}-title`);
    this.clip = element(element(this.svg, "clipPath", { id: `${this.host.id}-clip` }), "rect");
    this.content = element(this.svg, "g");
    this.handles = element(this.svg, "g");
    this.legend = element(this.host, "ul", { class: "legend" });
    this.drag = null;
    new ResizeObserver(() => this.data && this.width !== this.host.clientWidth && this.draw(this.data)).observe(this.host);
  }

  // data: x, y (ranges that differ from those of the options), lines [{x, y, colour, dash, width, label}],
  // dots [{x, y, colour, r, open, label}], marks [{x or y, text}], heat {columns, rows, colour(i, j)}, words
  draw(data) {
    this.data = data;
    this.width = Math.max(260, this.host.clientWidth);
    const { options } = this, space = { left: 52, right: 12, top: 8, bottom: 40 };
    this.height = options.square ? Math.min(this.width, 440) : options.height || 270;
    if (options.square) this.width = Math.min(this.width, this.height);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.style.height = `${this.height}px`;
    this.svg.style.width = `${this.width}px`;
    this.box = { left: space.left, top: space.top, right: this.width - space.right, bottom: this.height - space.bottom };
    for (const [name, value] of [["x", space.left], ["y", space.top], ["width", this.box.right - space.left], ["height", this.box.bottom - space.top]]) this.clip.setAttribute(name, value);
    this.x = { ...options.x, ...data.x };
    this.y = { ...options.y, ...data.y };
    this.content.replaceChildren();
    this.title.textContent = data.words || "";
    this.heat(data.heat);
    this.axes(!data.heat);
    for (const mark of data.marks || []) this.mark(mark);
    for (const line of data.lines || []) this.line(line);
    for (const dot of data.dots || []) this.dot(dot);
    this.label(data.lines || [], data.dots || []);
    if (this.drag) this.place();
  }

  px(value) { return this.along(this.x, value, this.box.left, this.box.right); }
  py(value) { return this.along(this.y, value, this.box.bottom, this.box.top); }

  along(scale, value, from, to) {
    const share = scale.log ? Math.log(value / scale.low) / Math.log(scale.high / scale.low)
      : (value - scale.low) / (scale.high - scale.low);
    return from + share * (to - from);
  }

  axes(grid) {
    const { left, right, top, bottom } = this.box, g = this.content;
    for (const value of ticks(this.x, (right - left) / 65)) {
      const at = this.px(value);
      if (grid) element(g, "line", { x1: at, x2: at, y1: top, y2: bottom, class: "grid" });
      element(g, "text", { x: at, y: bottom + 15, "text-anchor": "middle" }, tickText(value, this.x.log));
    }
    for (const value of ticks(this.y, (bottom - top) / 40)) {
      const at = this.py(value);
      if (grid) element(g, "line", { x1: left, x2: right, y1: at, y2: at, class: "grid" });
      element(g, "text", { x: left - 5, y: at + 4, "text-anchor": "end" }, tickText(value, this.y.log));
    }
    element(g, "line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "axis" });
    element(g, "line", { x1: left, x2: left, y1: top, y2: bottom, class: "axis" });
    element(g, "text", { x: (left + right) / 2, y: bottom + 32, "text-anchor": "middle", class: "title" }, this.x.label);
    const middle = (top + bottom) / 2;
    element(g, "text", { x: 12, y: middle, "text-anchor": "middle", class: "title", transform: `rotate(-90 12 ${middle})` }, this.y.label);
  }

  line({ x, y, colour = 1, dash = 0, width = 2 }) {
    const runs = [[]];
    for (let k = 0; k < x.length; k++) {
      const inside = Number.isFinite(y[k]) && (!this.y.log || y[k] > 0) && (!this.x.log || x[k] > 0);
      if (!inside) { if (lastOf(runs).length) runs.push([]); continue; }
      const px = this.px(x[k]), py = Math.min(Math.max(this.py(y[k]), this.box.top - 40), this.box.bottom + 40);
      lastOf(runs).push(`${px.toFixed(1)},${py.toFixed(1)}`);
    }
    for (const run of runs) {
      if (run.length < 2) continue;
      element(this.content, "polyline", { points: run.join(" "), fill: "none", class: `s${colour}`, "clip-path": `url(#${this.host.id}-clip)`,
        "stroke-width": width, "stroke-dasharray": DASHES[dash], "stroke-linejoin": "round" });
    }
  }

  dot({ x, y, colour = 1, r = 5, open = false, shape = "circle" }) {
    const px = this.px(x), py = this.py(y);
    if (!Number.isFinite(px) || !Number.isFinite(py)) return;
    const look = { class: open ? `s${colour}` : `f${colour}`, ...(open ? { fill: "var(--back)", "stroke-width": 2 } : {}) };
    if (shape === "triangle") {
      const points = [[0, -1.2], [1.1, 0.8], [-1.1, 0.8]].map(([a, b]) => `${px + r * a},${py + r * b}`).join(" ");
      element(this.content, "polygon", { points, ...look });
    } else element(this.content, "circle", { cx: px, cy: py, r, ...look });
  }

  mark({ x, y, text }) {
    const { left, right, top, bottom } = this.box;
    const place = x !== undefined ? { x1: this.px(x), x2: this.px(x), y1: top, y2: bottom }
      : { x1: left, x2: right, y1: this.py(y), y2: this.py(y) };
    if (!(place.x1 >= left - 1 && place.x2 <= right + 1 && place.y1 >= top - 1 && place.y2 <= bottom + 1)) return;
    element(this.content, "line", { ...place, class: "mark" });
    if (!text) return;
    const late = place.x1 > (left + right) / 2;
    const at = x !== undefined ? { x: place.x1 + (late ? -4 : 4), y: top + 12, "text-anchor": late ? "end" : "start" }
      : { x: right - 4, y: place.y1 - 4, "text-anchor": "end" };
    element(this.content, "text", at, text);
  }

  heat(heat) {
    if (this.canvas) this.canvas.remove();
    this.canvas = null;
    if (!heat) return;
    const canvas = element(null, "canvas", { width: heat.columns, height: heat.rows, "aria-hidden": "true" });
    this.host.prepend(canvas);
    const { left, right, top, bottom } = this.box, pen = canvas.getContext("2d");
    Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
    const image = pen.createImageData(heat.columns, heat.rows);
    for (let j = 0; j < heat.rows; j++) {
      for (let i = 0; i < heat.columns; i++) image.data.set([...heat.colour(i, j), 255], 4 * ((heat.rows - 1 - j) * heat.columns + i));
    }
    pen.putImageData(image, 0, 0);
    this.canvas = canvas;
  }

  label(lines, dots) {
    const entries = [...lines.map((line) => ({ ...line, dot: false })), ...dots.map((dot) => ({ ...dot, dot: true }))];
    const labelled = entries.filter((entry) => entry.label);
    const key = JSON.stringify(labelled.map(({ label, colour, dash, dot, open, shape }) => [label, colour, dash, dot, open, shape]));
    if (key === this.key) return;
    this.key = key;
    this.legend.replaceChildren();
    for (const { label, colour = 1, dash = 0, dot, open, shape } of labelled) {
      const item = element(this.legend, "li"), swatch = element(item, "svg", { viewBox: "0 0 26 10", "aria-hidden": "true" });
      const look = open ? { class: `s${colour}`, fill: "none", "stroke-width": 2 } : { class: `f${colour}` };
      if (dot && shape === "triangle") element(swatch, "polygon", { points: "13,0 18,9 8,9", ...look });
      else if (dot) element(swatch, "circle", { cx: 13, cy: 5, r: 4, ...look });
      else element(swatch, "line", { x1: 0, x2: 26, y1: 5, y2: 5, class: `s${colour}`, "stroke-width": 2.5, "stroke-dasharray": DASHES[dash] });
      item.append(label);
    }
  }

  // Handles to move: drag = {handles: [{label, fixed}], get(k) -> {x, y}, set(k, x, y), words(k)}
  draggable(drag) {
    this.drag = drag;
    this.knobs = drag.handles.map(({ label }, k) => {
      const knob = element(this.handles, "circle", { r: 9, class: "handle", tabindex: 0, role: "slider", "aria-label": label,
        "aria-valuemin": 0, "aria-valuemax": 100 });
      knob.addEventListener("keydown", (event) => this.key_(event, k));
      knob.addEventListener("pointerdown", (event) => { event.stopPropagation(); this.grab(event, k); });
      return knob;
    });
    this.svg.addEventListener("pointerdown", (event) => this.grab(event, this.nearest(event)));
    if (drag.handles.every(({ fixed }) => !fixed)) this.host.style.touchAction = "none";
  }

  at(event) {
    const frame = this.svg.getBoundingClientRect(), { left, right, top, bottom } = this.box;
    const inside = (value, low, high) => Math.min(Math.max(value, low), high);
    const shareX = (inside(event.clientX - frame.left, left, right) - left) / (right - left);
    const shareY = (bottom - inside(event.clientY - frame.top, top, bottom)) / (bottom - top);
    return [this.back(this.x, shareX), this.back(this.y, shareY)];
  }

  back(scale, share) {
    return scale.log ? scale.low * Math.pow(scale.high / scale.low, share) : scale.low + share * (scale.high - scale.low);
  }

  nearest(event) {
    const frame = this.svg.getBoundingClientRect();
    const distance = (k) => { const { x, y } = this.drag.get(k); return Math.hypot(this.px(x) - event.clientX + frame.left, this.py(y) - event.clientY + frame.top); };
    return this.knobs.map((_, k) => k).sort((j, k) => distance(j) - distance(k))[0];
  }

  grab(event, k) {
    const knob = this.knobs[k], move = (moved) => this.drag.set(k, ...this.at(moved));
    knob.setPointerCapture(event.pointerId);
    knob.focus({ focusVisible: false });
    move(event);
    knob.addEventListener("pointermove", move);
    const stop = () => { knob.removeEventListener("pointermove", move); knob.removeEventListener("pointerup", stop); knob.removeEventListener("pointercancel", stop); };
    knob.addEventListener("pointerup", stop);
    knob.addEventListener("pointercancel", stop);
    event.preventDefault();
  }

  key_(event, k) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
    if (!steps) return;
    event.preventDefault();
    const size = event.shiftKey ? 0.1 : 0.02, { x, y } = this.drag.get(k);
    const moved = (scale, value, step) => {
      const share = scale.log ? Math.log(value / scale.low) / Math.log(scale.high / scale.low) : (value - scale.low) / (scale.high - scale.low);
      return this.back(scale, Math.min(Math.max(share + step * size, 0), 1));
    };
    this.drag.set(k, moved(this.x, x, steps[0]), moved(this.y, y, steps[1]));
  }

  place() {
    this.knobs.forEach((knob, k) => {
      const { x, y } = this.drag.get(k);
      knob.setAttribute("cx", this.px(x));
      knob.setAttribute("cy", this.py(y));
      knob.setAttribute("aria-valuetext", this.drag.words(k));
      const fixed = this.drag.handles[k].fixed;
      const [scale, value] = fixed ? [this.y, y] : [this.x, x];
      const share = scale.log ? Math.log(value / scale.low) / Math.log(scale.high / scale.low) : (value - scale.low) / (scale.high - scale.low);
      knob.setAttribute("aria-valuenow", Math.round(100 * share));
    });
  }
}

// colour of a share in [0, 1] between two, or in [-1, 1] about a middle, of the variables of the style
function mixer(...names) {
  const style = getComputedStyle(document.documentElement);
  const stops = names.map((name) => style.getPropertyValue(name).trim().match(/\w\w/g).map((hex) => parseInt(hex, 16)));
  return (share) => {
    const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1), k = Math.min(Math.floor(place), stops.length - 2);
    return stops[k].map((value, channel) => Math.round(value + (place - k) * (stops[k + 1][channel] - value)));
  };
}
