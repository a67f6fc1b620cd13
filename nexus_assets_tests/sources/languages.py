"""Names as people of many languages have them, put together at random into exports: what a code page is tried with."""

from __future__ import annotations

import random
from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "english": "Zoë Chloë Renée René André José Siân Brontë O’Brien O’Connor D’Arcy O’Neill",
    "french": "Hélène François Élodie Gérard Thérèse Benoît Anaïs Noël Jérôme Lefèvre Gauthière Besançon Désiré Mégane Béatrice",
    "german": "Müller Jäger Schröder Günther Käthe Jörg Größle Weiß Köhler Schäfer Bäcker Büchner Höß Krüger Lübke Voßkuhl",
    "spanish": "Peña Muñoz Núñez María Jesús Ibáñez Rodríguez Álvarez Concepción Martín Gómez Begoña Íñigo Sofía",
    "portuguese": "João Conceição Gonçalves Simões Antônio Guimarães Magalhães Assunção Luís Inês Araújo Estêvão",
    "italian": "Nicolò Donà Cantù Foà Niccolò Mosè Zanè Libertà Corrà Bellò",
    "nordic": "Søren Bjørn Åse Jørgensen Kjær Ångström Sjöström Håkansson Næss Hermansøn Øystein Mårtensson Grønvold Fjellström",
    "icelandic": "Þórður Guðrún Ólafur Sigríður Ragnheiður Jóhann Ásgeir Kristján Hafþór Sæmundur Ingibjörg Friðrik",
    "finnish": "Hämäläinen Mäkinen Väisänen Sääski Töyrylä Pöyry Räsänen Löytynoja",
    "polish": "Wałęsa Kozłowski Żółtowski Gdański Świątek Małgorzata Józef Kędzierski Łukasz Bożena Zieliński Agnieszka-Śliwa Woźniak",
    "czech": "Dvořák Růžička Novák Štěpán Zdeněk Jiří Kučera Čapek Němcová Ondřej Procházková Kateřina Šťastný Žofie Hájek",
    "hungarian": "Erdős Szűcs Kovács Győző Ferenc-Tóth Balázs Őze László Gönczy Réka Fűz Vörös Székely Hegedűs",
    "romanian": "Ștefan Brătianu Ionuț Mihăilă Țepeș Rădulescu Cătălin Sânziana Bălan Ilinca-Niță Pușcaș Răzvan",
    "croatian": "Kovačević Đurđa Ćosić Žarko Šimić Perković Josipović Đorđe Marčić Božić Jelačić Tomašević",
    "turkish": "Yıldız Şahin Özgür Çağlar Gülşen İbrahim Erdoğan Ayşe Doğan Işık Kılıç Tuğba Müjgan Barış",
    "baltic": "Bērziņš Kalniņš Jānis Žukauskas Ņikita Laučienė Šķēle Vaičiūnas Jurgaitytė Ozoliņš Līga Rūta Grigaitis-Mažeikis Ķirsis",
    "estonian": "Tõnu Põder Jõgi Mägi Rätsep Õunapuu Kõiv Sõmer Võrk Üle",
    "greek": "Παπαδόπουλος Γιάννης Ελένη Κωνσταντίνος Μαρία Αθηνά Νικόλαος Σοφία Χρήστος Ζωή",
    "russian": "Иванов Смирнова Пётр Екатерина Жуков Щербаков Юлия Алексей Фёдор Эльвира",
    "ukrainian": "Шевченко Їжакевич Євген Ганна Гриценко Бойко Любов Ярослав",
    "hebrew": "כהן לוי מזרחי פרץ ביטון אברהם דהן שרה רחל יעקב",
    "arabic": "محمد فاطمة أحمد خديجة يوسف مريم حسن ليلى",
    "thai": "สมชาย สมหญิง วิชัย มาลี ประเสริฐ นภา",
    "vietnamese": "Trâm Hùng Đào Phúc Hà Hoàng Dũng Châu",
    "japanese": "田中 鈴木 佐藤 高橋 さくら ユウコ 伊藤 渡辺 山本 小林",
    "chinese": "王芳 李娜 张伟 刘洋 陈静 杨洋 赵敏 黄磊 周涛 吴刚",
    "taiwanese": "陳淑芬 林美玲 黃志明 張雅婷 李俊傑 王建國 吳佩珊",
    "korean": "김민준 이서연 박지훈 최수빈 정하은 강도윤 조예린",
}  # fmt: skip

PLAIN = ("Smith", "Wattle", "Banksia", "Jones", "Nguyen", "Lee")


def export(language: str, codec: str, number: int) -> str | None:
    """An export in which 1 to 60 cells are not ASCII, alone or among up to 300 plain ones; None where no name fits the codec."""
    chance = random.Random(f"{language} {codec} {number}")
    names = [name for name in NAMES[language].split() if not name.isascii() and fits(name, codec)]
    if not names:
        return None
    chosen = [chance.choice(names) for _ in range(chance.choice((1, 2, 3, 5, 10, 60)))]
    chosen = [name.upper() if chance.random() < 0.05 and fits(name.upper(), codec) else name for name in chosen]
    cells = [*chosen, *(chance.choice(PLAIN) for _ in range(chance.choice((0, 4, 40, 300))))]
    chance.shuffle(cells)
    end = chance.choice(("\r", "\n", "\r\n"))
    rows = (f'{at},{name},"seen {at % 28 + 1}/3/2016, 5 mm"' for at, name in enumerate(cells))
    return end.join(("id,by,Note", *rows, ""))


def fits(text: str, codec: str) -> bool:
    """Whether the codec can write a text and read it back."""
    try:
        return text.encode(codec).decode(codec) == text
    except UnicodeError:
        return False
