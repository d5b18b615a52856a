//! The names of columns in other languages than English and Indonesian, as people write them and as
//! Outlook for Windows translates them: German, French, Spanish, Portuguese, Dutch and Italian.

use super::{
    known::{
        Known::{self, CompanyName, Emails, Name, Part, Phones, Tags},
        NamePart, Names, look_up,
    },
    program::{self, Program},
};
use crate::contact::Extent::Any;

/// What a column with this name contains in a file of the program, in any of the languages.
pub(super) fn known(squashed: &str, program: Option<Program>) -> Option<Known> {
    program::known(squashed, program).or_else(|| look_up(&[COLUMNS], squashed))
}

/// The meaning of names in all files.
const COLUMNS: Names = &[
    (&["vollständigername", "nomcomplet", "nombrecompleto", "nomecompleto", "volledigenaam"], Name),
    (
        &["vorname", "prénom", "prenom", "nombre", "nombres", "nome", "voornaam"],
        Part(NamePart::First),
    ),
    (&["weiterevornamen", "deuxièmeprénom", "segundonombre"], Part(NamePart::Middle)),
    (
        &[
            "nachname",
            "familienname",
            "nom",
            "nomdefamille",
            "apellido",
            "apellidos",
            "sobrenome",
            "apelido",
            "achternaam",
            "cognome",
        ],
        Part(NamePart::Last),
    ),
    (
        &[
            "emailadresse",
            "adresseemail",
            "adressemail",
            "adressedemessagerie",
            "courriel",
            "correo",
            "correoelectrónico",
            "correoelectronico",
            "direccióndecorreoelectrónico",
            "endereçodeemail",
            "enderecodeemail",
            "emailadres",
            "indirizzoemail",
            "indirizzodipostaelettronica",
        ],
        Emails(Any),
    ),
    (
        &[
            "telefon",
            "telefonnummer",
            "telefongeschäftlich",
            "telefonprivat",
            "telefonfirma",
            "haupttelefon",
            "weiterestelefon",
            "autotelefon",
            "mobiltelefon",
            "mobil",
            "mobilnummer",
            "handy",
            "handynummer",
            "téléphone",
            "téléphonebureau",
            "téléphonedomicile",
            "téléphonemobile",
            "téléphoneportable",
            "télmobile",
            "numérodetéléphone",
            "portable",
            "teléfono",
            "telefono",
            "teléfonodeltrabajo",
            "teléfonoparticular",
            "teléfonomóvil",
            "móvil",
            "movil",
            "celular",
            "telefone",
            "telefonecomercial",
            "telefoneresidencial",
            "telemóvel",
            "telefoon",
            "telefoonnummer",
            "telefoonopwerk",
            "telefoonthuis",
            "mobieletelefoon",
            "mobiel",
            "cellulare",
        ],
        Phones(Any),
    ),
    (
        &[
            "firma",
            "unternehmen",
            "société",
            "entreprise",
            "empresa",
            "bedrijf",
            "azienda",
            "società",
        ],
        CompanyName,
    ),
    (&["kategorien", "catégories", "categorías", "categorias", "categorieën"], Tags),
];
