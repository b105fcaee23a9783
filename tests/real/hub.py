"""A hub on the loopback interface that has the model of this machine's cache, and gives it out so slowly that one can watch."""

import http.server
import threading
import time

from terminal import cache_directory

MODEL = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
CHUNK = 4_000_000


class Hub:
    """Runs until it is closed; `endpoint` is what HF_ENDPOINT wants."""

    def __init__(self, seconds):
        path = cache_directory() / "models" / MODEL
        size = path.stat().st_size
        pause = seconds * CHUNK / size

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self):
                self.head(0)

            def do_GET(self):
                start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
                self.head(start)
                with path.open("rb") as file:
                    file.seek(start)
                    while chunk := file.read(CHUNK):
                        self.wfile.write(chunk)
                        time.sleep(pause)

            def head(self, start):
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(size - start))
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
