"""WikiText files, which hold many articles, cut into articles."""

from collections.abc import Iterator
from typing import BinaryIO

from nonplus.corpora.decoding import lines, too_long
from nonplus.corpora.rows import RowReader
from nonplus.measure.records import Document


def articles(stream: BinaryIO, name: str, reader: RowReader) -> Iterator[Document]:
    """A document for each article, with its title as id.

    An article reaches from one first-level heading to the next. The newline before a
    heading separates two articles and belongs to neither. This cut is that of the data
    set EleutherAI/wikitext_document_level, on which published word perplexities are
    computed. It finds 62 articles in the test split of WikiText-2, although the authors
    count 60: two lines of a formula in "Constant k filter" look like headings. Text
    before the first heading is a document of its own, with the file's name as the id,
    unless it is blank.
    """
    title, article, size = name, [""], 0
    for line in lines(stream, max_bytes=reader.max_bytes):
        text = line.text(name)
        if _is_heading(text.strip()):
            done = "".join(article).removesuffix("\n")
            if done.strip():
                yield Document(text=done, id=title)
            title, article, size = text.strip()[2:-2], [], 0
        article.append(text)
        size += len(line.raw)
        if size > reader.max_bytes:
            raise too_long(f"{name}, at line {line.number}: the article {title!r}", reader.max_bytes)
    yield Document(text="".join(article), id=title)


def _is_heading(line: str) -> bool:
    # `= Title =`; deeper levels are `= = Section = =`.
    return line.startswith("= ") and line.endswith(" =") and not (line.startswith("= =") or line.endswith("= ="))
