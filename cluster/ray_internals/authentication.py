"""Ray's token, shown to a cluster that is named by its address."""

from __future__ import annotations

import logging
import os

from cluster.ray_internals.absence import GONE, changed
from cluster.token import MODE, token


def show_token() -> None:
    """Ray shows the token that it has to a cluster which it finds by itself, and to one that is named by this alone.

    A cluster that wants none does not mind. RAY_AUTH_MODE is the public way, but Ray reads it when it is imported.

    Raises:
        RayChanged: Ray lacks the function, there is a token, and RAY_AUTH_MODE does not say what to do with it.
    """
    if MODE in os.environ:
        return
    try:
        from ray._private.authentication import authentication_token_setup as authentication

        show, logger = (
            authentication.maybe_enable_token_auth_if_token_available,
            logging.getLogger(authentication.__name__),
        )
    except GONE as error:
        if token() is None:
            return
        cure = f"set {MODE}=token where the cluster wants it, {MODE}=disabled where not"
        raise changed("showing Ray's token to a cluster", f"{type(error).__name__}: {error}", cure) from error
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        show(warn_if_disabled=False)
    finally:
        logger.setLevel(level)
