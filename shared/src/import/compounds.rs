//! Names of columns with addresses and numbers that are made of a noun and a kind, in each language:
//! `Work phone`, `Telefon geschäftlich`, `Correo electrónico del trabajo`. The kind may come first or
//! last, or be absent.

use std::sync::LazyLock;

use super::known::Known::{self, Emails, Phones};
use crate::contact::{Extent::Any, fold};

/// The words of a language, as [`squash`](crate::export::squash) writes them, with spaces between
/// them.
struct Words {
    phones: &'static str,
    emails: &'static str,
    kinds: &'static str,
}

/// The words of all languages in one form.
struct Vocabulary(Vec<Forms>);

struct Forms {
    phones: Vec<String>,
    emails: Vec<String>,
    kinds: Vec<String>,
}

static WRITTEN: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::new(str::to_owned));
static WITHOUT_ACCENTS: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::new(fold));

/// What a column with this name contains if it is made of the words of a language. A number in the
/// name, as in `Telefon 2 privat`, does not count.
pub(super) fn compound(name: &str) -> Option<Known> {
    WRITTEN.find(name)
}

/// [`compound`] for a name without accents.
pub(super) fn compound_without_accents(name: &str) -> Option<Known> {
    WITHOUT_ACCENTS.find(name)
}

impl Vocabulary {
    fn new(form: fn(&str) -> String) -> Self {
        let forms = |words: &str| words.split(' ').map(form).collect();
        let language = |words: &Words| Forms {
            phones: forms(words.phones),
            emails: forms(words.emails),
            kinds: forms(words.kinds),
        };
        Self(LANGUAGES.iter().map(language).collect())
    }

    fn find(&self, name: &str) -> Option<Known> {
        let name: String = name.chars().filter(|c| !c.is_numeric()).collect();
        let is_made_of = |nouns: &[String], kinds: &[String]| {
            let is_kind = |rest: &str| rest.is_empty() || kinds.iter().any(|it| it == rest);
            nouns.iter().any(|noun| {
                let kind = [name.strip_prefix(&**noun), name.strip_suffix(&**noun)];
                kind.into_iter().flatten().any(is_kind)
            })
        };
        if self.0.iter().any(|words| is_made_of(&words.emails, &words.kinds)) {
            Some(Emails(Any))
        } else if self.0.iter().any(|words| is_made_of(&words.phones, &words.kinds)) {
            Some(Phones(Any))
        } else {
            None
        }
    }
}

const LANGUAGES: [Words; 10] = [
    // English.
    Words {
        phones: "phone phonenumber phonenumbers phoneno phonenr telephone telephonenumber \
                 telephoneno tel telno mobile mobileno mobilenumber mobilephone mobilephonenumber \
                 mobilephoneno cell cellno cellnumber cellphone cellphonenumber cellular landline \
                 landlinenumber whatsapp whatsappno whatsappnumber whatsappphone \
                 whatsappphonenumber",
        emails: "email emails emailaddress emailaddresses emailid",
        kinds: "work home office main primary secondary other alternate alternative additional \
                 business personal private company corporate contact customer direct mobile",
    },
    // Indonesian.
    Words {
        phones: "telepon telpon telp tlp notelepon notelpon notelp notlp nomortelepon nomortelpon \
                 nomortelp nomertelepon hp nohp nomorhp handphone nohandphone nomorhandphone \
                 ponsel noponsel nomorponsel seluler nomorseluler genggam wa nowa nomorwa \
                 whatsapp nowhatsapp nomorwhatsapp",
        emails: "email surel alamatemail alamatsurel",
        kinds: "kantor rumah pribadi kerja bisnis usaha perusahaan utama lain lainnya pelanggan \
                 kontak aktif hp wa seluler genggam",
    },
    // German.
    Words {
        phones: "telefon telefonnummer telefonnr tel telnr telnummer rufnummer mobil mobiltelefon \
                 mobilnummer mobilnr mobilfunk mobilfunknummer handy handynummer handynr festnetz \
                 festnetznummer autotelefon",
        emails: "email emailadresse mail mailadresse",
        kinds: "geschäftlich geschaeftlich privat private dienstlich dienst beruflich arbeit \
                 büro buero firma zentrale haupt weitere weiteres andere zuhause kunde kontakt \
                 mobil festnetz",
    },
    // French.
    Words {
        phones: "téléphone tél numérodetéléphone numérotéléphone ndetéléphone ntéléphone \
                 nodetéléphone notéléphone ntél mobile numérodemobile ndemobile portable \
                 numérodeportable ndeportable téléphonemobile téléphoneportable téléphonefixe \
                 fixe télmobile télportable gsm",
        emails: "email emails mail courriel adresseemail adressemail adressecourriel \
                 adressedemessagerie adresseélectronique mél",
        kinds: "bureau domicile travail professionnel professionnelle pro personnel personnelle \
                 perso privé principal principale secondaire société entreprise autre maison \
                 duclient contact decontact ducontact fixe mobile portable",
    },
    // Spanish.
    Words {
        phones: "teléfono tel telf tlf tfno númerodeteléfono númeroteléfono nodeteléfono \
                 ndeteléfono móvil númerodemóvil teléfonomóvil celular númerodecelular \
                 númerocelular teléfonocelular teléfonofijo",
        emails: "email correo correoelectrónico direccióndecorreo direccióndecorreoelectrónico \
                 direccióndeemail mail",
        kinds: "trabajo deltrabajo detrabajo laboral profesional oficina delaoficina deoficina \
                 casa decasa particular personal privado principal secundario empresa delaempresa \
                 otro alternativo contacto decontacto cliente delcliente fijo móvil",
    },
    // Portuguese.
    Words {
        phones: "telefone tel númerodetelefone númerotelefone nodetelefone ndetelefone telemóvel \
                 númerodetelemóvel celular númerodecelular númerocelular telefonecelular \
                 telefonemóvel telefonefixo whatsapp",
        emails: "email endereçodeemail endereçoemail correioeletrônico correioeletrónico \
                 endereçodecorreioeletrônico",
        kinds: "comercial residencial trabalho dotrabalho profissional casa decasa pessoal \
                 particular privado principal secundário empresa daempresa corporativo outro \
                 alternativo contato decontato contacto decontacto cliente docliente fixo celular \
                 móvel",
    },
    // Dutch.
    Words {
        phones: "telefoon telefoonnummer telefoonnr tel telnr telnummer mobiel mobielnummer \
                 mobielnr mobielenummer mobieltelefoonnummer mobieletelefoon gsm gsmnummer \
                 vastetelefoon",
        emails: "email emailadres mail mailadres",
        kinds: "werk opwerk thuis privé zakelijk kantoor algemeen overig anders bedrijf primair \
                 klant contact vast mobiel",
    },
    // Italian.
    Words {
        phones: "telefono tel numeroditelefono numerotelefono nditelefono ntelefono cellulare \
                 numerodicellulare numerocellulare telefonocellulare telefonomobile telefonofisso \
                 cell",
        emails: "email mail indirizzoemail indirizzomail indirizzodipostaelettronica \
                 postaelettronica",
        kinds: "ufficio casa abitazione lavoro dilavoro azienda aziendale personale privato \
                 principale secondario altro cliente contatto dicontatto fisso mobile",
    },
    // Polish.
    Words {
        phones: "telefon tel numertelefonu nrtelefonu nrtel numertel komórka numerkomórki \
                 nrkomórki komórkowy numerkomórkowy telefonkomórkowy telkomórkowy \
                 telefonstacjonarny",
        emails: "email adresemail pocztaelektroniczna adrespocztyelektronicznej mail",
        kinds: "służbowy służbowa służbowego praca dopracy firmowy biurowy domowy dom prywatny \
                 prywatna główny inny dodatkowy kontaktowy klienta komórkowy stacjonarny",
    },
    // Vietnamese.
    Words {
        phones: "điệnthoại sốđiệnthoại sđt sốđt đt diđộng sốdiđộng điệnthoạidiđộng \
                 sốđiệnthoạidiđộng",
        emails: "email địachỉemail thưđiệntử địachỉthưđiệntử",
        kinds: "nhà nhàriêng cơquan côngty vănphòng cánhân khác chính liênhệ kháchhàng diđộng \
                 bàn cốđịnh",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::squash;

    #[test]
    fn the_words_have_the_form_of_the_names_that_they_are_compared_with() {
        let words = LANGUAGES.iter().flat_map(|it| [it.phones, it.emails, it.kinds]);
        for word in words.flat_map(|words| words.split(' ')) {
            assert_eq!(squash(word), word);
        }
    }

    #[test]
    fn only_a_noun_with_a_kind_of_its_language_is_known() {
        let known = compound;
        for name in ["workphone", "phonework", "telefon2privat", "hometelephoneno", "sốđiệnthoại"]
        {
            assert_eq!(known(name), Some(Phones(Any)), "{name}");
        }
        for name in ["customeremail", "emailgeschäftlich", "địachỉemail"] {
            assert_eq!(known(name), Some(Emails(Any)), "{name}");
        }
        for name in [
            "assistantphone",
            "homefax",
            "hotel",
            "workphonetype",
            "directmail",
            "customernumber",
            "",
        ] {
            assert_eq!(known(name), None, "{name}");
        }
    }
}
