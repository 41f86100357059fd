"""An index on loopback over the fixtures: python3 index_server.py FIXTURES LOG; writes its port, then serves until it is ended.

/simple/NAME/   the pages of PEP 503 that the fixtures have, with hashes
/json/NAME/     the same as PEP 691, with metadata files beside wheels (PEP 658)
/sdists/NAME/   the sdists alone, without hashes
/empty/         knows no project
/changing/NAME/ the archives in the folder `changing`, as /json/ has those of the fixtures
/lying/NAME/    as /json/, but the metadata beside its wheels is made up
/boasting/NAME/ the same, and it does not have the wheels
/broken/        answers with 500
/private/       wants a password

`delays.json` among the fixtures says how many seconds answers wait whose path ends in what.
"""

import hashlib
import json
import pathlib
import re
import sys
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT, LOG = map(pathlib.Path, sys.argv[1:3])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with LOG.open("a") as log:
            log.write(self.path + "\n")
        time.sleep(delay(self.path))
        place, _, rest = self.path.lstrip("/").partition("/")
        answer = getattr(self, "get_" + place, None)
        status, kind, body = answer(rest) if answer else (404, "text/plain", b"")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Basic")
        self.end_headers()
        self.wfile.write(body)

    def get_simple(self, rest):
        path = ROOT / "simple" / rest / "index.html"
        return (200, "text/html; charset=UTF-8", path.read_bytes()) if path.exists() else missing()

    def get_index(self, rest):
        return served(ROOT / "index" / rest.replace("%2B", "+").replace("%21", "!"))

    def get_json(self, rest):
        return told(rest.strip("/"), "/index/")

    def get_sdists(self, rest):
        files = [path for path in listed(rest.strip("/")) if path.suffix == ".gz"]
        links = "".join('<a href="../../index/%s">%s</a>\n' % (path.name, path.name) for path in files)
        return (200, "text/html", links.encode()) if files else missing()

    def get_changing(self, rest):
        return told(rest.strip("/"), "/changed/", "changing")

    def get_changed(self, rest):
        return served(ROOT / "changing" / rest)

    def get_lying(self, rest):
        return told(rest.strip("/"), "/lies/")

    def get_boasting(self, rest):
        return told(rest.strip("/"), "/boasts/")

    def get_lies(self, rest):
        return lie(ROOT / "index" / rest) or self.get_index(rest)

    def get_boasts(self, rest):
        return lie(ROOT / "index" / rest) or missing()

    def get_broken(self, rest):
        return 500, "text/plain", b""

    def get_private(self, rest):
        return 401, "text/plain", b""

    def log_message(self, *words):
        pass


def delay(path):
    delays = ROOT / "delays.json"
    said = json.loads(delays.read_text()) if delays.exists() else {}
    return max([0, *(seconds for ending, seconds in said.items() if path.endswith(ending))])


def missing():
    return 404, "text/plain", b""


def served(path):
    if path.exists():
        return 200, "application/octet-stream", path.read_bytes()
    if path.suffix == ".metadata" and path.with_suffix("").exists():
        return 200, "application/octet-stream", metadata(path.with_suffix(""))
    return missing()


def listed(project, folder="index"):
    stem = lambda path: path.name.split("-")[0] if path.suffix == ".whl" else path.name.rpartition("-")[0]
    return [path for path in sorted((ROOT / folder).iterdir()) if re.sub(r"[-_.]+", "-", stem(path)).lower() == project]


def told(project, address, folder="index"):
    files = listed(project, folder)
    body = {"meta": {"api-version": "1.0"}, "name": project, "files": [described(path, address) for path in files]}
    return (200, "application/vnd.pypi.simple.v1+json", json.dumps(body).encode()) if files else missing()


def described(path, address):
    file = {"filename": path.name, "url": address + path.name.replace("+", "%2B"), "hashes": {"sha256": digest(path.read_bytes())}}
    if path.suffix == ".whl":
        file["core-metadata"] = {"sha256": digest(metadata(path))} if address in ("/index/", "/changed/") else True
    return file


def lie(path):
    if path.suffix != ".metadata" or not path.with_suffix("").exists():
        return None
    lines = metadata(path.with_suffix("")).decode().partition("\n\n")[0].rstrip("\n")
    return 200, "application/octet-stream", (lines + "\nRequires-Dist: fx-absent==9\n\n").encode()


def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA")))


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        # Who was interrupted does not read.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


server = Server(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
