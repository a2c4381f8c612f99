"""An attester for tests: hands out reports of the real form, signed by a test chip, and misbehaves on request.

What it does is read afresh at each call from `<LAB_ATTESTATION>/<name of the site's folder>.json`:
  mode    "pass" | "bad" | "slow" | "raise" | "plain_raise" | "mock"
  report  hex of the report's signed part (0x2A0 bytes); fresh random report data is put in unless `replay` is true
  key     PEM file of the test chip's P-384 key
  seconds how long "slow" takes
  refuse  names of sites whose tokens `verify` refuses, by their chip id (hex) here
"""

import base64
import json
import os
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from nvflare.app_opt.confidential_computing.cc_authorizer import CCAuthorizer, CCTokenGenerateError

SIGNED = 0x2A0
LENGTH = 1184


class LabAuthorizer(CCAuthorizer):
    def __init__(self, namespace="x-snp"):
        self.namespace = namespace
        self.site = os.path.basename(os.getcwd())

    def _orders(self):
        with open(os.path.join(os.environ["LAB_ATTESTATION"], self.site + ".json")) as file:
            return json.load(file)

    def get_namespace(self):
        return self.namespace

    def generate(self):
        orders = self._orders()
        mode = orders["mode"]
        if mode == "slow":
            time.sleep(orders.get("seconds", 13))
        if mode == "raise":
            raise CCTokenGenerateError("told to fail")
        if mode == "plain_raise":
            raise RuntimeError("told to fail")
        if mode == "bad":
            return base64.b64encode(b"\x02" + bytes(99))
        if mode == "mock":
            return "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJtb2NrIn0.AAAA"
        body = bytearray.fromhex(orders["report"])
        if not orders.get("replay"):
            body[0x50:0x90] = os.urandom(64)
        with open(orders["key"], "rb") as file:
            key = serialization.load_pem_private_key(file.read(), None)
        r, s = utils.decode_dss_signature(key.sign(bytes(body), ec.ECDSA(hashes.SHA384())))
        tail = r.to_bytes(72, "little") + s.to_bytes(72, "little")
        report = bytes(body) + tail
        return base64.b64encode(report + bytes(LENGTH - len(report)))

    def verify(self, token):
        # As FLARE's own: some report of the right form; neither measurement nor debugging.
        orders = self._orders()
        if token is None or len(base64.b64decode(token, validate=False)) != LENGTH:
            return False
        chip = base64.b64decode(token)[0x1A0:0x1E0].hex()
        return chip not in orders.get("refuse", [])
