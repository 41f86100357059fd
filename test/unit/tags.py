"""Reads a JSON list of pages; writes for each its `<a>` and `<base>` tags as Python's html.parser has them."""

import json
import sys
from html.parser import HTMLParser


class Tags(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag in ("a", "base"):
            self.found.append([tag, dict(attributes)])


def tags(page):
    parser = Tags()
    parser.feed(page)
    return parser.found


json.dump([tags(page) for page in json.load(sys.stdin)], sys.stdout)
