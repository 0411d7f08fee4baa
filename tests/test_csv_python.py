#!/usr/bin/env python3
"""Random CSV files, and whether csv_dump reads them as Python's csv module does.

    test_csv_python.py make FOLDER FILES SEED     write FILES files and their list FOLDER/list
    test_csv_python.py compare FOLDER DUMP...     1 if a dump tells of a file otherwise than Python

What a row is and what its fields are is taken from csv.reader; a row must be rejected exactly if
csv.reader(strict=True) refuses it (text after a closing quote, a quote never closed), if it holds a
NUL byte or is no UTF-8, or if its fields are not as many as the header's (docs/csv.md).
"""
import csv
import json
import os
import random
import re
import sys

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
NUL = "\u0100"  # older versions of the csv module refuse NUL; texts are Latin-1, so this is free


# ---- making files ----

def inner(rng, delimiter, quotes):
    """The inside of a quoted field, quotes doubled."""
    alphabet = [delimiter, "\n", "\r", "\r\n", '""', '""', " ", "a", "é", "7", ";", ",", "\t"]
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(quotes)))


def field(rng, delimiter):
    kind = rng.random()
    if kind < 0.35:
        return rng.choice(["", "1", "2.5", "pen", "NA", " ", "x y", "é", "日本", "😀", "'a'"])
    if kind < 0.70:
        return '"' + inner(rng, delimiter, 8) + '"'
    if kind < 0.80:
        return '""'
    if kind < 0.90:  # quotes in mid-field
        return rng.choice('ab 5') + "".join(rng.choice(['"', "x", '""', " "]) for _ in range(4))
    if kind < 0.91:  # text behind a closing quote
        return '"' + inner(rng, delimiter, 5) + '"' + rng.choice(["b", " ", 'x"', ' "a"', "\0"])
    if kind < 0.92:
        return rng.choice(["\0", "a\0", '"\0"', "\0\n"])
    if kind < 0.93:  # no UTF-8, written as it stands
        return rng.choice(["\udcff", "caf\udce9", '"\udcc3"', "\udced\udca0\udc80", "\udcc0\udc80"])
    if kind < 0.935:
        return '"' + inner(rng, delimiter, 4)
    if kind < 0.99:
        return rng.choice([";,\t".replace(delimiter, ""), "5'", "-1", "1e3", "\x1f", "a\\", "|"])
    return "\ufeff"


def header(rng, delimiter, columns):
    others = ";,\t".replace(delimiter, "")
    names = []
    for j in range(columns):
        name = rng.choice(["c%d", "col %d", " c%d ", "'%d'", "é%d", "\tc%d"]) % j
        if rng.random() < 0.3:
            name = '"%s%s"' % (name, rng.choice([delimiter, '""', "\n", "\r\n", " x", others]))
        names.append(name)
    if rng.random() < 0.04:
        names[rng.randrange(columns)] = rng.choice(['"open', '"a"b', "nul\0", "\udcff", "c0"])
    return delimiter.join(names)


def noise(rng, delimiter):
    alphabet = ['"', '"', '"', delimiter, delimiter, "\n", "\r", "\r\n", "a", " ", "é", "b"]
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(90)))


def table(rng):
    """A file's text."""
    columns = rng.choice([1, 1, 2, 2, 2, 3, 4, 6])
    delimiter = rng.choice(";,\t") if columns > 1 else ","
    ends = rng.choice([["\n"], ["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r", "\n\n", "\r\r\n"]])
    lines = [""] * rng.choice([0, 0, 0, 0, 1, 2]) + [header(rng, delimiter, columns)]
    if rng.random() < 0.01:
        lines = []
    for _ in range(rng.randrange(13)):
        ragged = rng.random() < 0.05
        count = rng.randrange(columns + 3) if ragged else columns
        lines.append(delimiter.join(field(rng, delimiter) for _ in range(count)))
    text = "".join(line + rng.choice(ends) for line in lines)
    if rng.random() < 0.3:
        text += noise(rng, delimiter)
    if rng.random() < 0.2:
        text = text[:-1]
    return ("\ufeff" if rng.random() < 0.1 else "") + text


def make(folder, files, seed):
    with open(os.path.join(folder, "list"), "w") as names:
        for i in range(files):
            path = os.path.join(folder, "%d.csv" % i)
            with open(path, "wb") as file:
                text = table(random.Random(seed * 1000003 + i))
                file.write(text.encode("utf-8", "surrogateescape"))
            names.write(path + "\n")


# ---- what Python reads ----

def raises(lines, delimiter):
    try:
        for _ in csv.reader(lines, delimiter=delimiter, strict=True):
            pass
        return False
    except csv.Error:
        return True


def fault(raw, fields, columns, delimiter):
    """The reason for which a row must be rejected, None if there is none. raw has no line end."""
    if raises(LINE.findall(raw), delimiter):
        longer = list(csv.reader(LINE.findall(raw + "\nX"), delimiter=delimiter))
        return "CSV_QUOTE_OPEN" if len(longer) == 1 else "CSV_TEXT_AFTER_QUOTE"
    data = raw.replace(NUL, "\0").encode("latin-1")
    nul = data.find(b"\0")
    try:
        data.decode("utf-8")
        wrong = -1
    except UnicodeDecodeError as error:
        wrong = error.start
    if wrong >= 0 and (nul < 0 or wrong < nul):
        return "CSV_UTF8"
    if nul >= 0:
        return "CSV_NUL"
    return "CSV_FIELDS" if len(fields) != columns else None


def rows_of(text, delimiter):
    """Line, raw text without its line end and fields of every row; empty lines have no fields."""
    lines = LINE.findall(text)
    reader = csv.reader(lines, delimiter=delimiter)
    before = 0
    for fields in reader:
        raw = "".join(lines[before:reader.line_num])
        yield before + 1, raw, fields
        before = reader.line_num


def without_end(raw):
    return raw[:-2] if raw.endswith("\r\n") else raw[:-1] if raw[-1:] in "\r\n" else raw


def delimiter_of(text):
    """The one that splits the header into most fields, all well-formed if that can be."""
    best, found = None, ","
    for delimiter in ",;\t":
        raw, fields = next(((raw, f) for _, raw, f in rows_of(text, delimiter) if f), ("", []))
        field = '(?:"(?:[^"]|"")*"|[^"%s\r\n]*)' % delimiter
        clean = re.fullmatch("%s(?:%s%s)*" % (field, delimiter, field), without_end(raw))
        score = (clean is not None, len(fields))
        if best is None or score > best:
            best, found = score, delimiter
    return found


def expected(data):
    """What csv_dump must say of a file; None if it must refuse it."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    text = data.decode("latin-1").replace("\0", NUL)
    delimiter = delimiter_of(text)
    answer = {"delimiter": delimiter, "empty": 0, "names": None, "rows": [], "bad": []}
    for line, raw, fields in rows_of(text, delimiter):
        if not fields:
            answer["empty"] += answer["names"] is not None
            continue
        columns = len(fields if answer["names"] is None else answer["names"])
        reason = fault(without_end(raw), fields, columns, delimiter)
        if answer["names"] is None:
            names = [name.strip(" \t") for name in fields]
            if reason is not None or len(set(names)) < len(names):
                return None
            answer["names"] = names
        elif reason is None:
            answer["rows"].append([line] + fields)
        else:
            answer["bad"].append([line, reason, len(fields)])
    return answer if answer["names"] is not None else None


# ---- comparing ----

def read_dump(path, files):
    with open(path) as file:
        dump = [json.loads(line) for line in file]
    if len(dump) != files:
        sys.exit("%s tells of %d files, not of %d" % (path, len(dump), files))
    return dump


def differs(name, told, wanted):
    """Say how, True if at all."""
    if wanted is None and "refused" in told:
        return False
    if told == wanted:
        return False
    print("%s reads otherwise" % name)
    keys = sorted(set(told) | set(wanted or {}))
    for key in keys:
        mine = (wanted or {}).get(key)
        if told.get(key) != mine:
            print("  %s\n    csv_dump %r\n    Python   %r" % (key, told.get(key), mine))
    return True


def compare(folder, dumps):
    with open(os.path.join(folder, "list")) as file:
        paths = file.read().splitlines()
    told = [read_dump(dump, len(paths)) for dump in dumps]
    counts = {"refused": 0, "rows": 0, "bad": 0, "empty": 0}
    reasons = set()
    different = 0
    for i, path in enumerate(paths):
        with open(path, "rb") as file:
            wanted = expected(file.read())
        for name, dump in zip(dumps, told):
            different += differs("%s in %s" % (path, name), dump[i], wanted)
        counts["refused"] += wanted is None
        for key in ("rows", "bad"):
            counts[key] += len(wanted[key]) if wanted else 0
        counts["empty"] += wanted["empty"] if wanted else 0
        reasons.update(bad[1] for bad in (wanted["bad"] if wanted else []))
    print("%d files, %d refused, %d rows, %d bad rows for %d reasons, %d empty lines; %d differ"
          % (len(paths), counts["refused"], counts["rows"], counts["bad"], len(reasons),
             counts["empty"], different))
    poor = min(counts.values()) == 0 or len(reasons) < 5
    sys.exit(1 if different or (poor and len(paths) >= 1000) else 0)


if __name__ == "__main__":
    csv.field_size_limit(1 << 30)
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        compare(sys.argv[2], sys.argv[3:])
