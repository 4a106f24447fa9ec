"""Runs Firefox, and relays WebDriver BiDi to it: `python -m tests.browser.bidi_relay FIREFOX ARGUMENT...`.

Playwright sends a command for each profile that Firefox ESR 153 does not have. The relay answers it, and forwards
everything else. Remove it when Debian's Firefox has `emulation.setMediaFeaturesOverride`.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import threading

from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

_UNKNOWN_TO_FIREFOX = "emulation.setMediaFeaturesOverride"
_LISTENING = re.compile(r"(?<=WebDriver BiDi listening on )ws://[\d.]+:\d+")


def _forward(firefox: ClientConnection, playwright: ServerConnection) -> None:
    for message in firefox:
        playwright.send(message)
    playwright.close()


def relay(playwright: ServerConnection, address: str) -> None:
    """Forwards messages between Playwright and the Firefox at `address`, until one of them closes."""
    assert playwright.request is not None
    with connect(address + playwright.request.path, max_size=None) as firefox:
        threading.Thread(target=_forward, args=(firefox, playwright), daemon=True).start()
        for message in playwright:
            command = json.loads(message)
            if command["method"] == _UNKNOWN_TO_FIREFOX:
                playwright.send(json.dumps({"type": "success", "id": command["id"], "result": {}}))
            else:
                firefox.send(message)


def main() -> int:
    """Starts Firefox, and the relay in front of it. Returns the exit status of Firefox."""
    firefox = subprocess.Popen(sys.argv[1:], stderr=subprocess.PIPE, text=True)
    assert firefox.stderr is not None
    for line in firefox.stderr:
        if listening := _LISTENING.search(line):
            server = serve(functools.partial(relay, address=listening[0]), "127.0.0.1", 0, max_size=None)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            # Playwright reads the address of the browser in this line.
            line = f"WebDriver BiDi listening on ws://127.0.0.1:{server.socket.getsockname()[1]}\n"
        sys.stderr.write(line)
        sys.stderr.flush()
    return firefox.wait()


if __name__ == "__main__":
    sys.exit(main())
