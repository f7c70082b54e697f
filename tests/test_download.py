"""The download against a local server that behaves in many ways."""

import errno
import hashlib
import io
import os
import subprocess
import tarfile
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from unet_core.cli import main
from unet_core.data import download
from unet_core.data.pets import Pets
from unet_core.errors import UserError
from unet_core.jobs import downloads
from unet_core.store.runs import write_json

NAMES = [f"Abyssinian_{number}" for number in range(1, 7)]


def encoded(image: np.ndarray, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format=kind)
    return file.getvalue()


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def archives() -> dict[str, bytes]:
    """Small archives in the official layout; the noise keeps them from compressing to nothing."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 255, (len(NAMES), 60, 80, 3), dtype=np.uint8)
    lines = "".join(f"{name} 1 1 1\n" for name in NAMES)
    trimap = encoded(np.full((60, 80), 2, np.uint8), "PNG")
    annotations = {"annotations/trainval.txt": lines.encode(), "annotations/test.txt": b""}
    annotations |= {f"annotations/trimaps/{name}.png": trimap for name in NAMES}
    images = {f"images/{n}.jpg": encoded(i, "JPEG") for n, i in zip(NAMES, noise, strict=True)}
    return {"annotations.tar.gz": packed(annotations), "images.tar.gz": packed(images)}


@pytest.fixture
def server(archives):
    """Serves the archives; ``drops`` connections half way, ``ranges``: whether it knows them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            data = web.archives.get(self.path[1:])
            if data is None:
                self.send_error(404)
                return
            start = int(self.headers.get("Range", "bytes=0-")[6:-1]) if web.ranges else 0
            web.starts.append(start)
            rest = data[start:]
            self.send_response(206 if web.ranges else 200)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            if web.drops:
                web.drops -= 1
                rest = rest[: len(rest) // 2]
            self.wfile.write(rest)

        def log_message(self, *_):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.archives, web.ranges, web.drops, web.starts = dict(archives), True, 0, []
    web.md5 = {name: hashlib.md5(data).hexdigest() for name, data in archives.items()}
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield web
    web.shutdown()


def fetch(server, target, images=None, progress=lambda *_: None):
    address = f"http://127.0.0.1:{server.server_port}/"
    download.download_pets(target, images, progress, address, server.md5)


def test_everything_arrives_and_can_be_used(server, tmp_path):
    told = []
    fetch(server, tmp_path, progress=lambda *what: told.append(what))
    assert Pets(tmp_path).splits["trainval"] == NAMES
    assert Pets(tmp_path).load(NAMES[0]).image.shape == (60, 80, 3)
    assert download.is_whole(tmp_path)
    assert list(dict.fromkeys(what for what, *_ in told)) == ["annotations", "all pictures"]
    assert told[-1][1] == told[-1][2] == len(server.archives["images.tar.gz"])


def test_only_so_many_pictures(server, tmp_path):
    told = []
    fetch(server, tmp_path, 2, lambda *what: told.append(what))
    assert Pets(tmp_path).splits["trainval"] == NAMES[:2]
    assert told[-1] == ("images", 2, 2)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_dropped_connection_is_taken_up_again(server, tmp_path, ranges):
    server.drops, server.ranges = 3, ranges
    fetch(server, tmp_path)
    assert Pets(tmp_path).splits["trainval"] == NAMES
    assert any(server.starts) == ranges  # with ranges it went on in the middle


@pytest.mark.parametrize("name", ["annotations.tar.gz", "images.tar.gz"])
def test_a_wrong_byte_is_noticed(server, tmp_path, name):
    data = bytearray(server.archives[name])
    data[len(data) // 2] ^= 255
    server.archives[name] = bytes(data)
    with pytest.raises(UserError, match="damaged"):
        fetch(server, tmp_path)
    assert not download.is_whole(tmp_path)


def test_a_cut_archive_is_not_taken_for_a_whole_one(server, tmp_path, archives):
    server.archives["images.tar.gz"] = archives["images.tar.gz"][:-4000]
    with pytest.raises(UserError):
        fetch(server, tmp_path)
    assert not download.is_whole(tmp_path)
    server.archives["images.tar.gz"] = archives["images.tar.gz"]
    fetch(server, tmp_path)  # goes on with what is there
    assert download.is_whole(tmp_path)


def test_an_address_without_the_archive_gets_a_sentence(server, tmp_path):
    del server.archives["annotations.tar.gz"]
    with pytest.raises(UserError, match="127.0.0.1 answers with error 404. Check"):
        fetch(server, tmp_path)


@pytest.mark.parametrize(
    ("number", "says"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "cannot be written")]
)
def test_a_disk_that_takes_nothing_is_told_from_damage(
    server, tmp_path, monkeypatch, capsys, number, says
):
    def broken(data, path):
        raise OSError(number, os.strerror(number), str(path))

    address = f"http://127.0.0.1:{server.server_port}/"
    local = partial(download.download_pets, address=address, md5=server.md5)
    monkeypatch.setattr(downloads, "download_pets", local)
    monkeypatch.setattr(download, "keep_image", broken)
    monkeypatch.setenv("UNET_DATA_DIR", str(tmp_path))
    assert main(["download", "pets"]) == 2
    assert says in capsys.readouterr().err
    assert says in downloads.download_progress(tmp_path / "pets")["error"]


def test_a_part_can_be_completed_and_a_cut_download_is_never_whole(server, tmp_path, archives):
    fetch(server, tmp_path, 2)
    assert download.is_whole(tmp_path) and not download.has_all(tmp_path)
    server.archives["images.tar.gz"] = server.archives["images.tar.gz"][:-4000]
    with pytest.raises(UserError):
        fetch(server, tmp_path)
    assert not download.is_whole(tmp_path)
    server.archives["images.tar.gz"] = archives["images.tar.gz"]
    fetch(server, tmp_path)
    assert download.has_all(tmp_path)


def test_a_killed_download_says_so(server, tmp_path):
    write_json(
        tmp_path / "progress.json",
        {"pid": dead_process(), "what": "images", "done": 1, "total": 6, "error": ""},
    )
    progress = downloads.download_progress(tmp_path)
    assert not progress["running"] and "cut short" in progress["error"]
    fetch(server, tmp_path)
    assert not downloads.download_progress(tmp_path)["error"]


def dead_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_no_internet_gets_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TRIES", 2)
    with pytest.raises(UserError, match="internet connection"):
        download.download_pets(tmp_path, address="http://127.0.0.1:9/")
