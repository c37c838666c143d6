"""What can happen while a session is opened, in our own terms: aiosmtplib's, the socket's and OpenSSL's failures."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import aiosmtplib

from gateway.smtp.courier.failures import (
    Below,
    HandOverFailure,
    HopBelowFloor,
    HopDeferred,
    HopTimedOut,
    HopUnreachable,
    Phase,
)
from gateway.smtp.courier.replies import escaped

_VERIFYING = {9: Below.EXPIRED, 10: Below.EXPIRED, 62: Below.OTHER_NAME, 64: Below.OTHER_NAME}
"""X509_V_ERR_* of OpenSSL; every other one is about the chain."""
_TOO_OLD = {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION", "VERSION_TOO_LOW"}


@contextmanager
def told_as_connecting() -> Iterator[None]:
    """Everything as ``HandOverFailure``. A 5xx here is about us and this hop, never about the letter."""
    try:
        yield
    except HandOverFailure:
        raise
    except aiosmtplib.SMTPAuthenticationError as error:
        raise HopDeferred(_shown(error), phase=Phase.CONNECT, code=error.code, status="4.7.8") from error
    except aiosmtplib.SMTPResponseException as error:
        code = error.code if 200 <= error.code <= 599 else None
        raise HopDeferred(_shown(error), phase=Phase.CONNECT, code=code, status="4.5.0") from error
    except (TimeoutError, aiosmtplib.SMTPTimeoutError) as error:
        raise HopTimedOut("silence", phase=Phase.CONNECT) from error
    except (OSError, aiosmtplib.SMTPException) as error:
        if (below := _tls_error(error)) is not None:
            raise HopBelowFloor(escaped(str(below).encode()), why=_why(below)) from error
        raise HopUnreachable(escaped(str(error).encode()), phase=Phase.CONNECT) from error
    except ValueError as error:  # aiosmtplib's own words for what it will not write or cannot read
        raise HopDeferred(escaped(str(error).encode()), phase=Phase.CONNECT) from error


def _shown(error: aiosmtplib.SMTPResponseException) -> str:
    return escaped(f"{error.code} {error.message}".encode(errors="replace"))


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The TLS failure behind an exception: a TLS 1.3 server refuses our certificate only in its first answer."""
    for _ in range(10):
        if error is None or isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _why(error: ssl.SSLError) -> Below:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFYING.get(error.verify_code, Below.UNKNOWN_AUTHORITY)
    return Below.TOO_OLD if error.reason in _TOO_OLD else Below.BROKEN
