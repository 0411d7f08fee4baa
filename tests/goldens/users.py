#!/usr/bin/env python3
"""Keys of a few users by the standard library's BLAKE2b (RFC 7693), for tests/test_users.c.

Prints high and low half of each key: python3 tests/goldens/users.py
"""
import hashlib

SECRET = bytes(range(32))

for user in ["", "1", "user-1", "Zoë", "x" * 200]:
    digest = hashlib.blake2b(user.encode(), digest_size=16, key=SECRET).digest()
    print('{"%s", 0x%s, 0x%s},' % (user, digest[:8].hex(), digest[8:].hex()))
