"""What LLM gateways do when a provider fails: the same faults for each, asked in OpenAI's words, on this machine alone.

usage: faults.py SEAWALL FOLDER [GATEWAY...]

SEAWALL is its program, which also plays the provider (`seawall demo --llm`); FOLDER is where `install.sh` put the others. Between a gateway and the provider
stands a relay that counts requests and sees when a connection is closed. The result is a table in Markdown and, beside it, `faults.json`.
"""

import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from gateways import REFUSED, UNKNOWN, LiteLlm, Portkey, Seawall, TensorZero, installed

# How long a call may take before it counts as one that never ends.
PATIENCE_S = 30

# Each with the model that does it, whether it is a stream, and what is right.
CASES = [
    ("429 once", "fake-429-once", False, "tried again"),
    ("429, come again in 30 s", "fake-429-retry-after-30", False, "told at once, with Retry-After"),
    ("529", "fake-529", False, "told as 529"),
    ("500 once", "fake-500-once", False, "tried again"),
    ("500", "fake-500", False, "told as 500"),
    ("silent accept", "fake-hang", False, "an error in time"),
    ("slow headers", "fake-slow-headers-1500", False, "waited for"),
    ("stall", "fake-stall", True, "an error in time"),
    ("cut", "fake-cut", True, "an error"),
    ("malformed frame", "fake-malformed", True, "an error"),
    ("error frame", "fake-error-frame", True, "an error"),
    ("slow drip", "fake-drip-400-tokens-100", True, "an error in time"),
    ("oversized", "fake-oversized", True, "an error in time"),
    ("client gone", "fake-drip-50-tokens-1000", True, "the provider's connection is closed"),
    ("connection refused", REFUSED, False, "an error at once"),
    ("DNS failure", UNKNOWN, False, "an error in time"),
]


class Relay:
    """Passes bytes on, and counts the calls of the model that is looked at; late attempts of a case before are none of them."""

    def __init__(self, provider):
        self.provider, self.model, self.requests, self.last_closed = provider, b"", 0, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    def address(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        provider = socket.create_connection(("127.0.0.1", self.provider))
        closed = threading.Event()
        threading.Thread(target=self.passes, args=(provider, client, None), daemon=True).start()
        self.passes(client, provider, closed)
        closed.set()
        for end in (client, provider):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def passes(self, source, sink, closed):
        """Passes bytes on one way; on that to the provider, `closed` tells when the gateway closes the connection."""
        try:
            while data := source.recv(65536):
                # A call names its model once, after its head, and in one piece with what stands around it.
                if closed and (times := data.count(b'"%s"' % self.model)):
                    self.requests += times
                    self.last_closed = closed
                sink.sendall(data)
        except OSError:
            pass
        if not closed:
            try:
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def until(holds, limit_s, what):
    end = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def ask(gateway, case, model, streams):
    """Sends a call and gives its answer as it comes. The text differs from case to case, so that nothing is remembered."""
    body = {"model": gateway.model(model), "messages": [{"role": "user", "content": f"say: one two three four five six ({gateway.name}: {case})"}]}
    if streams:
        body["stream"] = True
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE_S)
    fields = {"Content-Type": "application/json", **gateway.fields_for(model)}
    connection.request("POST", gateway.path, json.dumps(body), fields)
    return connection, connection.getresponse()


def left(gateway, relay, case, model):
    """A client that leaves after the first part."""
    connection, answer = ask(gateway, case, model, True)
    if answer.status != 200:
        return {"status": answer.status, "ended": "error"}
    answer.read1(64)
    begun = time.monotonic()
    answer.close()
    connection.close()
    if relay.last_closed.wait(PATIENCE_S):
        return {"status": 200, "ended": "closed", "took_s": round(time.monotonic() - begun, 1)}
    return {"status": 200, "ended": "not closed"}


def called(gateway, case, model, streams):
    begun = time.monotonic()
    try:
        _, answer = ask(gateway, case, model, streams)
        seen = {"status": answer.status, "retry_after": answer.getheader("retry-after")}
        text, end = b"", begun + PATIENCE_S
        while part := answer.read1(65536):
            text = (text + part)[-65536:]
            if time.monotonic() > end:
                seen["ended"] = "never"
                return seen
        seen["ended"] = ended(text, streams) if answer.status == 200 else "error"
    except (http.client.HTTPException, ConnectionError):
        return {**locals().get("seen", {"status": 0}), "ended": "connection closed", "took_s": round(time.monotonic() - begun, 1)}
    except TimeoutError:
        return {**locals().get("seen", {"status": 0}), "ended": "never"}
    seen["took_s"] = round(time.monotonic() - begun, 1)
    return seen


def ended(text, streams):
    """How an answer ended, as a client of OpenAI's sees it: by the last thing that it is told."""
    told = text.decode("utf-8", "replace")
    if not streams:
        return "error" if '"error"' in told else "whole"
    data = [line[5:].strip() for line in told.splitlines() if line.startswith("data:")]
    errors = [one for one in data if one.startswith("{") and '"error"' in one]
    if errors:
        return "error, then [DONE]" if data[-1] == "[DONE]" else "error"
    if data and data[-1] == "[DONE]":
        return "[DONE]"
    return "clean end"


def measure(gateway, relay):
    results = {}
    for case, model, streams, _ in CASES:
        relay.model, relay.requests = ("fake" if model in (REFUSED, UNKNOWN) else model).encode(), 0
        seen = left(gateway, relay, case, model) if case == "client gone" else called(gateway, case, model, streams)
        results[case] = {**seen, "attempts": relay.requests}
        print(f"{gateway.name}: {case}: {results[case]}", file=sys.stderr)
    return results


def words(case, seen):
    """One cell: status, attempts, seconds and end."""
    status, times, took = seen["status"], seen["attempts"], seen.get("took_s")
    parts = [str(status) if status else "no answer", seen["ended"]]
    if case not in ("connection refused", "DNS failure", "client gone"):
        parts.append(f"{times} attempt{'' if times == 1 else 's'}")
    if took is not None:
        parts.append(f"{took} s")
    if seen.get("retry_after"):
        parts.append("Retry-After")
    if seen["ended"] == "never":
        parts.append(f"> {PATIENCE_S} s")
    return ", ".join(parts)


def main():
    program, folder = str(pathlib.Path(sys.argv[1]).absolute()), pathlib.Path(sys.argv[2]).absolute()
    provider = free_port()
    work = pathlib.Path(tempfile.mkdtemp(prefix="seawall-llm-faults-"))
    fake = subprocess.Popen([program, "demo", "--llm", "--listen", f"127.0.0.1:{provider}"], stdout=subprocess.DEVNULL)
    try:
        until(lambda: listens(provider), 20, "the provider starts")
        results = compared(program, folder, provider, work)
    finally:
        fake.terminate()
        fake.wait()
    shutil.rmtree(work)
    pathlib.Path("faults.json").write_text(json.dumps(results, indent=1))
    print("| fault | right is | " + " | ".join(results) + " |\n|" + "---|" * (len(results) + 2))
    for case, _, _, right in CASES:
        print(f"| {case} | {right} | " + " | ".join(words(case, seen[case]) for seen in results.values()) + " |")


def compared(program, folder, provider, work):
    there, results = installed(folder), {}
    models = [model for _, model, _, _ in CASES]
    starts = {
        "seawall": lambda gateway: gateway.run(program, [*models, "fake"]),
        "litellm": lambda gateway: gateway.run(str(there["litellm"])),
        "portkey": lambda gateway: gateway.run(str(there["portkey"])),
        "tensorzero": lambda gateway: gateway.run(str(there["tensorzero"]), [*models, "fake"]),
    }
    kinds = {"seawall": Seawall, "litellm": LiteLlm, "portkey": Portkey, "tensorzero": TensorZero}
    wanted = sys.argv[3:] or ["seawall", *there]
    for name in wanted:
        relay = Relay(provider)
        gateway = kinds[name](name, work / name, free_port(), relay.address())
        try:
            starts[name](gateway)
            opened = getattr(gateway, "opened", lambda: True)
            ready = lambda: gateway.process.poll() is not None or opened() and listens(gateway.port)
            until(ready, 600, f"{name} starts; see {work / name}")
            if gateway.process.poll() is not None:
                raise RuntimeError((work / name / "output.log").read_text()[-2000:])
            # A first call takes some of them a second.
            called(gateway, "warm up", "fake", False)
            results[name] = measure(gateway, relay)
        finally:
            gateway.stop()
    return results


if __name__ == "__main__":
    main()
