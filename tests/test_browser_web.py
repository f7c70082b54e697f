"""The page without a server, in a real browser, against what Python predicts.

ONNX Runtime is played by a few lines of JavaScript, so that no test but the last, which needs the
npm registry, needs the internet.
"""

import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from unet_core.data.io import read_image
from unet_core.data.samples import SAMPLES
from unet_core.data.synthetic.science import draw_film
from unet_core.errors import UserError
from unet_core.prediction.overlay import color_mask
from unet_core.prediction.segmenter import Segmenter
from unet_core.prediction.views import SegmentedImage, View
from unet_core.store.environment import cache_folder
from unet_core.store.runs import find_run
from unet_core.web import export

pytestmark = pytest.mark.slow

By = pytest.importorskip("selenium.webdriver.common.by").By

# What conftest's channel network does: softmax over a tenth of the pixels' own channels.
PLAYED = """
export const env = { wasm: {} };
export class Tensor {
  constructor(type, data, dims) { Object.assign(this, { type, data, dims }); }
}
async function run({ pixels }) {
  if (pixels.data.length !== pixels.dims.reduce((a, b) => a * b)) throw new Error("wrong shape");
  const powers = pixels.data.map((value) => Math.exp(value / 10));
  const sum = (i) => powers[i - i % 3] + powers[i - i % 3 + 1] + powers[i - i % 3 + 2];
  return { probabilities: { data: powers.map((power, i) => power / sum(i)) } };
}
export const InferenceSession = {
  create: async () => ({ inputNames: ["pixels"], outputNames: ["probabilities"], run }),
};
"""


@pytest.fixture
def played_runtime(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_CACHE_DIR", str(tmp_path / "cache"))
    folder = cache_folder() / f"onnxruntime-web-{export.VERSION}"
    folder.mkdir(parents=True)
    for name in export.RUNTIME:
        (folder / name).write_text(PLAYED)


@pytest.fixture
def served(tmp_path):
    """``served(run)`` is the address of the run's page."""
    servers = []

    class Quiet(SimpleHTTPRequestHandler):
        extensions_map = {"": "application/octet-stream", ".html": "text/html", ".css": "text/css"}
        extensions_map |= {".js": "text/javascript", ".mjs": "text/javascript"}
        extensions_map |= {".wasm": "application/wasm", ".svg": "image/svg+xml"}

        def log_message(self, *_):
            pass

    def serve(run) -> str:
        folder = export.write_page(run, tmp_path / f"page-{run.name}", lambda *_: None)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    for server in servers:
        server.shutdown()


@pytest.fixture
def free_run(channel_run):
    """The channel network for images of any shape."""
    model = onnx.load(channel_run.path / "model.onnx")
    for tensor in (*model.graph.input, *model.graph.output):
        _, height, width, _ = tensor.type.tensor_type.shape.dim
        height.dim_param, width.dim_param = "height", "width"
    for number, weight in enumerate(model.graph.initializer):
        if weight.name == "high":
            end = np.array([1, 9999, 9999, 3], np.int64)
            model.graph.initializer[number].CopyFrom(onnx.numpy_helper.from_array(end, "high"))
    onnx.save(model, channel_run.path / "model.onnx")
    return channel_run


def blobs(height: int, width: int) -> np.ndarray:
    """A photo of large spots of all colors with some noise on them."""
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    photo = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
    noise = random.integers(-20, 21, photo.shape)
    return np.clip(photo.astype(int) + noise, 0, 255).astype(np.uint8)


def wait_for(condition, seconds: float = 60):
    deadline = time.time() + seconds
    while not (found := condition()):
        assert time.time() < deadline, "the page did not get there in time"
        time.sleep(0.1)
    return found


def status(browser) -> str:
    return browser.find_element(By.ID, "status").text


def opened(browser, address: str) -> None:
    browser.get(address)
    wait_for(lambda: "Ready" in status(browser) or complaint(browser))
    assert not complaint(browser)


def complaint(browser) -> str:
    return browser.find_element(By.ID, "error").text


def choose(browser, path: Path) -> None:
    browser.find_element(By.ID, "file").send_keys(str(path))


def segment(browser, path: Path) -> np.ndarray:
    """The canvas with the classes' colors, uint8 RGBA (H, W, 4), of a photo that is chosen."""
    browser.execute_script("document.getElementById('status').textContent = ''")
    choose(browser, path)
    wait_for(lambda: "Segmented" in status(browser) or complaint(browser), 300)
    assert not complaint(browser)
    height, width, values = browser.execute_script(
        """const { width, height } = document.getElementById("mask");
        const pen = document.getElementById("mask").getContext("2d");
        return [height, width, [...pen.getImageData(0, 0, width, height).data].join(" ")];"""
    )
    return np.array(values.split(), np.uint8).reshape(height, width, 4)


def predicted(run, image: np.ndarray) -> SegmentedImage:
    return SegmentedImage("photo", image, Segmenter(run).probabilities(image), run.classes)


def colored(run, ids: np.ndarray) -> np.ndarray:
    """Class ids as the page shows them: uint8 RGBA (H, W, 4), the background transparent."""
    hidden = np.array([c.is_background for c in run.classes])[ids]
    colors = color_mask(ids, [c.color for c in run.classes])
    return np.dstack([colors, np.full(ids.shape, 255)]) * ~hidden[..., None]


def agreement(run, image: np.ndarray, shown: np.ndarray) -> float:
    """Part of the pixels (0–1) at which the page and Python have the same class."""
    expected = colored(run, predicted(run, image).ids())
    assert expected.shape == shown.shape
    return (expected == shown).all(-1).mean()


@pytest.mark.usefixtures("played_runtime")
def test_photos_are_resized_as_pillow_does(channel_run, served, browser):
    browser.get(served(channel_run))
    for shape, target in [((37, 90), (32, 32)), ((200, 31), (64, 96)), ((32, 64), (32, 33))]:
        image = blobs(*shape)
        rgba = np.dstack([image, np.full(shape, 255, np.uint8)])
        numbers = browser.execute_async_script(
            """const [values, from, to, done] = arguments;
            import("./segmenter.js").then(({ resize }) =>
              done([...resize(Uint8ClampedArray.from(values), from, to, 4)]));""",
            rgba.ravel().tolist(),
            shape,
            target,
        )
        found = np.array(numbers, np.uint8).reshape(*target, 4)[..., :3]
        # In two steps, since versions of Pillow differ in which direction they take first.
        wide = Image.fromarray(image).resize((target[1], shape[0]), Image.Resampling.BILINEAR)
        expected = wide.resize(target[::-1], Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(found, np.asarray(expected))


@pytest.mark.usefixtures("played_runtime")
def test_a_free_network_sees_the_shape_that_python_chooses(free_run, served, browser):
    segmenter = Segmenter(free_run)
    sides = [(40, 60), (60, 40), (32, 32), (16, 400), (128, 512), (3000, 2000)]
    browser.get(served(free_run))
    size = 5 * segmenter.step  # of the fifth shape the height is 2.5 steps, and Python takes 2
    segmenter.size = size
    found = browser.execute_async_script(
        """const [sides, size, step, done] = arguments;
        import("./segmenter.js").then(({ networkShape }) =>
          done(sides.map(([height, width]) => networkShape(height, width, size, step))));""",
        sides,
        size,
        segmenter.step,
    )
    seen = [segmenter.probabilities(np.zeros((*s, 3), np.uint8)).shape[:2] for s in sides]
    assert [tuple(shape) for shape in found] == seen and len(set(seen)) > 3


@pytest.mark.usefixtures("played_runtime")
@pytest.mark.parametrize("kind", ["channel_run", "free_run"])
def test_a_photo_gives_the_mask_that_python_gives(kind, request, served, browser, tmp_path):
    run = request.getfixturevalue(kind)
    opened(browser, served(run))
    plain, turned, wide = (tmp_path / name for name in ("a.png", "b.jpg", "c.png"))
    Image.fromarray(blobs(90, 140)).save(plain)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    Image.fromarray(blobs(90, 140)).save(turned, exif=exif, quality=95)
    Image.fromarray(blobs(50, 2300)).save(wide)
    assert agreement(run, read_image(plain), segment(browser, plain)) > 0.999
    assert agreement(run, read_image(turned), segment(browser, turned)) > 0.995
    image = read_image(wide)  # larger than masks are computed
    shown = segment(browser, wide)
    assert shown.shape == (45, 2048, 4)
    probabilities = predicted(run, image).resized()
    same = (colored(run, probabilities.argmax(-1)) == shown).all(-1)
    assert same.mean() > 0.999


@pytest.mark.usefixtures("played_runtime")
def test_overlay_and_cutout_come_as_files(channel_run, served, browser, tmp_path):
    opened(browser, served(channel_run))
    path = tmp_path / "my.cat.png"
    Image.fromarray(blobs(90, 140)).save(path)
    segment(browser, path)
    expected = predicted(channel_run, read_image(path))
    browser.execute_script(
        """const slider = document.getElementById("opacity");
        slider.value = 30; slider.dispatchEvent(new Event("input"));"""
    )
    overlay = np.asarray(Image.open(downloaded(browser, "overlay", "my.cat_overlay.png")))
    drawn = expected.draw(View(opacity=0.3, visible=("pet", "border")))
    assert (abs(overlay[..., :3].astype(int) - drawn) <= 2).all(-1).mean() > 0.999
    cutout = np.asarray(Image.open(downloaded(browser, "cutout", "my.cat_cutout.png")))
    pet = expected.resized() @ [1, 0, 0.5]
    assert (cutout[..., 3][pet > 0.64] == 255).all() and (cutout[..., 3][pet < 0.36] == 0).all()
    kept = cutout[..., 3] == 255
    np.testing.assert_array_equal(cutout[kept][:, :3], expected.image[kept])

    background = browser.find_elements(By.CSS_SELECTOR, "#legend input")[1]
    background.click()  # all three are ticked now: the mask covers the photo
    assert browser.execute_script(
        """const { width, height } = document.getElementById("mask");
        return document.getElementById("mask").getContext("2d")
          .getImageData(0, 0, width, height).data.every((value, i) => i % 4 < 3 || value === 255)"""
    )
    shares = expected.shares()
    for entry in browser.find_elements(By.CSS_SELECTOR, "#legend label"):
        label, share = entry.text.split("\n")[0], entry.text.split()[-2]
        assert abs(float(share) / 100 - shares[label.split()[0]]) < 0.02


def downloaded(browser, kind: str, name: str) -> Path:
    browser.find_element(By.ID, f"save-{kind}").click()
    path = browser.downloads / name
    wait_for(path.is_file)
    return path


@pytest.mark.usefixtures("played_runtime")
def test_the_camera_runs_until_it_is_stopped(channel_run, served, browser):
    opened(browser, served(channel_run))
    button = browser.find_element(By.ID, "camera")
    button.click()
    picture = "return document.getElementById('photo').toDataURL()"
    seen = set()
    wait_for(lambda: seen.add(browser.execute_script(picture)) or len(seen) > 4)
    assert button.text == "Stop the camera" and browser.find_element(By.ID, "mask").is_displayed()
    button.click()
    assert button.text == "Use the camera"
    time.sleep(1)  # what was on its way has come
    last = browser.execute_script(picture)
    time.sleep(1)
    assert browser.execute_script(picture) == last
    button.click()
    wait_for(lambda: button.text == "Stop the camera")


@pytest.mark.usefixtures("played_runtime")
def test_what_goes_wrong_gets_a_sentence(channel_run, served, browser, tmp_path):
    address = served(channel_run)
    opened(browser, address)
    (tmp_path / "text.png").write_text("no picture")
    choose(browser, tmp_path / "text.png")
    wait_for(lambda: "text.png cannot be read" in complaint(browser))
    refuse = """navigator.mediaDevices.getUserMedia =
        async () => { throw new DOMException("", arguments[0]) }"""
    for name, says in [("NotAllowedError", "refused"), ("NotFoundError", "No camera")]:
        browser.execute_script(refuse, name)
        browser.find_element(By.ID, "camera").click()
        wait_for(lambda says=says: says in complaint(browser))
    (tmp_path / "page-channels" / "model.onnx").unlink()
    browser.get(address)
    wait_for(lambda: "model.onnx did not arrive (404)" in complaint(browser))
    assert not browser.find_element(By.ID, "camera").is_enabled()
    forget = {"source": "delete window.WebAssembly"}
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", forget)
    browser.get(address)
    wait_for(lambda: "no WebAssembly" in complaint(browser))


@pytest.mark.usefixtures("played_runtime")
def test_the_page_sends_nothing_elsewhere(channel_run, served, browser):
    opened(browser, served(channel_run))
    answer = browser.execute_async_script(
        """const done = arguments[0];
        fetch("http://localhost:9/").then(() => done("sent"), () => 0);
        document.addEventListener("securitypolicyviolation", (e) => done(e.violatedDirective));"""
    )
    assert answer == "connect-src"


@pytest.mark.usefixtures("played_runtime")
def test_a_phone_needs_no_scrolling_sideways(channel_run, served, browser, tmp_path):
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    opened(browser, served(channel_run))
    Image.fromarray(blobs(300, 900)).save(tmp_path / "a.png")
    segment(browser, tmp_path / "a.png")
    wide = "return document.documentElement.scrollWidth"
    assert browser.execute_script(wide) == 390


@pytest.fixture
def real_runtime():
    """The npm registry's, kept where ``UNET_CACHE_DIR`` is set; or a skip."""
    try:
        export._runtime(lambda *_: None, export.ADDRESS, export.SHA512)
    except UserError as error:
        if "does not answer" not in str(error):
            raise
        pytest.skip(f"onnxruntime-web cannot be fetched: {error}")


@pytest.mark.usefixtures("real_runtime")
def test_the_shipped_models_give_the_masks_that_python_gives(served, browser, tmp_path):
    photos = {"pets": SAMPLES["drawn-cat"].load(), "lungs": draw_film()}
    for name, photo in photos.items():
        path = tmp_path / f"{name}.png"
        Image.fromarray(photo).save(path)
        run = find_run(name)
        opened(browser, served(run))
        shown = segment(browser, path)
        assert 0.05 < (shown[..., 3] > 0).mean() < 0.95
        assert agreement(run, photo, shown) > 0.995
