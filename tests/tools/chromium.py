"""A browser for tests of pages."""

import asyncio
import base64
import json
import shutil
import subprocess
import time

import aiohttp

NAMES = ["chromium", "chromium-browser", "google-chrome"]
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), "")
NO_CHROMIUM = "there is no Chromium here; apt install chromium brings it"
WIDTHS = {"wide": 1280, "phone": 390}


class Browser:
    """Chromium, driven by its own protocol over a websocket.

    Args:
        profile: `Path` of an empty folder.
    """

    def __init__(self, profile):
        self.process = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--hide-scrollbars", "--remote-debugging-port=0", f"--user-data-dir={profile}",
             "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._number, self.events, self._runner = 0, [], asyncio.Runner()
        told = profile / "DevToolsActivePort"
        wait_until(lambda: told.is_file() and told.read_text().count("\n") == 1)
        self._runner.run(self._connect(told.read_text().split()[0]))
        for domain in ("Page", "Runtime", "Network", "Log", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")

    async def _connect(self, port):
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            (page,) = [x for x in json.loads(await answer.read()) if x["type"] == "page"]
        address = page["webSocketDebuggerUrl"]
        self._socket = await self._session.ws_connect(address, max_msg_size=0)

    def call(self, method, **parameters):
        """One command; events that come meanwhile are kept."""
        return self._runner.run(asyncio.wait_for(self._call(method, parameters), 60))

    async def _call(self, method, parameters):
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def run(self, script):
        """The value of an expression in the page."""
        told = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def wait_for(self, script):
        """Waits until an expression in the page is true."""
        wait_until(lambda: self.run(script))

    def visit(self, url):
        """Opens a page, and waits until it is there; events begin anew."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.wait_for(f"location.href === {url!r} && document.readyState === 'complete'")

    def wear(self, scheme):
        """Shows pages as people have them who like this scheme, "light" or "dark"."""
        features = [{"name": "prefers-color-scheme", "value": scheme}] if scheme else []
        self.call("Emulation.setEmulatedMedia", features=features)

    def widen(self, width):
        """Makes the window so wide; nothing of the page may lie beyond it."""
        size = {"width": width, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", height=800, **size)
        assert self.run("document.documentElement.scrollWidth") <= width

    def shoot(self):
        """The PNG of the whole page."""
        packed = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        return base64.b64decode(packed)

    def press(self, key, modifiers=0):
        """Presses a key and lets go of it."""
        codes = {"Tab": 9, "Enter": 13}
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, modifiers=modifiers,
                      windowsVirtualKeyCode=codes[key])  # fmt: skip

    def close(self):
        """Ends the process."""
        self._runner.run(self._session.close())
        self._runner.close()
        self.process.terminate()
        self.process.wait(60)


def wait_until(true, seconds=60):
    """Waits until a function returns what is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
