#!/usr/bin/env python3
"""Doubles nearest to decimal texts and seconds of times by Python, for tests/test_parse.c.

Prints table rows: python3 -P tests/goldens/parse.py
"""
import datetime
import random
import struct

rng = random.Random(5)
texts = """0.1 1e23 8.5e22 9007199254740993 9007199254740992.5 1.8342344712102672 5e-324
6.02214076e23
2.4703282292062327e-324 2.4703282292062328e-324 1.7976931348623157e308 2.2250738585072011e-308
123456789012345678 0.000000000000000000000000000123456789012345678 7450580596923828125e-27
9223372036854775808 18446744073709551615 4503599627370496.5 4503599627370497.5 1152921504606846977
1152921504606847104 1152921504606847232""".split()
for _ in range(40):
    digits = rng.randrange(1, 25)
    number = "".join(rng.choice("0123456789") for _ in range(digits))
    point = rng.randrange(0, digits + 1)
    power = rng.choice(["", "", "e%d" % rng.randrange(-40, 40)])
    texts.append(number[:point] + "." + number[point:] + power)
for text in texts:
    print('{"%s", 0x%016x},' % (text, struct.unpack("<Q", struct.pack("<d", float(text)))[0]))

for text in ["1970-01-01", "2000-02-29", "1900-03-01", "0001-01-01", "9999-12-31T23:59:59",
             "2010-12-01 08:26:00", "2017-01-28 14:06:53", "1969-12-31T23:59:59Z",
             "2024-02-29T12:00:00+05:30", "2024-02-29T12:00:00-08:00"]:
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    gap = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    print('{"%s", %d},' % (text, gap.days * 86400 + gap.seconds))
