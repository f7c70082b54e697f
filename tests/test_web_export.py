"""The folder of the page without a server, filled from a registry that is played here."""

import base64
import hashlib
import io
import json
import re
import tarfile
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import onnx
import pytest

from unet_core import cli
from unet_core.data import download
from unet_core.errors import UserError
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.classes import ClassInfo
from unet_core.store.environment import cache_folder
from unet_core.store.runs import find_run
from unet_core.web import export

RUNTIME = {name: f"this is {name}".encode() for name in export.RUNTIME}


def package() -> bytes:
    """A package as npm has it, with a file that nobody needs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in (RUNTIME | {"ort.webgpu.mjs": b"unused"}).items():
            info = tarfile.TarInfo(f"package/dist/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def registry():
    """``write`` is `write_page` with this registry, ``package`` what it has, ``asked`` a count."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            web.asked += 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(web.package)))
            self.end_headers()
            self.wfile.write(web.package)

        def log_message(self, *_):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.package, web.asked = package(), 0
    sha512 = base64.b64encode(hashlib.sha512(web.package).digest()).decode()
    address = f"http://127.0.0.1:{web.server_port}/"
    web.write = partial(export.write_page, address=address, sha512=sha512)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield web
    web.shutdown()


def silent(done: int, total: int) -> None:
    pass


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_has_all_that_the_page_needs(registry, channel_run, tmp_path):
    told = []
    folder = registry.write(
        channel_run, tmp_path / "a" / "page", lambda done, total: told.append((done, total))
    )
    assert told[-1] == (len(registry.package), len(registry.package))
    own = {"index.html", "page.js", "segmenter.js", "style.css", "icon.svg"}
    runtime = {f"onnxruntime/{name}" for name in [*RUNTIME, "LICENSE"]}
    assert files(folder) == own | runtime | {"model.onnx", "model.json"}
    for name, data in RUNTIME.items():
        assert (folder / "onnxruntime" / name).read_bytes() == data
    model = (channel_run.path / "model.onnx").read_bytes()
    assert (folder / "model.onnx").read_bytes() == model
    facts = json.loads((folder / "model.json").read_text())
    assert facts["title"] == "Channels" and (facts["size"], facts["step"]) == (32, None)
    assert [ClassInfo(**c) for c in facts["classes"]] == list(channel_run.classes)
    assert [c["role"] for c in facts["classes"]] == ["object", "background", "border"]


def test_the_page_names_only_files_that_are_there(registry, channel_run, tmp_path):
    folder = registry.write(channel_run, tmp_path / "page", silent)
    page = (folder / "index.html").read_text()
    scripts = [(folder / name).read_text() for name in ("page.js", "segmenter.js")]
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    named += re.findall(r'"(\./[^"]+)"', "".join(scripts))
    named += re.findall(r'fetched\("([^"]+)"\)', scripts[1])
    assert len(named) == 8 and all((folder / name).is_file() for name in named)
    assert "http" not in page.replace("http-equiv", "").replace("http.server", "")
    policy = re.search(r'Security-Policy" content="([^"]+)"', page)[1]
    sources = {word for rule in policy.split(";") for word in rule.split()[1:]}
    assert sources == {"'none'", "'self'", "'wasm-unsafe-eval'"}
    assert policy.startswith("default-src 'none'")


def test_the_runtime_is_fetched_once(registry, channel_run, tmp_path):
    for name in ("one", "two"):
        folder = registry.write(channel_run, tmp_path / name, silent)
        assert (folder / "onnxruntime" / export.RUNTIME[1]).is_file()
    assert registry.asked == 1
    (cached,) = cache_folder().iterdir()
    assert export.VERSION in cached.name and files(cached) == set(RUNTIME)


def test_a_damaged_package_is_noticed_and_not_kept(registry, channel_run, tmp_path):
    registry.package = registry.package[:-1] + b"?"
    with pytest.raises(UserError, match="damaged"):
        registry.write(channel_run, tmp_path / "page", silent)
    assert not cache_folder().exists() and not (tmp_path / "page").exists()


def test_no_internet_gets_a_sentence(channel_run, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TRIES", 1)
    with pytest.raises(UserError, match="internet connection"):
        export.write_page(channel_run, tmp_path / "page", silent, "http://127.0.0.1:9/")
    assert not (tmp_path / "page").exists()


def test_a_network_of_tiles_is_refused(registry, unpadded_run, tmp_path):
    with pytest.raises(UserError, match="tile by tile"):
        registry.write(unpadded_run, tmp_path / "page", silent)
    assert not registry.asked


def test_other_files_are_left_alone_and_an_empty_folder_is_filled(registry, channel_run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("mine")
    for taken in (tmp_path / "mine", tmp_path / "mine" / "index.html"):
        with pytest.raises(UserError, match="there already"):
            registry.write(channel_run, taken, silent)
    assert (tmp_path / "mine" / "index.html").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    assert registry.write(channel_run, tmp_path / "empty", silent) == tmp_path / "empty"


def test_a_network_of_free_sides_says_so(registry, channel_run, tmp_path):
    model = onnx.load(channel_run.path / "model.onnx")
    for tensor in (*model.graph.input, *model.graph.output):
        _, height, width, _ = tensor.type.tensor_type.shape.dim
        height.dim_param, width.dim_param = "height", "width"
    onnx.save(model, channel_run.path / "model.onnx")
    folder = registry.write(channel_run, tmp_path / "page", silent)
    step = json.loads((folder / "model.json").read_text())["step"]
    assert step == Segmenter(channel_run).step > 1


def test_the_command_needs_no_tensorflow(registry, channel_run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(export, "write_page", registry.write)
    monkeypatch.setattr(cli, "quiet_tensorflow", lambda: pytest.fail("loads TensorFlow"))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", "channels", "--format", "web"]) == 0
    assert (tmp_path / "channels.web" / "index.html").is_file()
    assert str(tmp_path / "channels.web") in capsys.readouterr().out
    assert cli.main(["export", "nobody", "--format", "web"]) == 2


def test_shipped_models_but_the_membranes_can_be_exported(registry, tmp_path):
    pets, lungs = (registry.write(find_run(n), tmp_path / n, silent) for n in ("pets", "lungs"))
    roles = [json.loads((f / "model.json").read_text())["classes"] for f in (pets, lungs)]
    assert [len(classes) for classes in roles] == [3, 2]
    with pytest.raises(UserError, match="tile by tile"):
        registry.write(find_run("membrane"), tmp_path / "membrane", silent)
