"""WikiText files, which hold many articles, cut into articles."""

from collections.abc import Iterable, Iterator
from typing import final

from nonplus.corpora.decoding import lines
from nonplus.corpora.rows import RowReader
from nonplus.corpora.streams import existing, name_of, opened
from nonplus.measure.records import Document


@final
class WikiText:
    """``wikitext:wiki.test.raw``: a document for each article, with its title as id.

    An article reaches from one first-level heading to the next. The newline before a
    heading separates two articles and belongs to neither. This cut is that of the data
    set EleutherAI/wikitext_document_level, on which published word perplexities are
    computed. It finds 62 articles in the test split of WikiText-2, although the authors
    count 60: two lines of a formula in "Constant k filter" look like headings. Text
    before the first heading is a document of its own, with the file's name as the id,
    unless it is blank.
    """

    def __init__(self, location: str, reader: RowReader) -> None:
        self._location = existing(location)

    def __iter__(self) -> Iterator[Document]:
        name = name_of(self._location)
        with opened(self._location) as stream:
            yield from _articles(lines(stream, name), name)


def _articles(lines_: Iterable[str], preamble: str) -> Iterator[Document]:
    title, article = preamble, [""]
    for line in lines_:
        if _is_heading(line.strip()):
            text = "".join(article).removesuffix("\n")
            if text.strip():
                yield Document(text=text, id=title)
            title, article = line.strip()[2:-2], []
        article.append(line)
    yield Document(text="".join(article), id=title)


def _is_heading(line: str) -> bool:
    # `= Title =`; deeper levels are `= = Section = =`.
    return line.startswith("= ") and line.endswith(" =") and not (line.startswith("= =") or line.endswith("= ="))
