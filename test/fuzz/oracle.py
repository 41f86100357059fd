"""Answers for our parsers with Python's own: a line of JSON with questions in, a line with answers out, until the end.

Started with the wheel of `packaging` that `differential.ts` names, which Python imports as it is.
"""

import csv
import email.parser
import json
import sys

sys.path.insert(0, sys.argv[1])

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

MARKERS = json.loads(sys.argv[2])


def pair(question):
    """[spelling of the version, spelling of the specifiers, whether they contain it]"""
    try:
        version = str(Version(question["version"]))
    except InvalidVersion:
        version = None
    try:
        specifiers = SpecifierSet(question["specifiers"])
    except InvalidSpecifier:
        return [version, None, None]
    return [version, str(specifiers), specifiers.contains(question["version"], prereleases=question["prereleases"])]


def requirement(text):
    """[spelling, value of the marker]"""
    try:
        parsed = Requirement(text)
    except (InvalidRequirement, RecursionError):
        return [None, None]
    return [str(parsed), value(parsed.marker) if parsed.marker else None]


def marker(text):
    try:
        parsed = Marker(text)
    except (InvalidMarker, RecursionError):
        return [None, None]
    return [str(parsed), value(parsed)]


def value(parsed):
    try:
        return parsed.evaluate({**MARKERS, "extra": "test"})
    except (UndefinedComparison, UndefinedEnvironmentName):
        return None


def wheel(filename):
    """[name, version, number of tags]"""
    try:
        name, version, build, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion):
        return None
    return [name, str(version), sorted(map(str, tags)), list(build)]


def headers(text):
    """Names in lower case with their values, in order, as `email` has them."""
    return [[name.lower(), field] for name, field in email.parser.Parser().parsestr(text, headersonly=True).items()]


def rows(text):
    return list(csv.reader(text.splitlines()))


KINDS = {"pair": pair, "requirement": requirement, "marker": marker, "wheel": wheel, "headers": headers, "rows": rows}

for line in sys.stdin:
    kind, questions = json.loads(line)
    print(json.dumps([KINDS[kind](question) for question in questions]), flush=True)
