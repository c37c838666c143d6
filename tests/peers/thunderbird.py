"""What a GP sees in Thunderbird: a real window on a virtual screen, his account on the test Dovecot, his keys."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers.dovecot import PASSWORD, Dovecot
from tests.peers.marionette import Marionette
from tests.peers.running import daemon, free_ports, need, open_folder, wait_for_port

_PREFERENCES = """\
user_pref("app.update.enabled", false);
user_pref("datareporting.policy.dataSubmissionPolicyBypassNotification", true);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("mail.rights.version", 1);
user_pref("mailnews.start_page.enabled", false);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:9/");
user_pref("mail.accountmanager.accounts", "account1");
user_pref("mail.accountmanager.defaultaccount", "account1");
user_pref("mail.account.account1.server", "server1");
user_pref("mail.account.account1.identities", "id1");
user_pref("mail.identity.id1.fullName", "Cabinet d'essai");
user_pref("mail.identity.id1.useremail", "{user}");
user_pref("mail.identity.id1.valid", true);
user_pref("mail.server.server1.type", "imap");
user_pref("mail.server.server1.name", "{user}");
user_pref("mail.server.server1.hostname", "localhost");
user_pref("mail.server.server1.port", {imaps});
user_pref("mail.server.server1.socketType", 3);
user_pref("mail.server.server1.authMethod", 3);
user_pref("mail.server.server1.userName", "{user}");
user_pref("mail.server.server1.login_at_startup", false);
user_pref("mail.server.server1.check_new_mail", false);
"""
_OPEN = """
const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const until = async (what, name) => {
  for (let n = 0; n < 400; n++) {
    const found = what(n);
    if (found) { return found; }
    await new Promise(next => setTimeout(next, 100));
  }
  throw new Error("it did not come: " + name);
};
const [password, id] = given;
const server = MailServices.accounts.accounts[0].incomingServer;
server.password = password;
const inbox = await until(n => {
  if (n % 50 == 0) { server.performExpand(null); }
  return server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
}, "the inbox");
const letter = await until(n => {
  if (n % 20 == 0) { inbox.updateFolder(null); }
  return [...inbox.messages].find(each => each.messageId == id);
}, "the letter");
const tabmail = document.getElementById("tabmail");
const panes = await until(() => tabmail.currentAbout3Pane, "the panes");
await until(n => {
  if (n % 80 == 0) { panes.displayFolder(server.rootFolder.URI); }
  if (n % 80 == 5) { panes.displayFolder(inbox.URI); }
  return panes.gFolder == inbox && panes.gDBView?.findIndexOfMsgHdr(letter, true) < inbox.getTotalMessages(false);
}, "the list");
const pane = await until(n => {
  const here = tabmail.currentAboutMessage;
  if (here?.gMessage?.messageId == id && here.msgLoaded) { return here; }
  if (n % 80 == 0) {
    panes.threadTree.selectedIndex = -1;
    panes.threadTree.selectedIndex = panes.gDBView.findIndexOfMsgHdr(letter, true);
  }
}, "the message");
const icon = name => pane.document.getElementById(name)?.getAttribute("src")?.split("/").pop() ?? "";
const decrypted = () => icon("encryptedHdrIcon") == "message-encrypted-ok.svg";
const signed = () => ["message-signed-ok.svg", "message-signed-verified.svg"].includes(icon("signedHdrIcon"));
await until(n => n > 150 || (decrypted() && signed() && pane.currentAttachments?.length), "its seals");
const body = await until(() => pane.document.getElementById("messagepane").contentDocument?.body, "its text");
return {
  subject: pane.document.getElementById("expandedsubjectBox")?.textContent.trim() ?? "",
  text: (body.querySelector(".moz-text-plain, .moz-text-flowed") ?? body).innerText.trim(),
  decrypted: decrypted(),
  signed: signed(),
  attachments: (pane.currentAttachments ?? []).map(each => each.name),
};
"""
_TRUST = """
const {RNP} = ChromeUtils.importESModule("chrome://openpgp/content/modules/RNP.sys.mjs");
const {EnigmailKeyRing} = ChromeUtils.importESModule("chrome://openpgp/content/modules/keyRing.sys.mjs");
const own = await RNP.importSecKeyBlockImpl(window, null, false, given[0], false);
const other = await RNP.importPubkeyBlockAutoAcceptImpl(window, given[1], "verified", false, []);
for (const each of [own, other]) {
  if (each.exitCode != 0) { throw new Error("not imported: " + each.errorMsg); }
}
EnigmailKeyRing.clearCache();
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What stands in the window: ``decrypted`` and ``signed`` are its green marks."""

    subject: str
    text: str
    decrypted: bool
    signed: bool
    attachments: Sequence[str]


@dataclass(slots=True, kw_only=True)
class Thunderbird:
    """A running one; its screen can be kept as a picture."""

    remote: Marionette
    display: str

    def trust(self, *, secret: str, correspondent: str) -> None:
        """Import his own OpenPGP key and a correspondent's, whose fingerprint he has compared (both armored)."""
        self.remote.ask(_TRUST, secret, correspondent)

    def open(self, message_id: str, picture: Path | None = None) -> Shown:
        """Open the letter of that Message-ID (without angle brackets) of the account's inbox."""
        for left in (2, 1, 0):  # its list of letters is not always there the first time
            try:
                return Shown(**self.remote.ask(_OPEN, PASSWORD, message_id))
            except RuntimeError:
                if not left:
                    raise
            finally:
                if picture:
                    subprocess.run(["import", "-display", self.display, "-window", "root", picture], check=True)
        raise AssertionError


@contextlib.contextmanager
def running_thunderbird(dovecot: Dovecot, user: str, *, keys: Sequence[Path], roots: Path) -> Iterator[Thunderbird]:
    """The user's account is set up, his keys imported (PKCS #12 under ``PASSWORD``), ``roots`` (PEM) trusted."""
    account = account_of(user, imaps=dovecot.imaps_port)
    with window_of(account, keys=keys, roots=(roots, dovecot.authority.roots)) as (remote, display):
        yield Thunderbird(remote=remote, display=display)


def account_of(user: str, *, imaps: int) -> str:
    """The preferences of a profile with one account; nobody need listen on its port."""
    return _PREFERENCES.format(user=user, imaps=imaps)


@contextlib.contextmanager
def window_of(
    preferences: str, *, keys: Sequence[Path] = (), roots: Sequence[Path]
) -> Iterator[tuple[Marionette, str]]:
    """A Thunderbird with a new profile on a new screen: its remote control and the name of the screen."""
    need("thunderbird", "Xvfb", "certutil", "pk12util", "import")
    with open_folder("thunderbird") as folder:
        port, number = free_ports(2)
        profile, display, log = folder / "profile", f":{number}", folder / "thunderbird.log"
        profile.mkdir()
        (profile / "user.js").write_text(f'user_pref("marionette.port", {port});\n{preferences}')
        _import_keys(profile, keys, roots)
        screen = ["Xvfb", display, "-screen", "0", "1080x900x24", "-nolisten", "tcp"]
        command = [
            "thunderbird",
            "--marionette",
            "--remote-allow-system-access",
            "--no-remote",
            "--profile",
            str(profile),
        ]
        environment = {"DISPLAY": display, "HOME": str(folder)}
        with daemon(screen, folder / "screen.log"), daemon(command, log, env=environment) as process:
            wait_for_port(port, process, log)
            with contextlib.closing(Marionette(port)) as remote:
                yield remote, display


def _import_keys(profile: Path, keys: Sequence[Path], roots: Sequence[Path]) -> None:
    store = ["-d", f"sql:{profile}"]
    _run("certutil", "-N", *store, "--empty-password")
    for number, root in enumerate(roots):
        _run("certutil", "-A", *store, "-n", f"authority {number}", "-t", "CT,C,C", "-i", str(root))
    for key in keys:
        _run("pk12util", "-i", str(key), *store, "-W", PASSWORD, "-K", "")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
