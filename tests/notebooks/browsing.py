"""JupyterLab on a free port and a browser without a window, to see what a reader sees."""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

REQUIRED = "EDA_SIM_BROWSER"
"""Environment variable: with any value, a missing browser is a failure instead of a skip."""
SCREENSHOTS = "EDA_SIM_SCREENSHOTS"
"""Environment variable: folder for screenshots; a temporary one without it."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_S, RUN_S, PICTURE_S = 120, 300, 60
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-sandbox",  # the tests may run as root, for whom Chromium has no sandbox
)

# JupyterLab asks for news and new versions, and draws only the cells in sight: not here.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


def browser_path(playwright):
    """Return the path of a browser: Playwright's own, or the system's; None without any."""
    own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@contextlib.contextmanager
def jupyterlab(folder, notebooks):
    """Run JupyterLab on copies of notebooks; yield its address and its token."""
    root, home = folder / "notebooks", folder / "home"
    root.mkdir()
    home.mkdir()
    for notebook in notebooks:
        shutil.copy(notebook, root)
    for name, values in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")
    token = secrets.token_hex(16)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={root}"),
        *(f"--IdentityProvider.token={token}", "--ServerApp.terminals_enabled=False"),
        *(f"--LabApp.user_settings_dir={home / 'settings'}", "--LabApp.news_url=None"),
        *(f"--LabApp.workspaces_dir={home / 'workspaces'}", "--LabApp.extension_manager=readonly"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.expose_app_in_browser=True",
    ]
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    environment = os.environ | {name: str(home / name.lower()) for name in places}
    log = folder / "jupyterlab.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)
    try:
        yield _address(server, home / "jupyter_runtime_dir", log), token
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _address(server, runtime, log):
    """Wait until the server has written down its address."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            with contextlib.suppress(ValueError):  # half written
                return json.loads(path.read_text("utf-8"))["url"]
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text('utf-8')[-3000:]}")


class Reader:
    """Somebody who opens a lesson in the browser, and what the browser had to complain about."""

    def __init__(self, page, address, token):
        self.page = page
        self.complaints = []
        self.strangers = []
        page.set_default_timeout(1000 * PICTURE_S)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        page.on("request", lambda request: self._see(request.url))
        page.on("websocket", lambda socket: self._see(socket.url))
        self._host = urlsplit(address).netloc
        self._start = f"{address}lab/tree/{{name}}?reset&token={token}"

    def _hear(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def _see(self, address):
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob") and parts.netloc != self._host:
            self.strangers.append(address)

    def open(self, name):
        """Open a notebook and wait for its kernel."""
        self.page.goto(self._start.format(name=name))
        self.page.wait_for_function("() => window.jupyterapp", timeout=1000 * START_S)
        self.page.evaluate(
            """async name => {
                await window.jupyterapp.restored;
                let panel;
                while ((panel = window.jupyterapp.shell.currentWidget)?.context?.path !== name)
                    await new Promise(resolve => setTimeout(resolve, 50));
                await panel.context.ready;
                await panel.sessionContext.ready;
                await panel.sessionContext.session.kernel.info;
                window.panel = panel;
            }""",
            name,
        )

    def run_all(self):
        """Run all cells; return the execution counts of code cells and the errors among outputs."""
        self.page.evaluate(
            """() => {
                window.finished = false;
                window.jupyterapp.commands.execute('notebook:run-all-cells')
                    .then(() => { window.finished = true; });
            }"""
        )
        self.page.wait_for_function("() => window.finished", timeout=1000 * RUN_S)
        cells = self.page.evaluate(
            """() => window.panel.model.sharedModel.cells
                .map(cell => cell.toJSON())
                .filter(cell => cell.cell_type === 'code')
                .map(cell => [cell.execution_count,
                              cell.outputs.filter(o => o.output_type === 'error').length])"""
        )
        return [count for count, _ in cells], sum(errors for _, errors in cells)

    def sliders(self):
        """Return the cells that hold a slider."""
        return self.page.locator(".jp-CodeCell", has=self.page.locator(".noUi-handle"))

    def move(self, cell, key="ArrowRight"):
        """Move the first slider of a cell by one key; return digests of the pictures and the ms."""
        handle, picture = cell.locator(".noUi-handle").first, cell.locator("img").last
        handle.scroll_into_view_if_needed()
        picture.wait_for()
        before = picture.get_attribute("src")
        self.page.evaluate(
            """source => {
                window.shown = null;
                document.addEventListener('keydown', () => { window.moved = performance.now(); },
                                          { capture: true, once: true });
                const look = () => {
                    const images = [...document.querySelectorAll('.jp-CodeCell img')];
                    const old = images.some(image => image.src === source);
                    const cell = window.watched;
                    const now = cell && [...cell.querySelectorAll('img')].at(-1);
                    if (now && now.src !== source && now.complete && now.naturalWidth > 0 && !old)
                        window.shown = performance.now() - window.moved;
                    else requestAnimationFrame(look);
                };
                requestAnimationFrame(look);
            }""",
            before,
        )
        cell.evaluate("node => { window.watched = node; }")
        handle.focus()
        self.page.keyboard.press(key)
        self.page.wait_for_function("() => window.shown !== null")
        after = picture.get_attribute("src")
        return _digest(before), _digest(after), self.page.evaluate("() => window.shown")


def _digest(text):
    return hashlib.blake2s(text.encode(), digest_size=8).hexdigest()
