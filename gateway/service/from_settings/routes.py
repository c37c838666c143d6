"""Next hops out of the settings: an operator's submission service, or the MX of a domain, listed or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from config.sections import Courier, Mx, Route
from config.settings import Settings, SettingsError, secret
from directory import Directory
from directory.names import Operator
from directory.whitelist import WhiteList
from gateway.errors import SettingsRefused
from gateway.service.road.trouble import directory_trouble
from gateway.smtp.courier.failures import HopDeferred, Phase
from gateway.smtp.courier.found import NameServer
from gateway.smtp.courier.outside import Habits as OutsideHabits
from gateway.smtp.courier.outside import OutsideRoutes
from gateway.smtp.courier.routes import Hop, Login, MxRoutes, Routes, RoutesByDomain, Security, StaticRoutes
from gateway.smtp.courier.sts_policies import StsPolicies
from gateway.smtp.courier.tls import Floor, OurCertificate, client_context

if TYPE_CHECKING:
    from gateway.smtp.courier.resolver import DnsResolver


class ListedOperators:
    """The white list as the courier asks it: CN and OU of each operator, as it is at this moment."""

    def __init__(self, white_list: WhiteList) -> None:
        """A newer list is seen at the next question."""
        self._white_list = white_list

    def subjects(self, domain: str) -> frozenset[tuple[str, str]]:
        """(CN, OU) pairs of the domain's operators; raises HopDeferred while there is no list at all."""
        with directory_trouble():
            operators = self._white_list.operators(domain)
            if not operators and not self._white_list.loaded:
                raise HopDeferred("no white list", phase=Phase.CONNECT, status="4.3.5")
        return subjects_of(operators)


def subjects_of(operators: Iterable[Operator]) -> frozenset[tuple[str, str]]:
    """(CN, OU) pairs, as the courier compares them."""
    return frozenset((one.cn, unit) for one in operators for unit in one.units or ("",))


def routes(settings: Settings, directory: Directory, clock: Callable[[], datetime]) -> Routes:
    """A hop per domain; for every other the operator, or the MX that the DNS names; raises SettingsRefused."""
    courier: Courier = settings.courier
    by_domain = {domain: hop(settings, route) for domain, route in courier.routes.items()}
    if courier.deliver == "mx":
        return RoutesByDomain(by_domain, _to_the_mx(courier.mx, directory, clock))
    return StaticRoutes(by_domain, hop(settings, courier.operator) if courier.operator else None)


def _to_the_mx(wanted: Mx, directory: Directory, clock: Callable[[], datetime]) -> MxRoutes:
    """Mutual TLS, and no authority but the trust space's (ECO.1.1.4): the system's would say yes to anybody."""
    if wanted.ca is None or wanted.certificate is None:
        raise SettingsRefused('[courier] deliver = "mx" needs ca and certificate in [courier.mx]')
    ours = OurCertificate(certificate=wanted.certificate, key=wanted.key or wanted.certificate)
    resolver = _resolver(wanted)
    return MxRoutes(
        resolver,
        ListedOperators(directory.white_list),
        context=client_context(wanted.ca, ours),
        port=wanted.port,
        outside=None if wanted.outside == "refuse" else _outside(wanted, resolver, clock),
    )


def _resolver(wanted: Mx) -> DnsResolver:
    from gateway.smtp.courier.resolver import DnsResolver  # noqa: PLC0415 - dnspython, only on the way to the MX

    if wanted.dnssec_resolver:
        return DnsResolver([_name_server(wanted.dnssec_resolver)], validates=True)
    return DnsResolver([_name_server(text) for text in wanted.nameservers])


def _outside(wanted: Mx, resolver: DnsResolver, clock: Callable[[], datetime]) -> OutsideRoutes:
    """The rest of the world: public authorities, never the trust space's, and never our certificate of it."""
    from gateway.smtp.courier.sts_https import HttpsFetch  # noqa: PLC0415 - httpx2, only outside the trust space

    public = client_context(wanted.public_ca)
    habits = OutsideHabits(
        floor=Floor.named(wanted.outside),
        verifying=public,
        encrypting=client_context(wanted.public_ca, floor=Floor.ENCRYPT),
        port=wanted.port,
    )
    return OutsideRoutes(resolver, StsPolicies(resolver, HttpsFetch(resolver, public), clock=clock), habits)


def _name_server(text: str) -> NameServer:
    """``192.0.2.1``, ``192.0.2.1:5353``, ``2001:db8::1`` or ``[2001:db8::1]:5353``."""
    address, colon, port = text.rpartition(":")
    if not colon or (":" in address and not address.endswith("]")):
        return NameServer(address=text.strip("[]"))
    if not port.isdecimal():
        raise SettingsRefused(f"[courier.mx] nameservers: {text}: the port is no number")
    return NameServer(address=address.strip("[]"), port=int(port))


def hop(settings: Settings, route: Route) -> Hop:
    """One next hop with its TLS context and login; raises SettingsRefused."""
    floor = Floor.named(route.tls_floor)
    if floor is Floor.UNSAFE_OPPORTUNISTIC and settings.gateway.mode == "production":
        raise SettingsRefused('[courier] tls_floor = "opportunistic" may send in clear: not in production')
    if floor is Floor.MUTUAL and route.certificate is None:
        raise SettingsRefused('[courier] tls_floor = "mutual" needs a certificate')
    ours = (
        OurCertificate(certificate=route.certificate, key=route.key or route.certificate) if route.certificate else None
    )
    return Hop(
        host=route.host,
        port=route.port,
        security=Security(route.tls),
        context=client_context(route.ca, ours, floor),
        server_name=route.server_name or "",
        login=_login(settings, route),
        floor=floor,
    )


def _login(settings: Settings, route: Route) -> Login | None:
    if not route.user:
        return None
    try:
        return Login(user=route.user, password=secret(settings, route.password_secret).decode())
    except SettingsError as error:
        raise SettingsRefused(str(error)) from error
