"""Makes wheels of one shape: generate_wheels.py FOLDER PREFIX COUNT FILES

COUNT distributions PREFIX-000, PREFIX-001, …, version 1.0, of FILES files each: modules in four
packages, and the dist-info folder. The same bytes every time.
"""
import base64
import hashlib
import pathlib
import sys
import zipfile


def write_wheel(folder, name, count):
    distribution = name.replace("-", "_")
    info = f"{distribution}-1.0.dist-info"
    files = {
        f"{distribution}/{'' if index % 4 == 0 else f'part{index % 4}/'}module{index}.py": module(index)
        for index in range(count - 4)
    }
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    files[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    files[f"{info}/top_level.txt"] = f"{distribution}\n"
    rows = [f"{path},{digest(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    with zipfile.ZipFile(folder / f"{distribution}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            # Without a date of its own the archive would hold the time of day.
            member = zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
            member.external_attr = 0o644 << 16
            wheel.writestr(member, text)


def module(index):
    functions = "\n\n".join(
        f"def function_{number}(value):\n    return value + {index * number}" for number in range(9)
    )
    return f'"""Module {index}."""\n\n\n{functions}\n'


def digest(text):
    raw = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def main(folder, prefix, count, files):
    target = pathlib.Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for number in range(int(count)):
        write_wheel(target, f"{prefix}-{number:03}", int(files))


main(*sys.argv[1:])
