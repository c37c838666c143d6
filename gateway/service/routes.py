"""Next hops out of the settings."""

from __future__ import annotations

from config.sections import Courier, Route
from config.settings import Settings, SettingsError, secret
from gateway.errors import SettingsRefused
from gateway.smtp.courier.routes import Hop, Login, Security, StaticRoutes
from gateway.smtp.courier.tls import OurCertificate, client_context


def routes(settings: Settings) -> StaticRoutes:
    """A hop per domain, and the operator for every other; raises SettingsRefused."""
    courier: Courier = settings.courier
    by_domain = {domain: hop(settings, route) for domain, route in courier.routes.items()}
    return StaticRoutes(by_domain, hop(settings, courier.operator) if courier.operator else None)


def hop(settings: Settings, route: Route) -> Hop:
    """One next hop with its TLS context and login."""
    ours = (
        OurCertificate(certificate=route.certificate, key=route.key or route.certificate) if route.certificate else None
    )
    return Hop(
        host=route.host,
        port=route.port,
        security=Security(route.tls),
        context=client_context(route.ca, ours),
        server_name=route.server_name or "",
        login=_login(settings, route),
    )


def _login(settings: Settings, route: Route) -> Login | None:
    if not route.user:
        return None
    try:
        return Login(user=route.user, password=secret(settings, route.password_secret).decode())
    except SettingsError as error:
        raise SettingsRefused(str(error)) from error
