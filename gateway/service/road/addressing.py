"""Station 4 as the road is handed it: the source's own codes become numbers first, and trouble is told in our terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from config.settings import Settings
from directory import Directory
from directory.fold import fold
from gateway.addressing import Addressing, AddressingPolicy
from gateway.addressing.policy import Floor, Unknown
from gateway.correspondents import with_correspondents
from gateway.letter import Addressed, AddressedLetter, Form, Mode, ParsedLetter, Reason
from gateway.service.road.trouble import directory_trouble

Hears = Callable[[AddressedLetter], None]


def _nobody(_: AddressedLetter) -> None:
    """Nobody hears of it."""


_FLOORS = {"mss-tls": Floor.MSS_TLS, "encrypted": Floor.ENCRYPTED, "gcm": Floor.GCM}


class AddressingDesk:
    """Raises ``StorageUnavailable`` when the directory cannot be read now: the letter waits and is taken up again."""

    def __init__(
        self, addressing: Addressing, correspondents: Mapping[str, Mapping[str, str]], *, hears: Hears = _nobody
    ) -> None:
        """``correspondents``: per source, its codes to RPPS numbers; ``hears`` of each letter that was addressed."""
        self._addressing, self._correspondents, self._hears = addressing, correspondents, hears

    def address(self, parsed: ParsedLetter) -> AddressedLetter:
        """One outcome per addressee."""
        table = self._correspondents.get(parsed.kept.received.source, {})
        with directory_trouble():
            addressed = self._addressing.address(with_correspondents(parsed, table))
            self._hears(addressed)
        return addressed

    def still(self, addressed: Addressed) -> Reason | None:
        """Why what was addressed a while ago may not leave now; asked right before it is handed over."""
        with directory_trouble():
            return self._addressing.still(addressed)


def addressing_desk(
    settings: Settings, directory: Directory, clock: Callable[[], datetime], *, hears: Hears = _nobody
) -> AddressingDesk:
    """Station 4 as the settings want it: for the road, and for ``huitaine check``, which only asks."""
    tables = {name: source.correspondents for name, source in settings.sources.items()}
    addressing = Addressing(directory=directory, policy=addressing_policy(settings), clock=clock)
    return AddressingDesk(addressing, tables, hears=hears)


def addressing_policy(settings: Settings) -> AddressingPolicy:
    """The rules of the settings."""
    wanted, gateway = settings.directory, settings.gateway
    return AddressingPolicy(
        our_domain=gateway.domain,
        mode=Mode(gateway.mode),
        test_domains=frozenset(domain.lower() for domain in gateway.test_domains),
        mss_tls_allowed=wanted.mss_tls,
        white_list_required=wanted.white_list_required,
        white_list_cut_off=timedelta(days=wanted.white_list_cut_off_days),
        stale_after=timedelta(days=wanted.stale_days),
        unknown_mailboxes={name: Unknown(source.unknown_mailbox) for name, source in settings.sources.items()},
        floors={name.lower(): _FLOORS[floor] for name, floor in wanted.floors.items()},
        generic_domains=tuple(domain.lower() for domain in wanted.generic_domains),
        post_services=frozenset(map(fold, wanted.post_services)),
        default_forms=frozenset(map(Form, wanted.default_forms)),
        mss_forms=frozenset(map(Form, wanted.mss_forms)),
        forms={domain.lower(): frozenset(map(Form, forms)) for domain, forms in wanted.forms.items()},
    )
