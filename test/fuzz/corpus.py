"""Makes corpus/ of real versions and requirements: python3 corpus.py LIST FOLDER...

LIST is a table of projects with a tab between name and version; below each FOLDER lie installed
distributions, whose METADATA is read. What is kept is one of each form, so that a small file has
all the ways in which people write them.
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent / "corpus"


def form(text):
    """What makes two of them the same kind: the digits and the names of projects do not."""
    text = re.sub(r"^[A-Za-z0-9._-]+", "N", text) if not text[:1].isdigit() else text
    return re.sub(r"\d+", "9", re.sub(r"'[^']*'|\"[^\"]*\"", lambda quoted: quoted[0][0] + re.sub(r"[a-z]+", "a", quoted[0][1:-1]), text))


def one_of_each(texts, several):
    seen = {}
    for text in texts:
        kind = form(text)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= several and len(text) <= 160 and text.isascii() and "//" not in text:
            yield text


def versions(table):
    for line in pathlib.Path(table).open(encoding="utf-8", errors="replace"):
        fields = line.rstrip("\n").split("\t")
        if len(fields) > 1 and fields[1][:1].isdigit():
            yield fields[1]


def requirements(folders):
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*.dist-info/METADATA")):
            for line in path.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0].splitlines():
                if line.startswith(("Requires-Dist: ", "Requires-Python: ")):
                    yield line.partition(": ")[2] if line.startswith("Requires-Dist") else "python " + line.partition(": ")[2]


def keep(name, texts):
    lines = sorted(set(texts))
    (HERE / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    print(name, len(lines))


if __name__ == "__main__":
    table, *folders = sys.argv[1:]
    HERE.mkdir(exist_ok=True)
    keep("versions.txt", one_of_each(versions(table), 2))
    keep("requirements.txt", one_of_each(requirements(folders), 2))
