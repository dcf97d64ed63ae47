"""Words that a caption or a line should not end on (articles, prepositions, conjunctions, pronouns, auxiliaries),
and words it should not begin with (Hindi puts them behind the noun). Languages without a list go by punctuation."""

_ENDS = {
    "en": """
        a an the this that these those my your his her its our their some any no every each
        of in on at by for with from into onto about over under between through during before after
        to as than and or but so nor if when while because although since unless until whether which who whose whom
        what where how why i you he she it we they
        am is are was were be been being have has had do does did will would can could shall should may might must
        not don't doesn't didn't won't can't isn't aren't wasn't very too
    """,
    "es": """
        el la los las un una unos unas lo al del este esta estos estas ese esa mi tu su mis tus sus nuestro nuestra
        de en a por para con sin sobre entre desde hasta hacia según durante contra
        y e o u pero ni que si como cuando donde porque aunque mientras quien cual
        yo tú él ella nosotros ellos ellas me te se nos le les
        es son era eran fue fueron ser está están estaba ha han he hemos había hay no muy más
    """,
    "fr": """
        le la les un une des du au aux l' d' ce cet cette ces mon ma mes ton ta tes son sa ses notre nos votre
        leur leurs de en à dans par pour avec sans sous sur entre vers chez depuis pendant contre
        et ou mais donc ni car que qu' qui quand si comme dont où lorsque puisque
        je tu il elle on nous vous ils elles me te se ne n' pas y
        est sont était étaient être a ai as ont avons avez avait avaient va vont très plus
    """,
    "de": """
        der die das den dem des dieser diese dieses diesen diesem jeder jede jedes jeden
        ein eine einen einem einer eines kein keine mein meine dein sein seine ihr ihre unser
        von zu zum zur in im an am auf aus bei mit nach für über unter vor durch gegen ohne um zwischen seit
        und oder aber denn sondern dass daß ob wenn als weil damit obwohl während wie wo was wer
        ich du er sie es wir man mich mir dich dir sich uns euch
        ist sind war waren sein bin bist hat haben hatte hatten habe wird werden wurde wurden kann können
        muss müssen soll sollen will wollen nicht sehr zu
    """,
    "it": """
        il lo la i gli le un uno una l' un' questo questa questi queste quel quella mio mia tuo tua suo sua nostro
        di a da in con su per tra fra del dello della dei degli delle al allo alla ai agli alle dal dalla nel nella sul
        e ed o ma né che se come quando dove perché mentre chi cui
        io tu lui lei noi voi loro mi ti si ci vi ne
        è sono era erano essere ho hai ha abbiamo hanno aveva non molto più
    """,
    "pt": """
        o a os as um uma uns umas este esta esse essa meu minha teu seu sua nosso nossa
        de em por para com sem sobre entre desde até do da dos das no na nos nas ao à pelo pela
        e ou mas nem que se como quando onde porque embora enquanto quem
        eu tu ele ela nós eles elas você vocês me te se lhe
        é são era eram foi foram ser está estão estava tem têm tinha há não muito mais
    """,
    "nl": """
        de het een deze dit die dat mijn jouw zijn haar ons onze hun geen
        van in op aan bij met voor naar uit over onder door om te tot tussen zonder
        en of maar want dus dat als toen omdat hoewel terwijl wie wat waar hoe
        ik jij je hij ze zij wij we jullie u me mij zich er
        is was waren ben bent heb hebt heeft hebben had hadden wordt worden werd kan kunnen moet moeten zal zullen
        niet zeer
    """,
    "pl": """
        w we z ze na do od po za o u nad pod przed przy przez dla bez między ku
        i a ale lub albo oraz że żeby aby bo gdy kiedy jeśli jak który która które czy więc
        ja ty on ona ono my wy oni one mnie mi cię ci go mu jej ją ich im się to ten ta te
        jest są był była było były być nie bardzo
    """,
    "ru": """
        в во на с со к ко у о об от до из за по под над при про для без между через перед
        и а но или да что чтобы если когда как где потому хотя пока который которая которое которые
        я ты он она оно мы вы они меня мне тебя тебе его ему её ей нас нам вас вам их им мой моя твой свой этот
        эта это тот         был была было были есть буду будет не ни очень
    """,
    "ar": """
        في من إلى على عن مع بين عند حتى منذ خلال بعد قبل تحت فوق
        و أو ثم لكن أن إن إذا لو لأن كما حين عندما بينما
        أنا أنت هو هي نحن هم هن هذا هذه ذلك تلك الذي التي الذين
        كان كانت يكون قد لقد سوف لا لم لن ما ليس كل
    """,
    "hi": """
        और या लेकिन पर कि अगर जब तो क्योंकि यदि
        मैं तुम आप वह यह हम वे ये मेरा मेरी मेरे तुम्हारा आपका आपकी आपके उसका उसकी उसके इसका इस उस एक
        नहीं न मत बहुत
    """,
}

_BEGINS = {
    "hi": """
        ने को से में पर का की के तक वाला वाली वाले लिए साथ
        है हैं था थी थे हूँ हो रहा रही रहे गा गी गे ही भी
    """,
}

_UNITS = """
    % ° °c °f km m cm mm kg g mg l ml km/h mph hz khz mhz ghz kb mb gb tb w kw v a $ € £ ¥
    percent per cent degrees metres meters miles feet inches kilos kilograms grams litres liters dollars euros pounds
    seconds minutes hours days weeks months years o'clock am pm a.m. p.m.
    por ciento grados metros kilómetros euros dólares segundos minutos horas días semanas meses años
    pour cent degrés mètres secondes minutes heures jours semaines mois ans
    prozent grad meter kilometer sekunden minuten stunden tage wochen monate jahre uhr
"""

_EDGES = ".,;:?!…\"'()[]«»“”„‘’—–-،؛؟।"

ENDS: dict[str, frozenset[str]] = {language: frozenset(words.split()) for language, words in _ENDS.items()}
BEGINS: dict[str, frozenset[str]] = {language: frozenset(words.split()) for language, words in _BEGINS.items()}
UNITS = frozenset(_UNITS.split())
_NONE: frozenset[str] = frozenset()

SENTENCE_END = frozenset(".?!…。？！؟۔।॥")
CLAUSE_END = frozenset(",;:—–、，；：،؛")
_CLOSERS = "\"'»”’)]）」』】》"


def weak_end(word: str, language: str) -> bool:
    return _core(word) in ENDS.get(language, _NONE)


def weak_begin(word: str, language: str) -> bool:
    return _core(word) in BEGINS.get(language, _NONE)


def ending(word: str) -> str:
    """The mark that ends the word, behind any closing quote or bracket; empty when it ends in a letter."""
    last = word.rstrip(_CLOSERS)[-1:]
    return last if last in SENTENCE_END or last in CLAUSE_END else ""


def belong_together(left: str, right: str) -> bool:
    """A number with its unit, a first with a last name."""
    if ending(left):
        return False
    if left[-1].isdigit():
        return _core(right) in UNITS
    return len(left) > 1 and left[0].isupper() and right[0].isupper() and len(right) > 1


def _core(word: str) -> str:
    return word.strip(_EDGES).lower() or word.lower()
