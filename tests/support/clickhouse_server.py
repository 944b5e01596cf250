"""The engine of ClickHouse (chdb) behind the part of its HTTP interface that the sink uses."""
import base64
import http.server
import re
import sys
import threading
import urllib.parse

from chdb import session

port, folder, login = int(sys.argv[1]), sys.argv[2], sys.argv[3]
engine = session.Session(folder)
turn = threading.Lock()
WANTED = "Basic " + base64.b64encode(login.encode()).decode()
STATUS = {"516": 403, "497": 403, "60": 404, "81": 404}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("content-length", 0))))

    def answer(self, body):
        if self.headers.get("authorization") != WANTED:
            return self.send(403, b"Code: 516. DB::Exception: collector: Authentication failed: password is incorrect")
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(self.path).query)).get("query", "")
        # The engine takes the data of an insert behind its statement.
        text = query + ("\n" if query else "") + body.decode()
        try:
            with turn:
                result = engine.query(text, "TabSeparated" if "JSONCompactEachRow" not in text else "JSONCompactEachRow")
            self.send(200, (result.bytes() if result is not None else b"") or b"")
        except Exception as error:
            text = re.sub(r"^.*?(?=Code: \d+)", "", str(error), flags=re.S)
            code = re.match(r"Code: (\d+)", text)
            self.send(STATUS.get(code.group(1) if code else "", 500), text.encode())

    def send(self, status, body):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
