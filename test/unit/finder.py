"""Answers with pip's own finder: reads a JSON list of questions, writes for each the URL that pip tries first, or null, and the versions that it knows of."""

import inspect
import json
import sys

from pip._internal.index.collector import LinkCollector
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.format_control import FormatControl
from pip._internal.models.search_scope import SearchScope
from pip._internal.models.selection_prefs import SelectionPreferences
from pip._internal.network.session import PipSession
from pip._internal.utils.hashes import Hashes
from pip._vendor.packaging.specifiers import SpecifierSet

SESSION = PipSession()


def answer(question):
    scope = {"find_links": question["links"], "index_urls": question["indexes"], "no_index": False}
    known = inspect.signature(SearchScope.create).parameters
    control = FormatControl(set(), set())
    for option, value in question["formats"]:
        target, other = (control.no_binary, control.only_binary) if option == "no-binary" else (control.only_binary, control.no_binary)
        FormatControl.handle_mutual_excludes(value, target, other)
    finder = PackageFinder.create(
        link_collector=LinkCollector(session=SESSION, search_scope=SearchScope.create(**{key: scope[key] for key in scope if key in known})),
        selection_prefs=SelectionPreferences(
            allow_yanked=True, format_control=control, prefer_binary=question["preferBinary"], ignore_requires_python=question["ignoreRequiresPython"]),
    )
    hashes = Hashes(question["hashes"]) if question["hashes"] else None
    result = finder.find_best_candidate("fx-any", SpecifierSet(question["specifier"]), hashes)
    found = vars(result).get("applicable_candidates", vars(result).get("_applicable_candidates"))
    # As the resolver goes through them (`factory.py`, `iter_index_candidate_infos`).
    links = [candidate.link for candidate in reversed(found) if not candidate.link.is_yanked]
    versions = {str(candidate.version) for candidate in finder.find_all_candidates("fx-any")}
    return {"url": links[0].url_without_fragment if links else None, "versions": sorted(versions)}


json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)
