"""Station 7, client side: hands a sealed mail to the next hop and says how far it came.

``courier`` is the station, ``routes`` says where a domain's mail goes, ``resolver`` asks the DNS (imported where it is
needed: it brings dnspython), ``destinations`` spares one that is slow or dead, ``connecting`` opens the TLS connection
with aiosmtplib, ``pool`` keeps connections for the next mail, ``dialogue`` and ``transaction`` carry one mail over
them, ``replies`` and ``commands`` are pure.
"""

from gateway.smtp.courier.courier import Courier
from gateway.smtp.courier.destinations import Rhythm
from gateway.smtp.courier.failures import HandOverFailure, HopResting, Phase
from gateway.smtp.courier.pool import PoolLimits
from gateway.smtp.courier.routes import Hop, Login, MxResolver, MxRoutes, Routes, RoutesByDomain, Security, StaticRoutes
from gateway.smtp.courier.timeouts import Timeouts
from gateway.smtp.courier.tls import client_context

__all__ = [
    "Courier",
    "HandOverFailure",
    "Hop",
    "HopResting",
    "Login",
    "MxResolver",
    "MxRoutes",
    "Phase",
    "PoolLimits",
    "Rhythm",
    "Routes",
    "RoutesByDomain",
    "Security",
    "StaticRoutes",
    "Timeouts",
    "client_context",
]
