#!/usr/bin/env bash
# The script that recomputes receipts accepts a right one and refuses each spoilt one.
exec python3 "$(dirname "$0")/recompute_receipt.py" --self-test
