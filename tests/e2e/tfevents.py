"""Reads TensorBoard's event files by nothing but their published formats, and prints an event a line as JSON.

usage: tfevents.py FILE [FOLDER]

With FOLDER its pictures go there, STEP-TAG.png with - for /, and all.pb: one message that has all records as its field 1.
Records and their checksums: tensorflow/core/lib/io/record_writer.cc, with CRC-32C of RFC 3720. Messages: the wire format
of protocol buffers (protobuf.dev/programming-guides/encoding); numbers of fields are those of TensorFlow's event.proto,
summary.proto and histogram.proto, of TensorBoard's plugin_data.proto, and of struct.proto. Times are left out.
"""
import json
import os
import struct
import sys
import zlib


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        length, check = struct.unpack_from("<QI", data, at)
        assert check == masked(data[at : at + 8]), f"the length at {at} has another checksum"
        body = data[at + 12 : at + 12 + length]
        assert len(body) == length, f"the record at {at} is cut"
        (check,) = struct.unpack_from("<I", data, at + 12 + length)
        assert check == masked(body), f"the record at {at} has another checksum"
        yield body
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """Numbers of fields and their values, in order."""
    at, found = 0, []
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            (value,) = struct.unpack_from("<d", data, at)
            at += 8
        elif kind == 5:
            (value,) = struct.unpack_from("<f", data, at)
            at += 4
        else:
            assert kind == 2, f"wire type {kind}"
            length, at = varint(data, at)
            value = data[at : at + length]
            at += length
        found.append((number, value))
    return found


def doubles(data):
    return list(struct.unpack(f"<{len(data) // 8}d", data))


def picture(data):
    f = dict(fields(data))
    png = f[4]
    assert png[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
    assert struct.unpack_from(">II", png, 16) == (f[2], f[1]), "the PNG has another size"
    return {"height": f[1], "width": f[2], "channels": f[3], "crc": zlib.crc32(png), "png": png}


def histogram(data):
    f = dict(fields(data))
    return dict(zip(("min", "max", "num", "sum", "squares", "edges", "counts"),
                    [f[i] for i in range(1, 6)] + [doubles(f[6]), doubles(f[7])]))


def hparams(data):
    content = dict(fields(dict(fields(data))[2]))
    if 4 in content:
        return {"status": dict(fields(content[4]))[1]}
    values = {}
    for number, entry in fields(content[3]):
        if number == 1:
            pair = dict(fields(entry))
            (kind, value), = fields(pair[2])
            values[pair[1].decode()] = {2: float, 3: lambda v: v.decode(), 4: bool}[kind](value)
    return {"hparams": values}


def event(data):
    f = dict(fields(data))
    assert 1.6e9 < f.pop(1) < 4.2e9, "no time of this century's first half"
    told = {"step": f.pop(2)}
    if 3 in f:
        told["version"] = f[3].decode()
    elif 7 in f:
        told["session"] = dict(fields(f[7]))[1]
    else:
        assert list(f) == [5], f"fields {list(f)}"
        for number, value in fields(f[5]):
            assert number == 1
            v = dict(fields(value))
            tag = v.pop(1).decode()
            (kind, content), = v.items()
            told[tag] = {2: float, 4: picture, 5: histogram,
                         9: lambda d: hparams(dict(fields(d))[1])}[kind](content)
    return told


def length(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + length(n >> 7)


def unpack(told, folder):
    for tag, value in told.items():
        png = value.pop("png", None) if isinstance(value, dict) else None
        if png and folder:
            with open(os.path.join(folder, f"{told['step']}-{tag.replace('/', '-')}.png"), "wb") as f:
                f.write(png)


folder = sys.argv[2] if len(sys.argv) > 2 else None
whole = b""
for record in records(open(sys.argv[1], "rb").read()):
    told = event(record)
    unpack(told, folder)
    whole += b"\x0a" + length(len(record)) + record
    print(json.dumps(told))
if folder:
    with open(os.path.join(folder, "all.pb"), "wb") as f:
        f.write(whole)
