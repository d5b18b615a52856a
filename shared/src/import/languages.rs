//! The names of columns in other languages than English and Indonesian, as people write them and as
//! Outlook for Windows translates them: German, French, Spanish, Portuguese, Dutch and Italian.

use super::known::{
    self,
    Known::{self, CompanyName, Emails, Name, Part, Phones, Tags},
    NamePart, Program,
};

/// What a column with this name contains in a file of the program, in any of the languages.
pub(super) fn known(squashed: &str, program: Option<Program>) -> Option<Known> {
    known::known(squashed, program).or_else(|| known::look_up(&[COLUMNS], squashed))
}

/// The meaning of names in all files.
const COLUMNS: &[(&[&str], Known)] = &[
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
        Emails,
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
        Phones,
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
