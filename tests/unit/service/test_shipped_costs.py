"""What tests make cheap or quick for themselves (tests/cheap.py) ships at its full price."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from gateway.crypto.keystore import KeyStore
from tests import cheap

ROOT = Path(__file__).resolve().parents[3]
AS_SHIPPED = """
import json
from gateway.crypto.keystore import KeyStore
from gateway.service import running
from gateway.service.upkeep import installing
hasher = installing.PasswordHasher()
print(json.dumps({
    "scrypt": KeyStore.__init__.__kwdefaults__["cost"],
    "argon2": [hasher.time_cost, hasher.memory_cost, hasher.parallelism],
    "rounds": [running.SWEEP, running.TELL, running.RECOVER],
}))
"""


def test_keys_passwords_and_rounds_cost_what_they_should_outside_the_tests():
    done = subprocess.run([sys.executable, "-c", AS_SHIPPED], cwd=ROOT, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["scrypt"] == 1 << 16
    assert told["argon2"] >= [3, 65_536, 4]  # RFC 9106 §4, the second recommended choice
    assert told["rounds"] == [1.0, 2.0, 5.0]


def test_control_in_here_they_are_cheap():
    assert KeyStore.__init__.__kwdefaults__ == {"cost": cheap.SCRYPT_N, "token": None}
