// Every page is {compute(state) -> {read, ...}, make() -> charts, show(charts, result, state)}: PAGE, defined before this.
const inputs = [...document.querySelectorAll(".controls input, .controls select")];

function number(input) {
  const value = Number(input.value);
  return input.dataset.log ? Math.pow(10, value) : value;
}

function state() {
  return { ...Object.fromEntries(inputs.map((input) => [input.id, number(input)])), ...PAGE.more };
}

function put(values) {
  for (const [name, value] of Object.entries(values)) {
    const input = document.getElementById(name);
    if (!input) { PAGE.more[name] = value; continue; }
    input.value = input.dataset.log ? Math.log10(value) : value;
  }
  render();
}

let result = null;

function render() {
  const now = state();
  result = PAGE.compute(now);
  for (const input of inputs) {
    const shown = input.parentElement.querySelector("output");
    if (!shown) continue;
    shown.textContent = (PAGE.format && PAGE.format(input.id, number(input), now)) || short(number(input));
    input.setAttribute("aria-valuetext", shown.textContent);
  }
  for (const place of document.querySelectorAll("[data-read]")) {
    const value = result.read[place.dataset.read];
    place.dataset.value = String(value);
    place.textContent = typeof value === "number" ? short(value, 4) : value;
  }
  PAGE.show(charts, result, now);
}

// the button moves its range from where it is, or from the beginning, in about six seconds
function play(button) {
  const input = document.getElementById(button.dataset.play);
  const [low, high, step] = [input.min, input.max, input.step].map(Number);
  if (button.dataset.running) { delete button.dataset.running; return; }
  if (Number(input.value) >= high) input.value = low;
  button.dataset.running = "yes";
  let before = null, place = Number(input.value);
  const tell = (running) => { button.textContent = running ? "Pause" : "Play"; button.setAttribute("aria-pressed", running); };
  const next = (now) => {
    if (!button.dataset.running) { tell(false); return; }
    if (before !== null) place += ((now - before) / 6000) * (high - low);
    before = now;
    input.value = Math.round(place / step) * step;
    render();
    if (place >= high) delete button.dataset.running;
    requestAnimationFrame(next);
  };
  tell(true);
  requestAnimationFrame(next);
}

PAGE.more = PAGE.more || {};
const charts = PAGE.make(put);
for (const input of inputs) input.addEventListener("input", render);
for (const button of document.querySelectorAll("[data-play]")) button.addEventListener("click", () => play(button));
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", render);
window.explorer = { state, put, read: () => result.read };
render();
