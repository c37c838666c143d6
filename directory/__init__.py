"""Who can be written to, where, and with which key; imports nothing of the gateway.

Three files in one folder: ``directory.db`` (national extractions, built aside and renamed), ``whitelist.db`` (the
signed list of MSSanté domains, the same way) and ``addressees.db`` (what this hospital knows besides: keys, forms,
absences).
"""

from directory.capabilities import FORMS, Known, SetFor, Told, set_forms, set_gcm
from directory.changes import (
    add_absence,
    add_certificate,
    add_entry,
    add_openpgp_key,
    prefer,
    remove_absence,
    remove_entry,
    remove_key,
)
from directory.directory import Directory
from directory.errors import DirectoryError
from directory.importing import ImportReport, import_files, import_into
from directory.ldap_keys import LdapServer, LookedUp, look_up_certificates
from directory.names import Operator
from directory.owners import owners
from directory.progress import Progress
from directory.records import (
    Absence,
    Certificate,
    Found,
    Mailbox,
    MailboxKind,
    Office,
    OpenPgpKey,
    Practitioner,
    Source,
    Status,
)
from directory.searching import Wanted
from directory.shelves import shelf_of
from directory.whitelist import WhiteList, WhiteListReport, update_white_list

__all__ = [
    "FORMS",
    "Absence",
    "Certificate",
    "Directory",
    "DirectoryError",
    "Found",
    "ImportReport",
    "Known",
    "LdapServer",
    "LookedUp",
    "Mailbox",
    "MailboxKind",
    "Office",
    "OpenPgpKey",
    "Operator",
    "Practitioner",
    "Progress",
    "SetFor",
    "Source",
    "Status",
    "Told",
    "Wanted",
    "WhiteList",
    "WhiteListReport",
    "add_absence",
    "add_certificate",
    "add_entry",
    "add_openpgp_key",
    "import_files",
    "import_into",
    "look_up_certificates",
    "owners",
    "prefer",
    "remove_absence",
    "remove_entry",
    "remove_key",
    "set_forms",
    "set_gcm",
    "shelf_of",
    "update_white_list",
]
