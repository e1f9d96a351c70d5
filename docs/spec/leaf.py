"""Reads a leaf of the audit log (docs/spec/leaf.md): hexadecimal on standard input, JSON out.

Written from the specification alone, in another language than the program, to keep both honest.
"""
import hashlib, json, struct, sys, uuid


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        if len(self.data) < count:
            raise ValueError("ends too early")
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def uuid(self):
        return str(uuid.UUID(bytes=self.take(16)))

    def hash(self):
        return self.take(32).hex()

    def text(self):
        length = self.number(">H")
        if length > 255:
            raise ValueError("text too long")
        return self.take(length).decode("utf-8")

    def optional(self, read):
        return {0: lambda: None, 1: read}[self.number(">B")]()

    def list(self, read, most):
        count = self.number(">I")
        if count > most:
            raise ValueError("list too long")
        return [read() for _ in range(count)]


def decode(data):
    r = Reader(data)
    if r.number(">B") != 1:
        raise ValueError("unknown version")
    leaf = {
        "practice": r.uuid(),
        "event": r.uuid(),
        "at_microseconds": r.number(">q"),
        "actor": {"kind": {1: "person", 2: "machine", 3: "visitor", 4: "client"}[r.number(">B")], "id": r.uuid()},
        "source": r.text(),
        "action": r.text(),
        "record": r.optional(lambda: {"kind": r.text(), "id": r.uuid()}),
        "patient": r.optional(r.uuid),
        "field": r.optional(r.text),
        "purpose": r.optional(r.text),
        "details_hash": r.hash(),
        "changes": r.list(lambda: {"field": r.text(), "before": r.optional(r.hash), "after": r.optional(r.hash)}, 10000),
        "subjects": r.list(r.hash, 1000000),
    }
    if r.data:
        raise ValueError("goes on too long")
    return leaf


if __name__ == "__main__":
    data = bytes.fromhex(sys.stdin.read())
    print(json.dumps({"leaf": decode(data), "leaf_hash": hashlib.sha256(b"\0" + data).hexdigest()}, indent=2))
