"""The build backend of the sdists here: it packs what it finds."""

import os
import pathlib
import zipfile

ROOT = pathlib.Path(__file__).parent
FILES = {
    "METADATA": (ROOT / "PKG-INFO").read_text(),
    "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def stem():
    fields = dict(line.split(": ", 1) for line in FILES["METADATA"].splitlines() if ": " in line)
    return "%s-%s" % (fields["Name"].replace("-", "_").replace(".", "_"), fields["Version"])


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = "%s.dist-info" % stem()
    os.mkdir(os.path.join(metadata_directory, folder))
    for name, text in FILES.items():
        pathlib.Path(metadata_directory, folder, name).write_text(text)
    return folder


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "%s-py3-none-any.whl" % stem()
    folder = "%s.dist-info" % stem()
    modules = sorted(path for path in ROOT.glob("*.py") if path.name != "backend.py")
    parts = {path.name: path.read_text() for path in modules}
    parts.update(("%s/%s" % (folder, file), text) for file, text in FILES.items())
    parts["%s/RECORD" % folder] = "".join("%s,,\n" % part for part in [*parts, "%s/RECORD" % folder])
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as archive:
        for part, text in parts.items():
            archive.writestr(zipfile.ZipInfo(part), text)
    return name
