"""A page that is one file: no script, nothing fetched, every value escaped."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from qfl.apps.report.figures import Picture


@dataclass(frozen=True)
class Table:
    """The first cell of a row names it. Cells are text as it is shown; `is_text` sets them to the left."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_text: bool = False


@dataclass(frozen=True)
class Section:
    """Sentences, then a drawing, pictures, tables and listings. `drawing` is SVG that this program has written."""

    heading: str
    texts: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    listings: Sequence[str] = ()
    drawing: str = ""


@dataclass(frozen=True)
class Page:
    """A title, a sentence under it, what the reader must not overlook, and sections."""

    title: str
    intro: str
    sections: Sequence[Section]
    warnings: Sequence[str] = ()

    @property
    def pictures(self) -> list[Picture]:
        return [picture for section in self.sections for picture in section.pictures]


def render_page(page: Page) -> str:
    """The page as HTML; its policy allows the page's own style sheet and images inside it, and nothing else."""
    from jinja2 import Environment, StrictUndefined

    style = files(__package__).joinpath("page.css").read_text()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["data_uri"] = lambda png: "data:image/png;base64," + base64.b64encode(png).decode()
    template = environment.from_string(files(__package__).joinpath("page.html").read_text())
    return template.render(page=page, style=style, style_hash=f"sha256-{digest}")
