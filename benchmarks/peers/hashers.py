"""Argon2 at the directory's costs: a hash is most of a sign-in, so the peer must not have a cheaper one."""

import os

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    memory_cost = int(os.environ["ARGON2_MEMORY_KIB"])
    time_cost = int(os.environ["ARGON2_PASSES"])
    parallelism = int(os.environ["ARGON2_LANES"])
