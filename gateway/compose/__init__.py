"""Station 5, compose: documents become the mail that this addressee's software can use; pure.

Before it stands addressing (``AddressedLetter``), after it sealing (``ComposedMail``). Nothing here reads a clock
or the network: ``Composer`` is given its profile and its clock, and the same letter gives the same mail.
"""

from gateway.compose.composer import Composer
from gateway.compose.profile import Coded, ComposeProfile

__all__ = ["Coded", "ComposeProfile", "Composer"]
