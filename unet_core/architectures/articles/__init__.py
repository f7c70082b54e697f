"""The four articles that the project comes from: what each does, and what is different here.

Each is a Markdown file named after the network of the catalogue that it builds.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Article:
    """An article and the network of the catalogue that it builds. All texts are Markdown."""

    network: str
    title: str
    does: str
    departs: str  # from the paper of 2015
    flaw: str
    here: str


def read_article(network: str) -> Article:
    """Read the article of a network: a title and four texts, each put on one line.

    >>> read_article("original").title
    'U-Net Architecture Explained'
    """
    text = Path(__file__).with_name(f"{network}.md").read_text(encoding="utf-8")
    intro, *sections = text.split("\n## ")
    title, does = intro.removeprefix("# ").split("\n", 1)
    texts = dict(section.split("\n", 1) for section in sections)
    ordered = (does, texts["Not as in the paper"], texts["Its flaw"], texts["Here"])
    return Article(network, title, *(" ".join(part.split()) for part in ordered))


ARTICLES = tuple(map(read_article, ("compact", "batchnorm", "mobilenetv2", "original")))
