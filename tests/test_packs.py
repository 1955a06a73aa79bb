from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bounceclass
from bounceclass.errors import KnowledgeError
from bounceclass.packcheck import check, facts_of, require_sound
from bounceclass.packs import OURS, Facts, Finder, Pack, Provider, Rule, load, load_ours, status_range

HOME = Path(bounceclass.__file__).parent / "data" / "packs"


def pack_of(tmp_path: Path, text: str) -> Pack:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


@pytest.mark.parametrize("name", OURS)
def test_our_own_packs_have_no_fault(name: str) -> None:
    assert check(load(HOME / name), load_ours()) == []


def test_our_packs_are_all_that_there_are() -> None:
    assert sorted(path.name for path in HOME.glob("*.toml")) == sorted(OURS)


def test_at_run_time_our_packs_lack_nothing_but_their_examples() -> None:
    for light in load_ours():
        whole = load(HOME / f"{light.name}.toml")
        rules = {name: msgspec.structs.replace(rule, matches=(), misses=()) for name, rule in whole.rules.items()}
        assert msgspec.structs.replace(whole, rules=rules) == light


def test_no_example_names_anybody() -> None:
    allowed = ("example.com", "example.org", "example.net", "example", "test", "invalid")
    for name in ("refusals.toml", "phrases.toml", "languages.toml", "lastly.toml"):
        for rule in load(HOME / name).rules.values():
            for line in (*rule.matches, *rule.misses):
                hosts = [word.partition("@")[2].partition(":")[0].strip("<>[].,;)('\"") for word in line.split() if "@" in word and "://" not in word]
                assert all(host.rpartition(".")[2] in allowed or host.endswith(allowed) for host in hosts if host), line


@pytest.fixture(scope="module")
def ours() -> Finder:
    return Finder(load_ours())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("550 5.1.1 Die E-Mail-Adresse wurde nicht gefunden", "user-unknown"),
        ("550 Benutzer nicht bekannt/User unknown", "user-unknown"),
        ("552 5.2.2 Das Postfach des Empfängers ist voll", "mailbox-full"),
        ("550 5.2.1 Postfach wurde deaktiviert", "mailbox-disabled"),
        ("554 5.7.1 Ihre IP-Adresse wurde gesperrt", "ip-blocked"),
        ("552 5.3.4 Die Nachricht ist zu groß", "too-large"),
        ("550 5.1.1 Cet utilisateur n'existe pas", "user-unknown"),
        ("452 4.2.2 La boîte aux lettres est pleine : boîte pleine", "mailbox-full"),
        ("450 4.7.1 Liste grise, veuillez patienter", "greylisted"),
        ("550 5.7.1 Relais non autorisé", "relay-denied"),
        ("550 5.1.1 No se ha encontrado la dirección", "user-unknown"),
        ("552 5.2.2 Cuota excedida", "mailbox-full"),
        ("550 5.1.2 El dominio del destinatario no existe", "domain-unknown"),
        ("550 5.1.1 Utente sconosciuto", "user-unknown"),
        ("552 La casella di posta è piena", "mailbox-full"),
        ("450 Errore temporaneo, riprovare più tardi", "system-error"),
        ("550 5.1.1 Usuário não encontrado", "user-unknown"),
        ("552 5.2.2 Caixa postal cheia", "mailbox-full"),
        ("550 5.2.1 Conta desativada", "mailbox-disabled"),
        ("550 5.1.1 Onbekende ontvanger", "user-unknown"),
        ("552 5.2.2 De mailbox van de ontvanger is vol", "mailbox-full"),
        ("550 5.1.2 Onbekend domein", "domain-unknown"),
        ("550 5.1.1 Нет такого пользователя", "user-unknown"),
        ("552 Почтовый ящик переполнен", "mailbox-full"),
        ("554 5.7.1 Обнаружен вирус", "virus"),
        ("550 5.7.1 Сообщение отклонено: спам", "spam"),
        ("550 5.1.1 宛先メールアドレスが見つかりませんでした", "user-unknown"),
        ("552 メールボックスの容量を超えています", "mailbox-full"),
        ("552 メールサイズが大きすぎます", "too-large"),
        ("550 5.1.1 收件人不存在", "user-unknown"),
        ("552 信箱已滿", "mailbox-full"),
        ("550 5.1.1 查無此帳號", "user-unknown"),
        ("550 域名不存在", "domain-unknown"),
        ("550 5.1.1 존재하지 않는 계정입니다", "user-unknown"),
        ("552 5.2.2 메일함이 가득 찼습니다", "mailbox-full"),
        ("550 5.7.1 수신자가 차단하였습니다", "recipient-filtered"),
        ("550 5.1.1 Konto nie istnieje", "user-unknown"),
        ("552 Skrzynka jest przepełniona", "mailbox-full"),
        ("550 5.2.1 Konto zablokowane", "mailbox-disabled"),
        ("550 5.1.1 Mottagaren hittades inte", "user-unknown"),
        ("552 Inkorgen är full", "mailbox-full"),
        ("550 5.1.1 Ukendt modtager", "user-unknown"),
        ("552 Meddelelsen er for stor", "too-large"),
        ("550 5.1.1 KULLANICI BULUNAMADI", "user-unknown"),
        ("552 Bu posta kutusu dolu", "mailbox-full"),
        ("421 4.7.28 Our system has detected an unusual rate of unsolicited mail. It has been temporarily rate limited.", "rate-limited"),
        ("DNS lookup failure: host nosuch.example not found", "domain-unknown"),
    ],
)
def test_words_of_other_languages_are_known(ours: Finder, line: str, reason: str) -> None:
    found = ours.find(facts_of(line, ours))
    assert found is not None
    assert found.rule.reason == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("This user doesn't have a example.org account (user@example.org) [0]", "user-unknown"),
        ("550 The recipient does not have a mailbox here", "user-unknown"),
        ("552 The user's mailfolder is full", "mailbox-full"),
        ("Could not deliver for the last 432000 seconds. Giving up.", "expired"),
        ("Delivery failed 20 attempts: user@example.org", "expired"),
        ("delivery aborted after 72 hours", "expired"),
        ("The remote server does not support TLS", "tls-failed"),
        ("554 INVALID IP FOR SENDING MAIL OF DOMAIN example.com", "authentication-failed"),
        ("550 수신차단된 메일입니다", "recipient-filtered"),
        ("No mail servers appears to exist for the recipient's address.", "domain-unknown"),
        ("550 5.1.4 The recipient name is ambiguous", "user-unknown"),
        ("Can not connect to recipient's server because of unstable network", "network-error"),
        ("550 From: header is missing", "not-compliant"),
        ("host mx.example.org[192.0.2.1] said: 550 <news@example.com> does not exist (in reply to MAIL FROM command)", "sender-rejected"),
        ("host mx.example.org[192.0.2.1] said: 550 5.1.1 User unknown (in reply to MAIL FROM command)", "sender-rejected"),
    ],
)
def test_words_of_mail_software_are_known(ours: Finder, line: str, reason: str) -> None:
    found = ours.find(facts_of(line, ours))
    assert found is not None
    assert found.rule.reason == reason


@pytest.mark.parametrize(
    "line",
    [
        "550 5.1.8 Die Adresse des Absenders existiert nicht: Benutzer unbekannt",
        "550 5.1.8 Absender: user unknown",
        "550 5.1.8 Adresse de l'expéditeur inconnue : utilisateur inconnu",
        "550 5.1.8 El remitente no existe: usuario desconocido",
        "550 5.1.8 Il mittente non esiste: utente sconosciuto",
        "550 5.1.8 O remetente não existe: usuário inexistente",
        "550 5.1.8 Het adres van de afzender bestaat niet: onbekende gebruiker",
        "550 5.1.8 Адрес отправителя не существует: пользователь не найден",
        "550 5.1.8 送信者のメールアドレスが存在しません",
        "550 5.1.8 发件人地址不存在",
        "550 5.1.8 寄件者信箱不存在",
        "550 5.1.8 보낸 사람: 존재하지 않는 계정",
        "550 5.1.8 Adres nadawcy nie istnieje: użytkownik nie istnieje",
        "550 5.1.8 Avsändarens adress finns inte: okänd användare",
        "550 5.1.8 Afsenderens adresse: ukendt bruger",
        "550 5.1.8 GÖNDEREN: KULLANICI BULUNAMADI",
        "550 5.1.8 Die Absenderdomain: Domain existiert nicht",
        "550 5.2.1 Le compte de l'expéditeur est bloqué : compte désactivé",
        "550 IP-Adresse nicht gefunden",
        "535 Benutzer unbekannt oder Kennwort falsch",
        "550 Le serveur du destinataire est introuvable",
        "450 4.2.0 Benutzer unbekannt (vorübergehend)",
        "550 Ihr Konto: Konto gesperrt",
        "550 您的账号被禁用",
        "550 Ihre Domain existiert nicht",
        "550 Der Server nimmt keine E-Mails an von <news@example.com>",
        "450 4.1.8 DNS-Fehler bei der Absenderdomain",
    ],
)
def test_words_of_other_languages_about_the_sender_suppress_nobody(ours: Finder, line: str) -> None:
    found = ours.find(facts_of(line, ours))
    assert found is None or found.rule.reason not in {
        "user-unknown",
        "mailbox-disabled",
        "domain-unknown",
        "domain-no-mail",
        "address-moved",
        "address-invalid",
    }


@pytest.mark.parametrize(
    ("text", "spot"),
    [
        ('[rules.a]\nreason = "gone"\nany = ["x y"]', "rules.a.reason: 'gone' is no reason"),
        ('[rules.a]\nreason = "spam"\nscope = "galaxy"\nany = ["x y"]', "rules.a.scope: 'galaxy' is no scope"),
        ('[rules.a]\nreason = "spam"\npermanence = "eternal"\nany = ["x y"]', "rules.a.permanence: 'eternal' is no permanence"),
        ('[rules.a]\nreason = "spam"\nkind = "rumour"\nany = ["x y"]', "rules.a.kind: 'rumour' is no kind"),
        ('[rules.a]\nreason = "spam"\ncommand = ["helo"]\nany = ["x y"]', "rules.a.command: 'helo' is no phase"),
        ('[rules.a]\nreason = "spam"\nprovider = "acme"\nany = ["x y"]', "rules.a.provider: 'acme' is no provider"),
        ('[rules.a]\nreason = "spam"\nstatus = ["5.1"]\nany = ["x y"]', "rules.a.status: '5.1' is no status"),
        ('[rules.a]\nreason = "spam"\nconfidence = 2.0\nany = ["x y"]', "rules.a.confidence: 2.0 is not within 0..1"),
        ('[rules.a]\nreason = "spam"\nguards = ["g"]\nany = ["x y"]', "rules.a.guards: 'g' is no table of [guards]"),
        ('[rules.a]\nreason = "spam"\nany = ["Spam"]', "rules.a.any[0]: 'Spam' can never match: rules see lower case"),
        ('[rules.a]\nreason = "spam"\nany = ["a  b"]', "rules.a.any[0]: 'a  b' can never match"),
        ('[rules.a]\nreason = "spam"\nany = ["by 192.0.2.1"]', "rules.a.any[0]: 'by 192.0.2.1' can never match: rules see addresses as <addr>"),
        ('[rules.a]\nreason = "spam"\nany = ["is spam", "is spam now"]', "rules.a.any[1]: 'is spam now' is covered by an earlier phrase of the rule"),
        ('[rules.a]\nreason = "spam"\nany = [""]', "rules.a.any[0]: '' is empty"),
        ('[rules.a]\nreason = "spam"\nany = ["is spam"]\nnone = ["spam"]', "rules.a.none: the rule can never match"),
        ('[rules.a]\nreason = "spam"\npattern = "(x"', "rules.a.pattern: missing ), unterminated subpattern at position 0 at character 0"),
        ('[rules.a]\nreason = "spam"\npattern = "x{1' + "0" * 50 + '}"', "rules.a.pattern: the repetition number is too large"),
        ('[rules.a]\nreason = "spam"\npattern = "' + "(" * 3000 + ")" * 3000 + '"', "rules.a.pattern: maximum recursion depth exceeded"),
        ('[rules.a]\nreason = "spam"\npattern = "(?P<mood>x)"', "rules.a.pattern: 'mood' is no detail"),
        ("[rules.a]\nreason = \"spam\"\npattern = '(?:x+)+y'", "rules.a.pattern: may take for ever: an unbounded repeat within an unbounded repeat"),
        ("[rules.a]\nreason = \"spam\"\npattern = '.*x.*y'", "rules.a.pattern: may take for ever: two unbounded repeats that match the same characters"),
        ('[rules.a]\nreason = "spam"', "rules.a: has no condition: it would decide everything"),
        ('[rules.a]\nreason = "spam"\nany = ["is spam"]', "rules.a.matches: has no example"),
        ('[rules.a]\nreason = "spam"\nany = ["is spam"]\nmatches = ["550 ham"]', "rules.a.matches[0]: '550 ham' matches no rule"),
        (
            '[rules.a]\nreason = "spam"\nany = ["is spam"]\nmatches = ["550 is spam"]\nmisses = ["551 is spam"]',
            "rules.a.misses[0]: '551 is spam' matches, but must not",
        ),
        (
            '[rules.a]\nreason = "spam"\nany = ["is spam"]\nmatches = ["550 is spam"]\n[rules.b]\nreason = "spam"\nany = ["this is spam"]\nmatches = ["550 this is spam"]',
            "rules.b.any[0]: 'this is spam' is shadowed by 'is spam' of rules.a",
        ),
        (
            '[rules.a]\nreason = "spam"\nreply = [550]\nmatches = ["550 x"]\n[rules.b]\nreason = "spam"\nany = ["so spam"]\nmatches = ["550 so spam"]',
            "rules.b.matches[0]: '550 so spam' is taken by rules.a",
        ),
    ],
)
def test_a_faulty_rule_is_named_with_its_spot(tmp_path: Path, text: str, spot: str) -> None:
    found = [f"{fault.where}: {fault.what}" for fault in check(pack_of(tmp_path, text))]
    assert [line for line in found if line.startswith(spot)] != [], found


@pytest.mark.parametrize(
    "text",
    ["[rules", '[rules.a]\nreson = "spam"', "[rules.a]\nany = []", "[rules.a]\nreason = 5", "rules = 5", "\udcff".encode("utf-8", "surrogateescape").decode("latin-1") + "= ["],
)  # fmt: skip
def test_a_file_that_is_no_pack_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(KnowledgeError, match=r"mine\.toml: "):
        pack_of(tmp_path, text)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"none\.toml: No such file"):
        load(tmp_path / "none.toml")


def test_a_pack_that_can_t_be_run_is_refused_with_every_spot() -> None:
    pack = Pack(rules={"a": Rule(reason="gone", any=("x y",)), "b": Rule(reason="spam")})
    with pytest.raises(KnowledgeError, match=r"mine: rules\.a\.reason: .*; rules\.b: has no condition"):
        require_sound(pack, "mine")


@pytest.mark.parametrize(
    ("status", "low", "high"),
    [("5.1.1", (5, 1, 1), (5, 1, 1)), ("x.1.1", (0, 1, 1), (999, 1, 1)), ("5.7.*", (5, 7, 0), (5, 7, 999)), ("5.7.606-5.7.649", (5, 7, 606), (5, 7, 649))],
)
def test_a_status_condition_is_a_range(status: str, low: tuple[int, int, int], high: tuple[int, int, int]) -> None:
    assert status_range(status) == (low, high)


PROVIDERS = {
    "acme": Provider(hosts=("acme.test",), domains=("mail.test",), words=("acme says",)),
    "zeta": Provider(hosts=("mx.zeta.test",)),
}


@pytest.mark.parametrize(
    ("hosts", "domain", "text", "name"),
    [
        (["mx1.acme.test"], None, "", "acme"),
        (["ACME.TEST."], None, "", "acme"),
        ([None, "a.mx.zeta.test"], None, "", "zeta"),
        (["zeta.test"], None, "", None),
        (["notacme.test"], None, "", None),
        ([], "mail.test", "", "acme"),
        ([], None, "550 acme says no", "acme"),
        (["mx.zeta.test"], "mail.test", "550 acme says no", "zeta"),
        ([], None, "", None),
    ],
)
def test_a_provider_is_known_by_host_words_or_domain(hosts: list[str | None], domain: str | None, text: str, name: str | None) -> None:
    assert Finder([Pack(providers=PROVIDERS)]).provider(hosts, domain, text) == name


def test_the_first_rule_in_file_order_wins_and_the_first_pack_before_the_second() -> None:
    first = Pack(name="first", rules={"b": Rule(reason="spam", any=("word",)), "a": Rule(reason="virus", any=("wor",))})
    second = Pack(name="second", rules={"c": Rule(reason="content", any=("some word",))})
    found = Finder([first, second]).find_all(Facts("some word"))
    assert [(match.pack, match.name) for match in found] == [("first", "b"), ("first", "a"), ("second", "c")]


@pytest.mark.parametrize(
    ("rule", "facts", "holds"),
    [
        (Rule(reason="spam", any=("a b", "c d")), Facts("x c d"), True),
        (Rule(reason="spam", any=("a b",), all=("z",)), Facts("a b"), False),
        (Rule(reason="spam", all=("a b", "z")), Facts("a b z"), True),
        (Rule(reason="spam", any=("a b",), none=("z",)), Facts("a b z"), False),
        (Rule(reason="spam", any=("a b",), guards=("g",)), Facts("a b guarded"), False),
        (Rule(reason="spam", any=("a b",), reply=(550,)), Facts("a b", 551), False),
        (Rule(reason="spam", reply=(550,)), Facts("", 550), True),
        (Rule(reason="spam", status=("5.7.600-5.7.610",)), Facts("", status="5.7.605"), True),
        (Rule(reason="spam", status=("5.7.600-5.7.610",)), Facts("", status="5.7.611"), False),
        (Rule(reason="spam", status=("5.7.*",)), Facts(""), False),
        (Rule(reason="spam", any=("a b",), command=("rcpt",)), Facts("a b", command="data"), False),
        (Rule(reason="spam", any=("a b",), provider="acme"), Facts("a b"), False),
        (Rule(reason="spam", status=("5.1.1",), provider="acme"), Facts("", status="5.1.1", provider="acme"), True),
        (Rule(reason="auto-reply", kind="auto-reply", any=("a b",)), Facts("a b"), False),
        (Rule(reason="spam", any=("a b",), pattern=r"b \d"), Facts("a b c"), False),
        (Rule(reason="spam", pattern=r"^z$"), Facts("z"), True),
    ],
)
def test_all_conditions_of_a_rule_must_hold(rule: Rule, facts: Facts, holds: bool) -> None:  # noqa: FBT001  a column of the table
    found = Finder([Pack(guards={"g": ("guarded",)}, rules={"r": rule})]).find(facts)
    assert (found is not None) is holds


@given(st.lists(st.text(st.sampled_from("ab c한"), min_size=1, max_size=7), min_size=1, max_size=6), st.text(st.sampled_from("ab c한"), max_size=30))
def test_the_index_finds_what_asking_every_rule_would(literals: list[str], text: str) -> None:
    rules = {str(place): Rule(reason="spam", any=(literal,)) for place, literal in enumerate(literals)}
    found = [match.name for match in Finder([Pack(rules=rules)]).find_all(Facts(text))]
    assert found == [str(place) for place, literal in enumerate(literals) if literal in text]
