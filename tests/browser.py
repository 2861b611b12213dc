"""Headless Chromium driven over its DevTools pipe: no driver, no library, no open port."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]
SECONDS = 120


class Page:
    """One page in a browser of its own; close it with the `with` statement.

    Attributes
    ----------
    problems : list of str
        Console errors, uncaught exceptions and violations of the content security policy.
    requests : list of str
        Addresses that the page asked for, itself and data in it left out.

    `before` is a script that runs before those of the page.
    """

    def __init__(self, path, *, width=1440, height=900, before=""):
        self.problems, self.requests = [], []
        self._profile = tempfile.mkdtemp(prefix="chromium-")
        self._start()
        try:
            self._open(path, width, height, before)
        except BaseException:
            self.__exit__()  # or Chromium outlives the test
            raise

    def _open(self, path, width, height, before):
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self.resize(width, height)
        self._call("Page.addScriptToEvaluateOnNewDocument", source=before)
        self._call("Page.navigate", url=Path(path).resolve().as_uri())
        self.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._process.stderr.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def resize(self, width, height):
        options = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **options)

    def media(self, name):
        self._call("Emulation.setEmulatedMedia", media=name)

    def evaluate(self, expression):
        """Value of a JavaScript expression; promises are waited for."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def drag(self, selector, start, end):
        """Press on one place of an element and let go on another; both are fractions of its size."""
        box = self._box_at_rest(selector)
        for kind, (x, y) in zip(
            ("mousePressed", "mouseMoved", "mouseReleased"), (start, end, end), strict=True
        ):
            place = {"x": box["left"] + x * box["width"], "y": box["top"] + y * box["height"]}
            self._call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def _box_at_rest(self, selector):
        """Where an element lies once it has stopped to move, as a hand waits for it."""
        asked = f"document.querySelector({selector!r}).getBoundingClientRect().toJSON()"
        before, box = None, self.evaluate(asked)
        while box != before:
            time.sleep(0.1)
            before, box = box, self.evaluate(asked)
        return box

    def key(self, name, *, shift=False):
        code = (
            {"windowsVirtualKeyCode": 13, "text": "\r"} if name == "Enter" else {}
        )  # or no button is pressed
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=name, modifiers=8 * shift, **code)

    def wait_for(self, expression, seconds=60):
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            if time.monotonic() > end:
                raise AssertionError(f"not true after {seconds} s: {expression}; problems: {self.problems}")
            time.sleep(0.05)

    def screenshot(self, path, *, full=False, clip=None):
        if full:
            size = self._call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"]}
        options = {"clip": {**clip, "scale": 1}, "captureBeyondViewport": True} if clip else {}
        Path(path).write_bytes(base64.b64decode(self._call("Page.captureScreenshot", **options)["data"]))

    def pdf(self, path):
        data = self._call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
        Path(path).write_bytes(base64.b64decode(data))

    def _start(self):
        commands, events = os.pipe(), os.pipe()
        # Chromium reads commands from descriptor 3 and writes to 4; the pipes must not sit there themselves.
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (commands[0], events[1])]
        script = f'exec "$0" "$@" 3<&{theirs[0]} 4>&{theirs[1]}'
        argv = ["bash", "-c", script, CHROMIUM, *FLAGS, f"--user-data-dir={self._profile}", "about:blank"]
        self._process = subprocess.Popen(
            argv, pass_fds=theirs, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        for end in (*theirs, commands[0], events[1]):
            os.close(end)
        self._write, self._read = commands[1], events[0]
        self._session, self._buffer, self._count = None, b"", 0
        os.set_blocking(self._process.stderr.fileno(), False)

    def _call(self, method, **params):
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + SECONDS
        while answer := self._receive(end):
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)
        raise AssertionError(f"{method}: no answer in {SECONDS} s: {str(params)[:200]}")

    def _receive(self, end):
        """Return the next message, or None where none came in time: a page that hangs says nothing at all."""
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], max(0, end - time.monotonic()))[0]:
                return None
            piece = os.read(self._read, 1 << 20)
            if not piece:
                raise AssertionError(f"Chromium ended: {self._process.stderr.read()}")
            self._buffer += piece
        text, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(text)

    def _note(self, event):
        params, method = event.get("params", {}), event.get("method")
        if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.problems.append(str([item.get("value") for item in params["args"]]))
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.problems.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith(("data:", "blob:", "file:", "about:")):
                self.requests.append(url)
