"""The pages in headless Chromium: nothing asked for, nothing complained about, moved by keyboard and pointer."""

import pytest

from docs.explorer.building import FOLDER
from tests.docs.explorer.browser import CHROMIUM, Browser
from tests.docs.explorer.scripts import PAGES, Script

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")

NAMES = list(PAGES)
HANDLES = {"lazy_rich": "map", "plane": "map", "circle": "data"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def path(name):
    return FOLDER / f"{name}.html"


def assert_quiet(browser, name):
    assert browser.complaints() == []
    assert browser.requests() == [path(name).as_uri()]


@pytest.mark.parametrize("name", ["index", *NAMES])
@pytest.mark.parametrize(
    ("width", "scheme"), [(400, "light"), (400, "dark"), (800, "light"), (1400, "light"), (1400, "dark")]
)
def test_a_page_is_quiet_and_fits(browser, name, width, scheme, tmp_path):
    browser.open(path(name), width, scheme=scheme)
    assert_quiet(browser, name)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("[...document.querySelectorAll('svg polyline')].every((l) => !/NaN|Infinity/.test(l.outerHTML))")
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    browser.picture(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 20_000


@pytest.mark.parametrize("name", NAMES)
def test_every_slider_moves_by_keyboard_and_the_numbers_are_the_scripts(browser, name):
    browser.open(path(name), 1000)
    sliders = browser.run("[...document.querySelectorAll('input[type=range]')].map((input) => input.id)")
    assert sliders
    for slider in sliders:
        before = browser.run(f"document.getElementById('{slider}').value")
        browser.run(f"document.getElementById('{slider}').focus()")
        browser.key("ArrowRight" if before != browser.run(f"document.getElementById('{slider}').max") else "ArrowLeft")
        assert browser.run(f"document.getElementById('{slider}').value") != before
        assert browser.run(f"document.getElementById('{slider}').getAttribute('aria-valuetext')")
        shown = browser.run(
            "Object.fromEntries([...document.querySelectorAll('[data-read]')]"
            ".map((place) => [place.dataset.read, place.dataset.value]))"
        )
        expected = Script(name).call("PAGE.compute", browser.run("explorer.state()"))["read"]
        for number, text in shown.items():
            if isinstance(expected[number], str):
                assert text == expected[number]
            else:
                value = float(text.replace("Infinity", "inf"))
                assert value == pytest.approx(expected[number], rel=1e-9, abs=1e-12, nan_ok=True), (slider, number)
    assert_quiet(browser, name)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_can_be_chosen(browser, name):
    browser.open(path(name), 1000)
    for chosen in browser.run("[...document.querySelectorAll('select')].map((select) => select.id)"):
        for k in range(browser.run(f"document.getElementById('{chosen}').options.length")):
            browser.run(f"explorer.put({{{chosen}: {k}}})")
            assert browser.run("explorer.state()")[chosen] == k
    assert_quiet(browser, name)


@pytest.mark.parametrize("name", HANDLES)
def test_dots_move_by_arrow_keys_and_by_pointer(browser, name):
    browser.open(path(name), 1000)
    knob = f"document.querySelector('#chart-{HANDLES[name]} .handle')"
    label, text = browser.run(f"[{knob}.getAttribute('aria-label'), {knob}.getAttribute('aria-valuetext')]")
    assert label
    assert text
    before = browser.run("explorer.state()")
    browser.run(f"{knob}.focus()")
    browser.key("ArrowUp")
    up = browser.run("explorer.state()")
    assert up != before
    browser.key("ArrowDown")
    x, y = browser.run(
        f"(() => {{ const r = {knob}.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
    )
    browser.drag((x, y), (x + 25, y + 60))
    moved = browser.run("explorer.state()")
    assert moved not in (before, up)
    at = browser.run(f"(() => {{ const r = {knob}.getBoundingClientRect(); return r.y + r.height / 2; }})()")
    assert at == pytest.approx(y + 60, abs=8)  # a slider behind it moves in steps
    assert_quiet(browser, name)


@pytest.mark.parametrize("name", NAMES)
def test_the_button_plays_and_pauses(browser, name):
    browser.open(path(name), 1000)
    button = "document.querySelector('[data-play]')"
    time = f"Number(document.getElementById({button}.dataset.play).value)"
    start = browser.run(time)
    browser.run(f"{button}.click()")
    browser.run("new Promise((resolve) => setTimeout(resolve, 400))")
    assert browser.run(f"{button}.textContent") == "Pause"
    assert browser.run(time) > start
    browser.run(f"{button}.click()")
    browser.run("new Promise((resolve) => setTimeout(resolve, 100))")
    assert browser.run(f"{button}.textContent") == "Play"
    assert_quiet(browser, name)


@pytest.mark.parametrize("name", NAMES)
def test_pictures_have_words_and_text_stands_out(browser, name):
    browser.open(path(name), 1000)
    assert browser.run(
        "[...document.querySelectorAll('svg[role=img]')].every((s) => "
        "(s.getAttribute('aria-label') || s.querySelector('title').textContent).length > 20)"
    )
    for scheme in ("light", "dark"):
        browser.open(path(name), 1000, scheme=scheme)
        for colour in ("--fore", "--soft", "--c1", "--c2", "--c3", "--c4"):
            contrast = browser.run(CONTRAST.replace("COLOUR", colour))
            assert contrast >= (4.5 if colour in ("--fore", "--soft") else 3), (scheme, colour)


CONTRAST = """(() => {
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    let hex = style.getPropertyValue(name).trim().slice(1);
    if (hex.length === 3) hex = [...hex].map((c) => c + c).join("");
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const parts = hex.match(/../g).map((h) => linear(parseInt(h, 16) / 255));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const [a, b] = [light("COLOUR"), light("--back")].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
})()"""
