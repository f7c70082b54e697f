"""What several tests need: a tiny model to predict with, real data, a server and a browser."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from unet_core.data.pets import PET_CLASSES
from unet_core.store import environment, runs
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, write_json

ROOT = Path(__file__).parent.parent
HEAVY = re.compile(r"^\s*(from|import) (keras|tensorflow|unet_core\.(models|training))\b", re.M)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Where only what predicts is installed, what needs Keras is left out, whole files of it."""
    if find_spec("keras") is None and collection_path.suffix == ".py":
        return True if HEAVY.search(collection_path.read_text(encoding="utf-8")) else None
    return None


CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1440,900",
    "--use-fake-device-for-media-stream",  # a camera that shows a running clock
    "--use-fake-ui-for-media-stream",  # and is allowed without asking
)


@pytest.fixture(autouse=True)
def private_runs(tmp_path, monkeypatch):
    """No test sees or leaves runs in the working directory."""
    monkeypatch.setenv("UNET_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(environment, "CAN_TRAIN", True)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """An empty folder in place of ``weights/``."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(runs, "SHIPPED", folder)
    return folder


@pytest.fixture
def channel_run(shipped) -> Run:
    """A shipped run whose network says pet, background or border as red, green or blue is most."""
    path = shipped / "channels"
    path.mkdir()
    write_json(
        path / "config.json",
        {
            "title": "Channels",
            "description": "The strongest colour channel.",
            "training": TrainingConfig(image_size=32).to_dict(),
            "classes": [{"name": c.name, "color": c.color} for c in PET_CLASSES],
        },
    )
    write_channel_network(path / "model.onnx", 32)
    return Run(path)


@pytest.fixture
def unpadded_run(channel_run) -> Run:
    """The same by tiles of 20 pixels, of which the network gives the middle 12."""
    write_channel_network(channel_run.path / "model.onnx", 20, lost=4)
    return channel_run


def write_channel_network(path: Path, size: int, lost: int = 0) -> None:
    """An ONNX file: softmax over a tenth of the pixels' own channels.

    ``lost`` pixels on each side are missing from the output, as after unpadded convolutions.
    """
    shape, output = ([1, side, side, 3] for side in (size, size - 2 * lost))
    corners = {"low": [0, lost, lost, 0], "high": [1, size - lost, size - lost, 3]}
    nodes = [
        helper.make_node("Slice", ["pixels", "low", "high"], ["middle"]),
        helper.make_node("Mul", ["middle", "tenth"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "channels",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, output)],
        [numpy_helper.from_array(np.float32(0.1), "tenth")]
        + [numpy_helper.from_array(np.array(c, np.int64), name) for name, c in corners.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, path)


@pytest.fixture(scope="session")
def real_pets():
    """The real data set, or a skip."""
    from unet_core.data.pets import Pets

    folder = os.environ.get("UNET_DATA_DIR")
    if not folder or not (Path(folder) / "pets").is_dir():
        pytest.skip("UNET_DATA_DIR does not lead to the Oxford-IIIT pets")
    return Pets(Path(folder) / "pets")


@pytest.fixture(scope="session")
def app_url(tmp_path_factory):
    """The address of the real app, in a process of its own."""
    with served_app(tmp_path_factory.mktemp("server") / "runs") as url:
        yield url


@pytest.fixture
def fresh_app_url(tmp_path):
    """The address of an app that nobody has visited yet."""
    with served_app(tmp_path / "served-runs") as url:
        yield url


@contextmanager
def served_app(runs_dir: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    options = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    environment = os.environ | {"UNET_RUNS_DIR": str(runs_dir)}
    server = subprocess.Popen(command + options, cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
            break
        except OSError:
            time.sleep(0.25)
    yield url
    server.terminate()
    server.wait(10)


@pytest.fixture
def browser(tmp_path):
    """Headless Chromium that saves downloads to ``browser.downloads``, or a skip."""
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in CHROMIUM_FLAGS:
        options.add_argument(flag)
    downloads = tmp_path / "downloads"
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    window = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    window.implicitly_wait(20)
    window.downloads = downloads
    yield window
    window.quit()
