//! The names of columns in other languages than English and Indonesian, as people write them and as
//! Outlook for Windows translates them: German, French, Spanish, Portuguese, Dutch, Italian, Polish
//! and Vietnamese. Names of addresses and numbers are in `compounds`.

use std::{collections::HashMap, sync::LazyLock};

use super::{
    compounds::{compound, compound_without_accents},
    known::{
        Known::{self, CompanyName, Name, OtherCompanyName, OtherName, Part, Phones, Tags},
        NamePart, Names, find_numbered, look_up,
    },
    program::{self, Program},
};
use crate::contact::{Extent::Any, fold};

/// The minimum number of letters of a name that is also known without its accents. A short one could
/// be another word: `Tên` is a name, and `Ten` is a number.
const MIN_PLAIN_LETTERS: usize = 4;

/// What a column with this name contains in a file of the program, in any of the languages.
pub(super) fn known(squashed: &str, program: Option<Program>) -> Option<Known> {
    let name = program::bare(squashed, program);
    program::known(squashed, program)
        .or_else(|| look_up(&[COLUMNS], name))
        .or_else(|| compound(name))
        .or_else(|| without_accents(&fold(name)))
}

fn without_accents(name: &str) -> Option<Known> {
    if name.chars().count() < MIN_PLAIN_LETTERS {
        return None;
    }
    find_numbered(name, |name| WITHOUT_ACCENTS.get(name).copied())
        .or_else(|| compound_without_accents(name))
}

/// The names of [`COLUMNS`] without their accents.
static WITHOUT_ACCENTS: LazyLock<HashMap<String, Known>> = LazyLock::new(|| {
    let mut plain = HashMap::new();
    for (names, known) in COLUMNS {
        for name in *names {
            plain.entry(fold(name)).or_insert(*known);
        }
    }
    plain
});

/// The meaning of names in all files.
const COLUMNS: Names = &[
    (
        &[
            "vollständigername",
            "nomcomplet",
            "nometprénom",
            "prénometnom",
            "nomprénom",
            "prénomnom",
            "nombrecompleto",
            "nombreyapellidos",
            "nombreyapellido",
            "apellidosynombre",
            "nomecompleto",
            "volledigenaam",
            "naam",
            "nomeecognome",
            "cognomeenome",
            "nomecognome",
            "nominativo",
            "imięinazwisko",
            "nazwiskoiimię",
            "imięnazwisko",
            "họvàtên",
            "họtên",
            "tênđầyđủ",
            "họtênđầyđủ",
        ],
        Name,
    ),
    (
        &[
            "kundenname",
            "kontaktname",
            "nomducontact",
            "nomduclient",
            "nombredelcontacto",
            "nombredecontacto",
            "nombredelcliente",
            "nomedocontato",
            "nomedocontacto",
            "nomedocliente",
            "klantnaam",
            "contactnaam",
            "naamcontactpersoon",
            "nomecliente",
            "nomecontatto",
            "nazwaklienta",
            "tênkháchhàng",
            "tênliênhệ",
            "tênngườiliênhệ",
        ],
        OtherName,
    ),
    (
        &[
            "vorname",
            "prénom",
            "nombre",
            "nombres",
            "primernombre",
            "nome",
            "primeironome",
            "nomepróprio",
            "voornaam",
            "primonome",
            "imię",
            "tên",
        ],
        Part(NamePart::First),
    ),
    (
        &[
            "weiterevornamen",
            "zweitervorname",
            "deuxièmeprénom",
            "autresprénoms",
            "segundonombre",
            "segundonome",
            "nomedomeio",
            "tussenvoegsel",
            "tweedevoornaam",
            "tussennaam",
            "secondonome",
            "drugieimię",
            "tênđệm",
        ],
        Part(NamePart::Middle),
    ),
    (
        &[
            "nachname",
            "familienname",
            "zuname",
            "nom",
            "nomdefamille",
            "apellido",
            "apellidos",
            "sobrenome",
            "apelido",
            "últimonome",
            "achternaam",
            "familienaam",
            "cognome",
            "nazwisko",
            "họ",
        ],
        Part(NamePart::Last),
    ),
    (
        &[
            "festnetz",
            "festnetznummer",
            "durchwahl",
            "cellulaire",
            "teléfonofijo",
            "telefonefixo",
            "vastetelefoon",
            "telefonofisso",
            "telefonstacjonarny",
        ],
        Phones(Any),
    ),
    (
        &[
            "firma",
            "firmenname",
            "unternehmen",
            "société",
            "entreprise",
            "nomdelasociété",
            "nomdelentreprise",
            "nomsociété",
            "nomentreprise",
            "empresa",
            "nombredelaempresa",
            "nombredeempresa",
            "nombreempresa",
            "compañía",
            "nomedaempresa",
            "nomeempresa",
            "bedrijf",
            "bedrijfsnaam",
            "firmanaam",
            "azienda",
            "società",
            "nomeazienda",
            "nomedellazienda",
            "nomesocietà",
            "ditta",
            "nazwafirmy",
            "côngty",
            "têncôngty",
        ],
        CompanyName,
    ),
    (
        &[
            "unternehmensname",
            "raisonsociale",
            "razónsocial",
            "organización",
            "razãosocial",
            "organização",
            "companhia",
            "organisatie",
            "onderneming",
            "ragionesociale",
            "organizzazione",
            "impresa",
            "organizacja",
            "przedsiębiorstwo",
            "spółka",
            "doanhnghiệp",
            "têndoanhnghiệp",
            "tổchức",
            "têntổchức",
        ],
        OtherCompanyName,
    ),
    (
        &[
            "kategorien",
            "schlagwörter",
            "catégories",
            "étiquettes",
            "categorías",
            "etiquetas",
            "categorias",
            "categorieën",
            "categorie",
            "etichette",
            "kategorie",
            "etykiety",
            "nhãn",
            "thẻ",
        ],
        Tags,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::squash;

    #[test]
    fn the_names_have_the_form_of_those_that_they_are_compared_with() {
        for name in COLUMNS.iter().flat_map(|(names, _)| names.iter()) {
            assert_eq!(squash(name), *name);
        }
    }

    #[test]
    fn long_names_are_known_without_their_accents_and_short_ones_are_not() {
        for name in ["sodienthoai", "telefono", "imieinazwisko", "correoelectronico", "movil"] {
            assert!(known(name, None).is_some(), "{name}");
        }
        assert_eq!(known("tên", None), Some(Part(NamePart::First)));
        assert_eq!((known("ten", None), known("ho", None)), (None, None));
    }
}
