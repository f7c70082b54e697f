"""The folder of a page that segments photos without a server: HTML, the model, ONNX Runtime.

``page/`` holds what is the same for every run; ``model.json`` says what is particular to this one.
"""

import base64
import io
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from unet_core.data.download import ResumingStream
from unet_core.errors import UserError
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.environment import cache_folder
from unet_core.store.files import write_json
from unet_core.store.runs import Run

PAGE = Path(__file__).parent / "page"
VERSION = "1.30.0"  # of onnxruntime-web
ADDRESS = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
# In base64, as the registry states it: `npm view onnxruntime-web@1.30.0 dist.integrity`.
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
RUNTIME = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")  # of 33 MB, what is needed
Progress = Callable[[int, int], object]  # how many bytes of how many


def write_page(
    run: Run, folder: Path, progress: Progress, address: str = ADDRESS, sha512: str = SHA512
) -> Path:
    """Fill ``folder``, a new or empty one, with the page of a run; returns it.

    ONNX Runtime's WebAssembly comes from the npm registry once and stays in the cache folder.
    ``UserError`` where the run cannot predict, or only by tiles; where ``folder`` holds files; and
    where the registry does not answer or what it sends is damaged.
    """
    segmenter = Segmenter(run, threads=1)
    if segmenter.is_tiled:
        raise UserError(
            f"{run.title} predicts tile by tile (unpadded convolutions), which the page cannot do; "
            "use the app or the command predict."
        )
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder} is there already; empty it, or choose another folder.")
    runtime = _runtime(progress, address, sha512)
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
    shutil.copytree(runtime, folder / "onnxruntime", dirs_exist_ok=True)
    shutil.copyfile(run.path / "model.onnx", folder / "model.onnx")
    write_json(folder / "model.json", _facts(segmenter))
    return folder


def _facts(segmenter: Segmenter) -> dict:
    """What the page must know of the run, see ``page/segmenter.js``."""
    run = segmenter.run
    return {
        "title": run.title,
        "description": run.config.get("description", ""),
        "credit": run.config.get("data_credit", ""),
        "classes": [{"name": c.name, "color": c.color, "role": c.role} for c in run.classes],
        "size": segmenter.size,
        "step": segmenter.step if segmenter.is_free else None,
    }


def _runtime(progress: Progress, address: str, sha512: str) -> Path:
    """The folder of `RUNTIME` in the cache, fetched where it is not there."""
    folder = cache_folder() / f"onnxruntime-web-{VERSION}"
    if all((folder / name).is_file() for name in RUNTIME):
        return folder
    stream = ResumingStream(address, progress, "sha512")
    archive = io.BufferedReader(stream).read()
    if base64.b64encode(stream.checksum.digest()).decode() != sha512:
        raise UserError("ONNX Runtime arrived damaged (wrong checksum); export the page again.")
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as package:
        for name in RUNTIME:
            file = package.extractfile(f"package/dist/{name}")
            assert file is not None  # the checksum says which archive it is
            part = folder / f"{name}.{os.getpid()}.part"
            part.write_bytes(file.read())
            os.replace(part, folder / name)
    return folder
