"""Thunderbird with our LDAP address book in its profile: what its To field offers, what its address book finds."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers.marionette import Marionette
from tests.peers.running import LOOPBACK, free_port
from tests.peers.thunderbird import account_of, window_of

_BOOK = "ldap_2.servers.annuaire"
_PREFERENCES = """\
user_pref("{book}.dirType", 0);
user_pref("{book}.description", "Annuaire");
user_pref("{book}.uri", "{uri}");
user_pref("{book}.auth.dn", "{login}");
user_pref("{book}.filename", "annuaire.sqlite");
user_pref("{book}.maxHits", 100);
user_pref("ldap_2.autoComplete.useDirectory", true);
user_pref("ldap_2.autoComplete.directoryServer", "{book}");
"""
_REMEMBER = """
const [uri, password] = given;
const {prePath, spec} = Services.io.newURI(uri);
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init(prePath, null, spec, "", password, "", "");
await Services.logins.addLoginAsync(login);
"""
_TYPE = """
const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const until = async (what, name) => {
  for (let n = 0; n < 300; n++) {
    const found = what();
    if (found) { return found; }
    await new Promise(next => setTimeout(next, 100));
  }
  throw new Error("it did not come: " + name);
};
const before = new Set(Services.wm.getEnumerator("msgcompose"));
const params = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
params.composeFields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
params.type = Ci.nsIMsgCompType.New;
params.format = Ci.nsIMsgCompFormat.PlainText;
params.identity = MailServices.accounts.defaultAccount.defaultIdentity;
MailServices.compose.OpenComposeWindowWithParams(null, params);
const page = await until(
  () => [...Services.wm.getEnumerator("msgcompose")].find(each => !before.has(each) && each.composeEditorReady),
  "the window to write in"
);
const field = page.document.getElementById("toAddrInput");
page.focus();
field.focus();
field.value = given[0];
field.dispatchEvent(new page.InputEvent("input", {data: given[0], inputType: "insertText", bubbles: true}));
const {STATUS_COMPLETE_NO_MATCH, STATUS_COMPLETE_MATCH} = Ci.nsIAutoCompleteController;
const offers = field.controller;
await until(
  () => [STATUS_COMPLETE_NO_MATCH, STATUS_COMPLETE_MATCH].includes(offers.searchStatus), "the offers of " + given[0]
);
return [...Array(offers.matchCount).keys()].map(each => offers.getFinalCompleteValueAt(each));
"""
_SEARCH = """
const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const {getModelQuery, generateQueryURI, getSearchTokens} =
  ChromeUtils.importESModule("resource:///modules/ABQueryUtils.sys.mjs");
const book = MailServices.ab.getDirectory("moz-abldapdirectory://" + given[0]);
const query = generateQueryURI(getModelQuery("mail.addr_book.quicksearchquery.format"), getSearchTokens(given[1]));
const found = [];
const status = await new Promise(done => book.search(query, given[1], {
  onSearchFoundCard: card => found.push([card.displayName, card.primaryEmail, card.getProperty("WorkCity", "")]),
  onSearchFinished: done,
}));
if (status != Cr.NS_OK) { throw new Error("the search failed: " + status); }
return found;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A line of the address book."""

    name: str
    mailbox: str
    town: str


@dataclass(slots=True, kw_only=True)
class ThunderbirdWithBook:
    """A running one."""

    remote: Marionette
    display: str

    def offers(self, typed: str, picture: Path | None = None) -> Sequence[str]:
        """What the To field of a new mail offers to somebody who types so, as ``Name <mailbox>``."""
        found: list[str] = self.remote.ask(_TYPE, typed)
        if picture:
            subprocess.run(["import", "-display", self.display, "-window", "root", picture], check=True)
        return found

    def finds(self, typed: str) -> Sequence[Card]:
        """What the search field above the address book shows."""
        return [
            Card(name=name, mailbox=mailbox, town=town)
            for name, mailbox, town in self.remote.ask(_SEARCH, _BOOK, typed)
        ]


@contextlib.contextmanager
def thunderbird_with_book(url: str, *, base: str, login: tuple[str, str], roots: Path) -> Iterator[ThunderbirdWithBook]:
    """The book at ``url`` (``ldap://`` or ``ldaps://``, host, port) is in its profile, its password remembered."""
    name, password = login
    uri = f"{url}/{base}??sub?(objectclass=*)"
    book = _PREFERENCES.format(book=_BOOK, uri=uri, login=name)
    account = account_of(f"secretariat@{LOOPBACK}", imaps=free_port())
    with window_of(account + book, roots=[roots]) as (remote, display):
        remote.ask(_REMEMBER, uri, password)
        yield ThunderbirdWithBook(remote=remote, display=display)
