"""Put a finished run into ``weights/``: `python -m benchmarks.ship RUN NAME --title … --rank N`.

Copies what a shipped run needs, without sample images (they may belong to a data set), paths of
this machine or the state for resuming. `python -m benchmarks.rescore` scores it again later.
"""

import argparse
import shutil
from pathlib import Path

from unet_core.prediction.familiarity import FILE as FAMILIARITY
from unet_core.store.environment import runs_folder
from unet_core.store.files import read_json
from unet_core.store.runs import SHIPPED, Run, write_json

FILES = ("history.csv", "steps.csv", "evaluation.json", "model.weights.h5", "model.onnx")
FILES += (FAMILIARITY,)
STATUS = ("state", "phase", "epochs", "epoch", "step", "steps", "started")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("name")
    parser.add_argument("--title", required=True)
    parser.add_argument("--description", required=True)
    parser.add_argument("--rank", type=int, required=True, help="1 is the app's default")
    parser.add_argument("--pseudo-labels", help="the teacher's name in weights/")
    parser.add_argument("--origin", help="where an encoder file comes from")
    parser.add_argument("--licence", help="of that file")
    options = parser.parse_args()

    run, target = Run(runs_folder() / options.run), SHIPPED / options.name
    config = run.config | {key: vars(options)[key] for key in ("title", "description", "rank")}
    settings = config["training"]
    settings["encoder_weights"] = Path(settings["encoder_weights"]).name
    if options.pseudo_labels:
        if settings["encoder_weights"] == settings["pseudo_labels"]:
            settings["encoder_weights"] = options.pseudo_labels
        settings["pseudo_labels"] = options.pseudo_labels
    if options.origin:
        config["starting_weights"] = {"origin": options.origin, "licence": options.licence}

    target.mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(run.path / name, target / name)
    evaluation = read_json(target / "evaluation.json")
    write_json(target / "evaluation.json", evaluation | {"run": options.name})
    write_json(target / "config.json", config)
    status = read_json(run.path / "status.json")
    write_json(target / "status.json", {key: status[key] for key in STATUS})
    print(target)


if __name__ == "__main__":
    main()
