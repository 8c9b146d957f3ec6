"""Cut examples/data/wiki-edits.ndjson.gz out of the data set it comes from.

    python tools/make_sample.py wikiticker-2015-09-12-sampled.json.gz

The argument is the file of that name that Apache Druid's quickstart ships
(quickstart/tutorial/ in its releases): edits of Wikipedia, one JSON
object a line. The sample is its first lines, unchanged, packed the same way on
every run. Other files are refused: the README beside the sample speaks of this one.
"""

import gzip
import hashlib
import sys
from pathlib import Path

RECORDS = 30_000
SHA256 = "766aaf06812a06ee177fc721ad84264637c709cc64651de5092e8f1c2d07b645"
SAMPLE = Path(__file__).parent.parent / "examples/data/wiki-edits.ndjson.gz"


def main(path: str) -> int:
    packed = Path(path).read_bytes()
    if hashlib.sha256(packed).hexdigest() != SHA256:
        print(f"{path} is not the file that the sample was made of", file=sys.stderr)
        return 1
    lines = gzip.decompress(packed).splitlines(keepends=True)[:RECORDS]
    SAMPLE.write_bytes(gzip.compress(b"".join(lines), 9, mtime=0))
    print(f"{SAMPLE}: {RECORDS} records, {SAMPLE.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
