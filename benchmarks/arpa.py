"""How fast an ARPA file is read and written: python benchmarks/arpa.py FILE"""

import sys
import time
from io import BytesIO
from pathlib import Path

from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.arpa.writing import write_arpa

ROUNDS = 3


def main(path: Path) -> None:
    """Print the best of three rounds."""
    read, written = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        model = read_arpa(path)
        read.append(time.process_time() - start)
        file, start = BytesIO(), time.process_time()
        write_arpa(file, model)
        written.append(time.process_time() - start)
    size, ngrams = file.tell() / 1e6, sum(model.counts)
    for what, seconds in (("read", min(read)), ("written", min(written))):
        rate = f"{size / seconds:.0f} MB and {ngrams / seconds / 1e6:.2f} million n-grams per second"
        print(f"{what}: {seconds:.2f} CPU s, {rate}")
    print(f"the same bytes: {file.getvalue() == path.read_bytes()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
