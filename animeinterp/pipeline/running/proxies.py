"""What the environment says of proxies is for other machines, not for this one."""

from __future__ import annotations

import ipaddress
import os

NO_PROXY = "no_proxy"
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def go_past_proxies(host: str = "localhost") -> None:
    """Let requests to this machine go there, whatever proxy the environment names for others.

    Parameters
    ----------
    host
        Another name or address of this machine; one that is not this machine's changes nothing.
    """
    known = os.environ.get(NO_PROXY) or os.environ.get(NO_PROXY.upper()) or ""
    own = dict.fromkeys([*THIS_MACHINE, *([host] if _is_own(host) else [])])
    added = [name for name in own if name not in known.split(",")]
    os.environ[NO_PROXY] = ",".join(filter(None, [known, *added]))


def _is_own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
