#!/usr/bin/env python3
"""Golden sums of CSV files by Python's csv module, for tests/test_csv.c and tests/test_table.c.

    python3 -P tests/goldens/csv_rows.py            write tests/goldens/nasty.csv and print its sums
    python3 -P tests/goldens/csv_rows.py FILE...    print the sums of these files
(-P: not this file and random.py beside it, but the library's modules of that name.)
A row's sum is (2 line + 1) crc32(its fields, each ended by 0x1f), added modulo 2^64; line is that
of its first byte.
"""
import csv
import os
import random
import sys
import zlib

here = os.path.dirname(os.path.abspath(__file__))


def nasty(path):
    """Rows of three fields with all that RFC 4180 and lenient readers allow; all ends of line."""
    rng = random.Random(11)
    pieces = ["a", "bc", "12.5", " ", "é", "日本", "😀", '"', ",", "\n", "\r\n", "\r",
              ";", "\t", "''", "NA"]
    lines = ["\ufeffid,first,second"]
    for row in range(700):
        fields = [str(row)]
        for _ in range(2):
            text = "".join(rng.choice(pieces) for _ in range(rng.randrange(0, 7)))
            plain = not any(c in text for c in ',"\r\n')
            middle = '"' in text[1:] and text[0] != '"' and not any(c in text for c in ",\r\n")
            if middle and rng.random() < 0.5:
                fields.append(text)  # a quote in mid-field is text
            elif plain and rng.random() < 0.7:
                fields.append(text)
            else:
                fields.append('"' + text.replace('"', '""') + '"')
        lines.append(",".join(fields))
        if rng.random() < 0.05:
            lines.append("")
    text = "".join(line + rng.choice(["\n", "\n", "\r\n", "\r"]) for line in lines)
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write(text + '700,"last, without',)
        out.write(' a line end",x')


def sums(path):
    total = rows = fields = quoted_lines = 0
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        before = reader.line_num
        for row in reader:
            if row:
                crc = 0
                for field in row:
                    crc = zlib.crc32(field.encode() + b"\x1f", crc)
                total += crc * (2 * (before + 1) + 1)
                rows += 1
                fields += len(row)
                quoted_lines += reader.line_num - before - 1
            before = reader.line_num
    print("%s: columns %d, rows %d, fields %d, line ends in quotes %d, hash 0x%016x" % (
        os.path.basename(path), len(header), rows, fields, quoted_lines, total % 2**64))


files = sys.argv[1:]
if not files:
    files = [os.path.join(here, "nasty.csv")]
    nasty(files[0])
for name in files:
    sums(name)
