"""An identity provider: its keys, its JSON Web Key Set, and the tokens that it issues."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

RSA_KEYS: Final = tuple(rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3))
EC_KEY: Final = ec.generate_private_key(ec.SECP256R1())


def key_set_text(keys: Mapping[str | None, Key], **members: Any) -> str:
    """Returns the document with the public keys, by key id. Each key also gets `members`."""
    return json.dumps({"keys": [entry(kid, key, **members) for kid, key in keys.items()]})


def entry(kid: str | None, key: Key, **members: Any) -> dict[str, Any]:
    """Returns the entry of one key, without `kid` for None."""
    if isinstance(key, rsa.RSAPrivateKey):
        public = {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "alg": "RS256"}
    else:
        public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "alg": "ES256"}
    return {**public, "use": "sig", **({} if kid is None else {"kid": kid}), **members}


def key_set(file: Path, keys: Mapping[str | None, Key], **members: Any) -> Path:
    """Writes the document to `file`."""
    file.write_text(key_set_text(keys, **members))
    return file


def provider_token(key: Key, kid: str | None, user: str = "alice", **claims: Any) -> str:
    """Issues a token for `user`."""
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode({"exp": int(time.time()) + 600, "sun": user, **claims}, key, algorithm=algorithm, headers=headers)
