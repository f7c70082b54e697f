"""Getting the Oxford-IIIT pets from their official address.

The annotations come whole. Of the images as many as wanted are taken out of the archive while it
streams by, without storing it. Whatever breaks, what was received stays and the next call goes on.
"""

import hashlib
import http.client
import io
import os
import shutil
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit

from unet_core.data.io import open_image
from unet_core.errors import UserError, explained
from unet_core.store.files import write_json
from unet_core.store.schemas import DOWNLOADED, read_as

ADDRESS = "https://www.robots.ox.ac.uk/~vgg/data/pets/data/"
MD5 = {  # as published by torchvision.datasets.OxfordIIITPet
    "images.tar.gz": "5c4f3ee8e5d25df40f4fd59a7f44e54c",
    "annotations.tar.gz": "95a8c909bbe2e81eed6a22bccdf3f68f",
}
IMAGES = 7390  # in the archive
TRIES = 5
CHUNK = 1 << 18
Progress = Callable[[str, int, int], object]  # what, how much of how much


def download_pets(
    target: Path,
    images: int | None = None,
    progress: Progress = lambda what, done, total: None,
    address: str = ADDRESS,
    md5: dict[str, str] = MD5,
) -> None:
    """Put ``images/`` and ``annotations/`` under ``target``.

    ``images``: only the first so many of the archive; None takes all and checks the archive's
    checksum. ``download.json`` is written at the very end, so that a cut download is never taken
    for a whole one. ``UserError`` when the address does not answer or what it sends is damaged.
    """
    target.mkdir(parents=True, exist_ok=True)
    (target / "download.json").unlink(missing_ok=True)
    _get_annotations(target, progress, address, md5["annotations.tar.gz"])
    _get_images(target, images, progress, address, md5["images.tar.gz"])
    write_json(target / "download.json", {"images": images, "address": address})


def is_whole(target: Path) -> bool:
    """Whether the last download into ``target`` came to its end."""
    return read_as(target / "download.json", DOWNLOADED) is not None


def has_all(target: Path) -> bool:
    """Whether a download has brought all images."""
    facts = read_as(target / "download.json", DOWNLOADED)
    return facts is not None and facts["images"] is None


class ResumingStream(io.RawIOBase):
    """The bytes at an address; a broken connection is taken up again where it broke.

    Asks for the rest with a Range header; from a server that ignores it, skips what is known.
    ``checksum``, by the ``algorithm`` of `hashlib`, is that of everything read so far.
    """

    def __init__(self, url: str, progress: Callable[[int, int], object], algorithm: str = "md5"):
        self.url, self.progress = url, progress
        self.position, self.total = 0, 0
        self.checksum = hashlib.new(algorithm)
        self.response: http.client.HTTPResponse | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` from the address; the number of bytes, 0 at the end."""
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        self.position += len(data)
        self.checksum.update(data)
        self.progress(self.position, self.total)
        return len(data)

    def _read(self, size: int) -> bytes:
        attempt = 0
        while True:
            try:
                self.response = self.response or self._connect()
                data = self.response.read(size)
                if not data and self.position < self.total:
                    raise ConnectionError("the connection ended early")
                return data
            except (OSError, http.client.HTTPException) as error:
                self.response = None
                attempt += 1
                self._give_up_or_wait(error, attempt)

    def _connect(self) -> http.client.HTTPResponse:
        request = urllib.request.Request(self.url, headers={"Range": f"bytes={self.position}-"})
        response = urllib.request.urlopen(request, timeout=30)
        self.total = int(response.headers.get("Content-Length", 0))
        if response.status == 206:
            self.total += self.position
            return response
        known = self.position
        while known:
            skipped = len(response.read(min(known, CHUNK)))
            if not skipped:
                raise ConnectionError("the connection ended early")
            known -= skipped
        return response

    def _give_up_or_wait(self, error: Exception, attempt: int) -> None:
        code = error.code if isinstance(error, urllib.error.HTTPError) else None
        if code == 416:
            raise UserError(f"{self.url} has become shorter; start the download again.")
        if attempt == TRIES or code:
            host = urlsplit(self.url).hostname
            what = f"answers with error {code}" if code else "cannot be reached"
            raise UserError(
                f"{host} {what}. Check the internet connection and start the download again; "
                "what has come stays."
            ) from error
        time.sleep(0.1 * 2**attempt)


def _get_annotations(target: Path, progress: Progress, address: str, md5: str) -> None:
    if (target / "annotations" / "trainval.txt").is_file():
        return
    stream = ResumingStream(
        address + "annotations.tar.gz", lambda done, total: progress("annotations", done, total)
    )
    archive = io.BufferedReader(stream, CHUNK).read()  # 19 MB
    if stream.checksum.hexdigest() != md5:
        raise UserError("The annotations arrived damaged (wrong checksum); download them again.")
    unpacked = target / "annotations.part"
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(unpacked, filter="data")
    except tarfile.TarError as error:
        raise UserError(f"The annotations cannot be unpacked: {error}.") from error
    os.replace(unpacked / "annotations", target / "annotations")
    shutil.rmtree(unpacked)


def _get_images(
    target: Path, images: int | None, progress: Progress, address: str, md5: str
) -> None:
    folder = target / "images"
    folder.mkdir(exist_ok=True)
    if images and len(list(folder.glob("*.jpg"))) >= images:
        return
    stream = ResumingStream(
        address + "images.tar.gz",
        lambda done, total: images or progress("all pictures", done, total),
    )
    buffered = io.BufferedReader(stream, CHUNK)
    try:
        for taken, (name, data) in enumerate(_photos_in(buffered), 1):
            keep_image(data, folder / name)
            if images:
                progress("images", taken, images)
            if taken == images:
                return
        while buffered.read(CHUNK):  # tar stops before the archive's last bytes
            pass
    except (tarfile.TarError, EOFError, OSError) as error:
        if explained(error):
            raise
        raise UserError(
            f"The pictures arrived damaged ({error}); start the download again."
        ) from error
    if not images and stream.checksum.hexdigest() != md5:
        raise UserError("The pictures arrived damaged (wrong checksum); download them again.")


def _photos_in(archive: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each image while the archive streams by."""
    with tarfile.open(fileobj=archive, mode="r|gz") as tar:
        for member in tar:
            name = PurePosixPath(member.name).name
            if not member.isfile() or not name.endswith(".jpg") or name.startswith("."):
                continue
            if file := tar.extractfile(member):
                yield name, file.read()


def keep_image(data: bytes, path: Path) -> None:
    """Write one image whole or not at all; one that does not open counts as damaged."""
    if path.exists():
        return
    try:
        open_image(data, path.name)
    except UserError as error:
        raise OSError(str(error)) from error
    temporary = path.with_suffix(".part")
    temporary.write_bytes(data)
    os.replace(temporary, path)
