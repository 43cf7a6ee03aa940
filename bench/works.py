# SPDX-License-Identifier: GPL-2.0-only
"""What more than one section measures: its name, its target, and how what came of it is written."""

# The paper's table 2: the least ratio by 10^3 bytes.
TABLE2 = {1: 1.00, 4: 0.99, 16: 0.99, 64: 0.98, 128: 0.95, 256: 0.92, 512: 0.88, 1024: 0.80}
# Records of bench/guest/real.sh, by their `what`.
NAMES = {"ssh-agent": "ssh-agent, signatures", "TLS": "TLS server, handshakes", "TLS, key alone": "the same, the key alone in salloc()",
         "AES-GCM": "AES-128-GCM, records", "redis SET": "redis, SET", "redis GET": "redis, GET"}


def met(ratio, target):
    """Whether it is what we want, to the two digits that targets have; nothing where nothing is wanted."""
    if target is None:
        return ""
    return " met" if round(ratio, 2) >= target else " **not met**"


def hidden(record):
    """How much of the time all of a domain was sealed, by the module's clock."""
    # Not "-0.0 %".
    return f"{max(0.0, round(100 * (1 - record['plain_ns'] / record['ns']), 1)):.1f} %"
