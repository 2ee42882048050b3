"""A headless Chromium over a pair of pipes, spoken to in its DevTools protocol."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
from collections import deque

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-quic",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-pipe",
]
KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "ArrowUp": 38, "ArrowDown": 40, "Tab": 9}


class Browser:
    """One tab of a browser with a fresh profile; use it as a context."""

    def __init__(self, profile):
        ours, theirs = os.pipe(), os.pipe()
        (read, self._write), (self._read, write) = ours, theirs
        # Chromium reads descriptor 3 and writes 4; a shell with numbers of several digits, and none of ours in the way
        read, write = (fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (read, write))
        command = ["bash", "-c", f'exec "$@" 3<&{read} 4>&{write}', "bash", str(CHROMIUM), *FLAGS]
        command += [f"--user-data-dir={profile}", "about:blank"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, pass_fds=(read, write), stdout=quiet, stderr=quiet)
        for end in (ours[0], theirs[1], read, write):
            os.close(end)
        self._number, self._rest, self._waiting, self.events, self._session = 0, b"", deque(), [], None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._write)
        self._process.terminate()
        self._process.wait(20)
        os.close(self._read)

    def send(self, method, **parameters):
        """The result of a command; events that come before it are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def _next(self):
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 16)
            assert part, "the browser has gone"
            self._rest += part
        first, self._rest = self._rest.split(b"\0", 1)
        return json.loads(first)

    def open(self, path, width, height=900, scheme="light"):
        """Load a file at this width of the window and in this colour scheme, with no events kept of before."""
        self.events.clear()
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", features=media)
        self.send("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def run(self, expression):
        """Value of a JavaScript expression."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def key(self, name):
        """Press and release a key on whatever has the focus."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=KEYS[name])

    def drag(self, start, end):
        """Press the pointer at a place, move it, let go."""
        for kind, (x, y) in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
            buttons = 0 if kind == "mouseReleased" else 1
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=1)

    def picture(self, path):
        """The whole page as a PNG file."""
        content = self.send("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(content["data"]))

    def complaints(self):
        """Everything in the console, and every error."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [event for event in self.events if event["method"] in kinds]

    def requests(self):
        """Addresses asked for, but for those that hold their own content."""
        asked = [
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not url.startswith("data:")]
